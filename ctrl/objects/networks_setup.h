/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What workloads of a network set themselves up with, from the network's subnets.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_NETWORKS_SETUP_H
#define SL_CTRL_OBJECTS_NETWORKS_SETUP_H

#include "networks.h"

struct sl_setup;

/* Checks what one subnet says about DHCP, name servers and search domains. 0, or -errno with *e. */
int sl_subnet_setup_check(const struct sl_subnet_obj *s, struct sl_err *e);

/*
 * The table for workers; the caller frees it. NULL with *ok: no subnet has anything to tell. NULL
 * without: out of memory. mac: of the network's gateways.
 */
struct sl_setup *sl_network_setup(
	const struct sl_network_obj *n, const struct sl_mac *mac, bool *ok);

#endif
