/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a gateway answers: ping to its own address; and errors about packets that it cannot route.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_GATEWAY_H
#define SL_REPLY_GATEWAY_H

#include "pipelines/way/ends.h"

/*
 * Packet i was for the MAC of a gateway, and sl_ends_find has given the drop reason d. A ping to the
 * gateway becomes its answer: SL_KEEP with meta.act. Otherwise returns d; the sender was told.
 */
enum sl_drop sl_gateway(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, enum sl_drop d);

#endif
