/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of packets of one burst, in the order of their arrival. A stage of the pipeline fills a
 * list. Later stages read the list and do not change it.
 * Threads: belongs to the worker that owns the burst.
 */
#ifndef SLUICE_PACKETS_H
#define SLUICE_PACKETS_H

#include "types.h"

struct sl_packets {
	unsigned int n;
	uint8_t idx[SL_BURST_MAX]; /* the first n are indexes into the burst */
};

static inline void sl_packets_add(struct sl_packets *l, unsigned int i)
{
	l->idx[l->n++] = (uint8_t)i;
}

#endif
