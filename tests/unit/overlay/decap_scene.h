/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node that is the remote end of the contract's tunnel (tests/contract/encap_contract.h), for tests of
 * decap: 192.0.2.2 and 2001:db8::2 are its tunnel addresses, the other end's are node NODE's.
 * Threads: one.
 */
#ifndef SL_TESTS_DECAP_SCENE_H
#define SL_TESTS_DECAP_SCENE_H

#include "tests/contract/encap_contract.h"

#include "pipelines/context/world.h"

enum {
	NODE = 3,
	NODES = 8,
	NETWORK = 1,
	ROUTED = 2, /* the network of the pair of addresses */
	OTHER_VNI = 0x123456,
};

extern struct sl_network networks[3];
extern struct sl_node_way ways[NODES];
extern struct sl_encap_ports ports;
extern struct sl_host_taps taps;
extern struct sl_world world;
extern unsigned int n_in, n_host; /* what the last decap kept, and left to the node */

const struct contract *contract(enum sl_encap_id id, enum sl_family family);
/* Of a group of tests, and of each test: a network that takes nothing, and standard ports. */
int set_up_world(void **state);
int tear_down_world(void **state);
int fresh(void **state);
/* What the network takes from now on: 1 << enum sl_encap_id each. */
void take(uint32_t encaps);
/* Decap of the burst; of one packet; of the frame in `outer`: its verdict. */
void decap(void);
enum sl_drop decap_mbuf(struct rte_mbuf *m);
enum sl_drop decap_outer(void);
/* A tunnel packet in `outer`. */
void make(const struct contract *c);
/* The one packet is what the contract's tunnel carried. */
void assert_taken(const struct contract *c);
/* The number of bytes that the packet has lost in front, as a sample needs it. */
uint32_t removed(void);

#endif
