/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags: which device a packet came by. Threads: constants. */
#ifndef SLUICE_PORT_TAG_H
#define SLUICE_PORT_TAG_H

#include "sluice/types.h"

/*
 * What a received packet says in its mbuf's field `port`: the tag of the device that it came by.
 * DPDK's drivers write their ethdev's number there. Others write SL_TAG_OF_PORT.
 */
#define SL_TAGS_MAX	   (0x1000 + SL_PORTS_MAX)
#define SL_TAG_OF_PORT(id) ((uint16_t)(0x1000 + (id)))

#endif
