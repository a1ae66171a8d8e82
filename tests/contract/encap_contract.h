/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The requirements that every encapsulation is tested against, made from its row. test_encap.c has
 * the templates and push, test_encap_pop.c has pop.
 * Threads: one.
 */
#ifndef SL_TESTS_ENCAP_CONTRACT_H
#define SL_TESTS_ENCAP_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pipelines/overlay/encaps.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "tests/lib/packet.h"

#define HASH 0x00000001u /* source port 49153 */
#define VNI  0xabcdefu

/*
 * What is known about an encapsulation's own header besides its row: the header by the packet
 * builders, bytes that must be refused, and bits that must be ignored. A row without this is tested
 * against everything else here, with the own header that its push writes.
 */
struct wire {
	void (*own)(struct sl_frame *f);
	struct {
		uint8_t off, value; /* offset counts from the own header */
		enum sl_drop drop;
	} bad[8];
	unsigned int n_bad;
	uint8_t ignored[8][2];
	unsigned int n_ignored;
};

/* What a row of sl_encaps is tested against, over one family: made from the row. */
struct contract {
	enum sl_encap_id id;
	enum sl_family family; /* of the underlay */
	const struct sl_encap *row;
	const char *name;
	const struct wire *wire; /* NULL: only the row is known */
	uint32_t hdr_len;
	uint32_t own_off, own_len; /* of the own header */
	uint8_t own[SL_TUNNEL_HDR_MAX];
};

#define N_CONTRACTS (SL_ENCAP_COUNT * SL_FAMILIES)

/* [encap * SL_FAMILIES + family] */
extern struct contract contracts[N_CONTRACTS];

/* All that are received as tunnels. */
#define for_each_contract(c)                                                         \
	for (const struct contract *c = contracts; c < contracts + N_CONTRACTS; c++) \
		if (c->row->ip_proto == 0)                                           \
			continue;                                                    \
		else

/* The state of the helpers: one packet in a burst, and the tunnel that it is pushed into. */
extern struct sl_burst burst;
extern struct sl_frame inner, outer;
extern struct sl_tunnel tunnel;
extern unsigned int n_outer_layers; /* layers that wrap made */

/* A resolved path from 192.0.2.1 to 192.0.2.2, or from 2001:db8::1 to 2001:db8::2. */
void params(struct sl_tunnel_params *p, enum sl_family family);
/* `tunnel` is the encapsulation's, from params. */
void build(const struct contract *c);
/* Push the tunnel's headers on one packet, prepared as forwarding leaves it.
 * Returns the verdict. */
enum sl_drop push(const struct contract *c, struct rte_mbuf *m);
/* Parse the outer headers and pop. Returns the verdict of parse or pop. */
enum sl_drop pop(const struct contract *c, struct rte_mbuf *m);
struct rte_mbuf *exact(const struct sl_frame *f);
/* Build the outer frame with the packet builders; inner from its Ethernet header on. */
void wrap(const struct contract *c, struct sl_frame *out, const struct sl_frame *in, uint8_t tos);
/* The inner frame as pop gives it back: without addresses, when the tunnel carries no Ethernet header. */
const struct sl_frame *popped(const struct contract *c);
/* Set-up of a group of tests. */
int setup(void **state);
int teardown(void **state);

#endif
