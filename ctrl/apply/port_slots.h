/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The applier's ports: a slot for each, found by name or id, allocated with the port. A transaction
 * touches the slots that it changes and works on their `next`. It copies and walks nothing for the
 * other slots, however many there are.
 *
 * Invariants: a slot is found by its name and its id from prepare of the transaction that adds the
 * port until the end of the one that removes it. Outside a transaction no slot is touched, and
 * every slot is present. `all` holds the ids of the present slots.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_APPLY_PORT_SLOTS_H
#define SL_CTRL_APPLY_PORT_SLOTS_H

#include <uthash.h>

#include "sluice/port_set.h"

struct sl_port_slot {
	uint16_t id;
	bool present;	/* added by a transaction that was committed */
	uint16_t mtu;	/* the MTU that flows were resolved with */
	uint32_t owner; /* its endpoints' connections are billed to it together; 0: none yet */
	uint32_t n_endpoints, n_tagged; /* n_tagged of them are in VLANs */
	/*
	 * The network of its endpoints without a VLAN; SL_PORT_TAGGED_ONLY: it has only others; 0:
	 * it has none. The world shows 0 while the former
	 * network's packets are being cleared.
	 */
	uint32_t network;
	bool touched;
	struct sl_port_slot *next_touched;
	struct {
		bool gone;  /* the transaction removes it */
		bool clear; /* a VLAN of the port gets another network */
		uint32_t n_endpoints, n_tagged;
		uint32_t n_lost; /* endpoints that it had before the transaction and loses */
		uint32_t network;
		bool has_new_mtu;
		uint32_t mtu_before; /* the MTU asked for before, to restore on abort */
	} next;
	UT_hash_handle hh;
	char name[];
};

struct sl_port_slots {
	struct sl_port_slot *by_name;
	struct sl_port_slot *by_id[SL_PORTS_MAX];
	struct sl_port_set all;
	struct sl_port_slot *touched; /* slots touched by the open transaction, the latest first */
};

/* The slot is touched, and not present until the commit. NULL: out of memory. */
struct sl_port_slot *sl_port_slot_add(struct sl_port_slots *p, uint16_t id, const char *name);
struct sl_port_slot *sl_port_slot_find(const struct sl_port_slots *p, const char *name);
struct sl_port_slot *sl_port_slot_by_id(const struct sl_port_slots *p, unsigned int id);
/*
 * Call it before a change. `next` starts as a copy of the present state, unless the slot is touched
 * already.
 */
void sl_port_slot_touch(struct sl_port_slots *p, struct sl_port_slot *s);
/* The network that the port will belong to. */
uint32_t sl_port_slot_next_network(const struct sl_port_slot *s);
/* The end of a transaction: touched slots become what `next` says, or stay as they were. */
void sl_port_slots_commit(struct sl_port_slots *p);
void sl_port_slots_abort(struct sl_port_slots *p);
void sl_port_slots_fini(struct sl_port_slots *p);

#define SL_PORT_SLOT_TOUCHED(s, slots) \
	for (struct sl_port_slot *s = (slots)->touched; s != NULL; s = s->next_touched)

#endif
