/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames with a VLAN tag from workloads at a trunk.
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_UNTAG_H
#define SL_STAGE_UNTAG_H

#include "pipelines/context/trip.h"

/*
 * Packet i of an access port has SL_P_VLAN. Takes its tag off, sets origin and network by it, and
 * parses it again. SL_KEEP: done; *is_common says what sl_parse says. Otherwise its drop reason.
 */
enum sl_drop sl_untag(const struct sl_trip *t, unsigned int i, bool *is_common);

#endif
