/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP and ICMPv6 errors about packets that do not pass (RFC 792, RFC 1812, RFC 4443).
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_ICMP_ERROR_H
#define SL_REPLY_ICMP_ERROR_H

#include "pipelines/context/trip.h"

/*
 * Tells the sender of packet i, with a quote of it; type and code are those of the packet's family.
 * word: the header's second word, for example an MTU; 0: none. Sends no error about packets that
 * must not cause one, and none above the rate in reply_state.h.
 */
void sl_icmp_error(
	const struct sl_trip *t, unsigned int i, uint8_t type, uint8_t code, uint16_t word);

#endif
