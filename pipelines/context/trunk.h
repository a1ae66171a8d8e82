/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VLANs of an access port that carries tagged endpoints.
 * Threads: built and retired by control; read by workers, within one trip.
 */
#ifndef SL_TRUNK_H
#define SL_TRUNK_H

#include "sluice/types.h"

struct sl_trunk {
	uint32_t n;			     /* VLANs that are in use */
	uint16_t vlan[SL_VLAN_MAX];	     /* these, the lowest first */
	uint16_t network[SL_VLAN_MAX + 1];   /* by VLAN: network id; 0: not in use */
	uint32_t endpoints[SL_VLAN_MAX + 1]; /* by VLAN; for control */
};
_Static_assert(SL_NETWORKS_MAX <= UINT16_MAX + 1, "a network's id fits");

#endif
