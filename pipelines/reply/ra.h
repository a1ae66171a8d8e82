/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The router advertisement of a network for one workload.
 * Threads: pure function on the caller's buffer; workers answer with it, control sends it unasked.
 */
#ifndef SL_RA_H
#define SL_RA_H

#include "setup_dp.h"

struct sl_endpoint;

#define SL_RA_MAX 1232u /* fits every IPv6 link */

/*
 * Writes the ICMPv6 message, checksum 0. mac: the workload's; c: its addresses, or NULL. mtu: what
 * it should use; 0: not known. Returns the length, at most SL_RA_MAX.
 */
uint32_t sl_ra_write(uint8_t b[SL_RA_MAX], const struct sl_setup *s, const struct sl_endpoint *c,
	const struct sl_mac *mac, uint16_t mtu);

#endif
