/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The MACs that are learned in flooded networks: (network, MAC) -> the place that it was seen at, a
 * port with its VLAN or a node. Only MACs of hosts that are no endpoints get in here. When the table,
 * the network's part or the port's part is full, a new MAC is not learned: it displaces nothing, and
 * packets to it are flooded.
 *
 * An entry is two words. Its key is set once, by the worker that takes the free entry, and wiped by
 * control; its value is 0 before and after. A worker changes a value only from what it has read: so a
 * worker that was held up changes no entry that became another MAC's meanwhile, since the ticks
 * differ.
 *
 * Threads: learn and find: any worker. age and moves: control. Values may be older than the
 * configuration: whoever uses one checks that the place is still one of the network's.
 */
#ifndef SL_FLOOD_MACS_H
#define SL_FLOOD_MACS_H

#include "sluice/types.h"

#define SL_MACS_MAX	  65536u /* on this node */
#define SL_MACS_A_NETWORK 4096u
#define SL_MACS_A_PORT	  256u

struct sl_macs;

struct sl_macs *sl_macs_create(void); /* NULL when out of memory */
void sl_macs_destroy(struct sl_macs *m);

/*
 * A host with that MAC has sent a frame from there. tick: now. False: there was no room to learn it.
 */
bool sl_macs_learn(struct sl_macs *m, unsigned int worker, uint32_t network,
	const struct sl_mac *mac, uint32_t origin, uint32_t tick);
/* Where is the MAC? False: not known. */
bool sl_macs_find(struct sl_macs *m, uint32_t network, const struct sl_mac *mac, uint32_t *origin);

/* Control. */
struct sl_mac_row {
	uint32_t network, origin, tick;
	struct sl_mac mac;
};

/* Reads entry number `at`, below SL_MACS_MAX. False: it is free. */
bool sl_macs_read(const struct sl_macs *m, uint32_t at, struct sl_mac_row *row);
/* Forgets the entry, if it still is what was read. */
void sl_macs_forget(struct sl_macs *m, uint32_t at, const struct sl_mac_row *row);
uint32_t sl_macs_of_network(const struct sl_macs *m, uint32_t network);
/* How often a MAC of the network was not learned, for want of room. */
uint64_t sl_macs_refused(const struct sl_macs *m);

/* A MAC was seen at another place than before. */
struct sl_mac_move {
	uint32_t network, from, to, tick;
	struct sl_mac mac;
};
/* Takes the next move that a worker has noted. False: there is none. */
bool sl_macs_next_move(struct sl_macs *m, struct sl_mac_move *move);

#endif
