/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's own interfaces that sluice makes: TAPs of host endpoints, and host TAPs of underlay
 * ports. Their devices come and go with their ports. Each time a device is new, its interface gets
 * the addresses that it is to have. A host TAP also has the MAC and the MTU of its underlay port,
 * and a carrier while that port is up.
 *
 * Addresses that are given to the interface by others stay, and an address that somebody removes is
 * not put back.
 * Threads: control. The set copies its input.
 */
#ifndef SL_CTRL_UNDERLAY_HOST_LINKS_H
#define SL_CTRL_UNDERLAY_HOST_LINKS_H

#include "dp/engine/engine.h"
#include "rtnl.h"
#include "sluice/types.h"

#define SL_HOST_ADDRESSES_MAX 64

struct sl_host_link_params {
	uint16_t port;			   /* the engine's id of the TAP's port */
	const char *name;		   /* of the interface */
	const struct sl_prefix *addresses; /* that it is to have */
	size_t n_addresses;
	uint16_t follows; /* the underlay port of a host TAP; SL_PORT_NONE: a host endpoint */
};

struct sl_host_link {
	uint16_t port, follows;
	char name[16];
	int ifindex;  /* of its interface; 0: it is not there */
	bool given;   /* the interface has got its addresses */
	bool told;    /* a failure is in the log */
	bool carrier; /* as it was set last */
	struct sl_host_link *next;
	size_t n_addresses;
	struct sl_prefix address[SL_HOST_ADDRESSES_MAX];
};

struct sl_host_links {
	struct sl_engine *engine;
	struct sl_rtnl *rtnl; /* NULL: no netlink, and nothing is done */
	void (*log)(const char *line);
	struct sl_host_link *first;
	unsigned int n_following; /* host TAPs among them */
	bool dirty;		  /* a port or what is wanted has changed */
	uint32_t looked;	  /* tick of the last look */
};

void sl_host_links_fini(struct sl_host_links *h); /* interfaces stay as they are */
/* Adds, or replaces that of the same port. Without memory the program ends. */
void sl_host_links_put(struct sl_host_links *h, const struct sl_host_link_params *p);
/* The link is no longer wanted: a host TAP is deleted, because it would outlive its device. */
void sl_host_links_del(struct sl_host_links *h, uint16_t port);
/* Once a tick: gives interfaces what they lack. True: a host TAP is there that was not before. */
bool sl_host_links_turn(struct sl_host_links *h, uint32_t tick);

/* The host TAP of an underlay port; NULL: it has none. */
const struct sl_host_link *sl_host_link_of_wire(const struct sl_host_links *h, uint16_t wire);
/* The host TAP with that index; NULL: none. */
const struct sl_host_link *sl_host_link_of_index(const struct sl_host_links *h, int ifindex);

#endif
