/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors about packets that do not fit their way out.
 * Threads: worker, on its own burst. */
#ifndef SL_TOO_BIG_H
#define SL_TOO_BIG_H

#include "pipelines/context/trip.h"

/*
 * Tells the sender of packet i that only packets up to act.mtu fit (RFC 1191, RFC 8201). Sends no
 * error about packets that must not cause one, and none above the rate in reply_state.h.
 */
void sl_too_big(const struct sl_trip *t, unsigned int i);

#endif
