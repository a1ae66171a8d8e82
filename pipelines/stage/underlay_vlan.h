/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An underlay port in a VLAN: what comes in with its tag goes on without it. What leaves gets the
 * tag in front of the device (dp/worker/worker.c).
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_UNDERLAY_VLAN_H
#define SL_STAGE_UNDERLAY_VLAN_H

#include "pipelines/context/trip.h"

/*
 * Takes the tags off a burst. Packets that are not in the VLAN are
 * dropped, and leave the burst.
 */
void sl_untag_underlay(const struct sl_trip *t, const struct sl_port_dp *port);

#endif
