/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors between workloads.
 * Threads: worker, on its own burst. */
#ifndef SL_MISS_ICMP_ERROR_H
#define SL_MISS_ICMP_ERROR_H

#include "pipelines/context/trip.h"

/* Packet i (SL_P_ICMP_ERROR): SL_KEEP, with meta.act set, or the drop reason. */
enum sl_drop sl_pass_icmp_error(const struct sl_trip *t, unsigned int i);

#endif
