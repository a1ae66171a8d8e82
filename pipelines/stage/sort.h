/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorts packets by what has to be done with them.
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_SORT_H
#define SL_STAGE_SORT_H

#include "pipelines/context/trip.h"

struct sl_sorted {
	struct sl_packets plain;  /* unicast IP with ports: for the flow table */
	struct sl_packets first;  /* the plain ones that are first fragments */
	struct sl_packets later;  /* later fragments */
	struct sl_packets error;  /* ICMP errors; their meta.flow is NULL */
	struct sl_packets whohas; /* ARP and neighbour discovery */
	struct sl_packets setup;  /* broadcast and multicast to DHCP servers */
	struct sl_packets group;  /* other IP broadcast and multicast, in flooded networks */
};

/*
 * Sorts the packets of a burst in which t->walked has bits. Packets that parse has dropped, and
 * VLAN and multicast packets, are in no list and have a verdict.
 */
void sl_stage_sort(struct sl_trip *t, const struct sl_packets *in, struct sl_sorted *out);

/* Puts the packets without a verdict in a list. */
void sl_stage_keep(const struct sl_trip *t, const struct sl_packets *in, struct sl_packets *kept);

#endif
