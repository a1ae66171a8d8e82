/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The underlay's neighbour table on a link that the test plays, with a clock that the test turns.
 * This node is 192.0.2.1 and 2001:db8::1 there.
 */
#ifndef SL_TESTS_NEIGHBOR_LINK_H
#define SL_TESTS_NEIGHBOR_LINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_arp.h>
#include <rte_ether.h>

#include "ctrl/underlay/neighbor.h"
#include "dp/worker/worker.h"
#include "tests/lib/packet.h"

#define PORT   3
#define SECOND SL_TICKS_PER_SECOND

struct link {
	struct sl_neighbors *t;
	struct sl_counters counters;
	struct sl_ip hop;
	uint32_t tick;
	unsigned int n_sent, n_changed;
	struct rte_mbuf *sent[64];
	bool has_mac;
	struct sl_mac mac; /* of the last change */
	unsigned int n_reported;
	struct sl_neighbor_event reported; /* the last one */
	bool many;			   /* hop is not the only one */
	bool by_kernel;			   /* the host's kernel is asked, n_asked times */
	unsigned int n_asked;
};

#define OLD   "02:00:00:00:0b:01"
#define OTHER "02:00:00:00:0b:02"

/* Of each test; *state is the struct link. */
int setup(void **state);
int teardown(void **state);

void forget_sent(struct link *l);
struct rte_mbuf *data_packet(void);
void hear_arp(struct link *l, uint16_t op, const char *mac, const char *sender, const char *target);
void pass(struct link *l, uint32_t ticks);
const struct rte_arp_hdr *sent_arp(const struct link *l, unsigned int i);
/* The next hop is at OLD, and nothing of that is left in the test's books. */
void resolve(struct link *l);
/* The one entry, or the last. */
struct sl_neighbor_view view(struct link *l);
void assert_sent_to(const struct link *l, unsigned int i, const char *mac);

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
