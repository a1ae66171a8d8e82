/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The router advertisement of a network for one workload.
 * Threads: pure function on the caller's buffer; workers answer with it, control sends it unasked.
 */
#ifndef SL_RA_H
#define SL_RA_H

#include "setup_dp.h"

/* Whether there is something to advertise to this endpoint: it is in a subnet with a router. */
bool sl_ra_concerns(const struct sl_setup *s, const struct sl_endpoint *ep);

#define SL_RA_FRAME_MAX (14u + 1280u) /* every IPv6 link carries it */

/*
 * Writes a frame for that endpoint. to: its address, or all nodes. mtu: what it should use; 0: not
 * known. Returns the frame's length.
 */
uint32_t sl_ra_write(uint8_t frame[SL_RA_FRAME_MAX], const struct sl_setup *s,
	const struct sl_endpoint *ep, const struct sl_ip *to, uint16_t mtu);

#endif
