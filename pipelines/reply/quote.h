/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quotes, in ICMP errors, of packets whose checksums and segments were not made yet
 * (sluice/super.h).
 * Threads: worker, on its own burst.
 */
#ifndef SL_QUOTE_H
#define SL_QUOTE_H

#include "sluice/burst.h"

/*
 * ip: the first bytes of packet i from its IP header on, all of its headers among them. Makes them
 * those of the packet, or of its first segment, as it would have been on the wire.
 */
void sl_quote_finish(const struct sl_burst *b, unsigned int i, uint8_t *ip);

#endif
