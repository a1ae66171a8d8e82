/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port driver that makes packets and checks those that leave, in place of a device. Its devices
 * are "mill0", the access port of web-1, and "mill1", the uplink. The packets that may leave depend
 * on the epoch, a number that the control thread counts up.
 *
 * A worker notes the epochs that were done before it made a burst (since), and those begun when it
 * transmits. Each packet that leaves must be right in one epoch from the first to the second. So it
 * must be allowed by the present policy or one since the packet arrived, and it must go to a node
 * that has had its endpoint since then. Packets that every epoch allows must all leave.
 *
 * Threads: the workers receive and transmit; the control thread starts, stops and counts up.
 * Ownership: static; one engine at a time.
 */
#ifndef SL_TESTS_MILL_H
#define SL_TESTS_MILL_H

#include <rte_mempool.h>

#include "dp/device/port_driver.h"
#include "dp/lib/hash.h"

#define MILL_WORKERS 2
#define MILL_MOVING  4 /* destination ports; each epoch allows one */
#define MILL_PLACES  3 /* of far-2: the two nodes, and nowhere */

/* The nodes of the remote endpoints, node-b and node-c. A place of far-2 is one of them. */
enum mill_node { NODE_B, NODE_C, N_NODES };

/* Packets, of one worker or of all. */
struct mill_counts {
	uint64_t in, out;
	uint64_t always_in, always_out; /* those that every epoch allows */
	uint64_t wrong_policy, wrong_place;
	uint64_t strangers; /* left, but no packet that was made could become them */
};

/* The contents of an epoch: the destination port that it allows, and the place of far-2. */
uint16_t mill_port_of(uint64_t epoch);
unsigned int mill_place_of(uint64_t epoch);

/* To be called before the commit of an epoch, and after it. */
void mill_epoch_begin(uint64_t epoch);
void mill_epoch_end(uint64_t epoch);
uint64_t mill_epochs_done(void);

void mill_register(void);
/* The devices have packets from now on, with buffers of this pool. */
void mill_start(struct rte_mempool *pool, uint64_t seed);
void mill_stop(void);
/* Once the workers have stopped: the sums over all of them. */
void mill_counts(struct mill_counts *sum);

/* A random number below n. */
static inline uint32_t mill_below(uint64_t *random, uint32_t n)
{
	*random += SL_HASH_K0;
	return (uint32_t)(sl_hash_fold(*random, *random ^ SL_HASH_K1) % n);
}

#endif
