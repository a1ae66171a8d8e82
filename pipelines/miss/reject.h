/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tells senders that policy has denied their packet, where the network or the policy says so.
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_REJECT_H
#define SL_MISS_REJECT_H

#include "judge.h"

/*
 * Packet i is denied. TCP gets a reset; other packets get an ICMP error "prohibited" (RFC 1812
 * section 5.2.7.1, RFC 4443 section 3.1). Returns the packet's drop reason.
 */
enum sl_drop sl_reject(const struct sl_trip *t, unsigned int i, const struct sl_judgement *j);

#endif
