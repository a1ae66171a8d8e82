/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Subnets of a network, and what its workloads set themselves up with.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_SUBNETS_H
#define SL_CTRL_OBJECTS_SUBNETS_H

#include "ctrl/model/collection.h"

struct sl_setup;

struct sl_subnet_obj {
	struct sl_prefix prefix;
	bool has_gateway;
	struct sl_ip gateway;
	bool dhcp;
	bool ra;	       /* counts for IPv6 with a gateway */
	struct sl_list dns;    /* struct sl_ip */
	struct sl_list search; /* char * */
};

/* Checks what one subnet says about DHCP, name servers and search domains. 0, or -errno with *e. */
int sl_subnet_setup_check(const struct sl_subnet_obj *s, struct sl_err *e);

/*
 * The table for workers; the caller frees it. NULL with *ok: no subnet has anything to tell. NULL
 * without: out of memory. mtu: of the network, 0: not limited; mac: of the network's gateways.
 */
struct sl_setup *sl_subnets_setup(
	const struct sl_list *subnets, uint32_t mtu, const struct sl_mac *mac, bool *ok);

#endif
