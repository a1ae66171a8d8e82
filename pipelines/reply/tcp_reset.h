/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reset to the sender of a TCP segment that does not pass, as if from its receiver.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_TCP_RESET_H
#define SL_REPLY_TCP_RESET_H

#include "pipelines/context/trip.h"

/* Sends none about a reset, and none above the rate of ICMP errors. */
void sl_tcp_reset(const struct sl_trip *t, unsigned int i);

#endif
