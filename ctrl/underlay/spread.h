/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of several next hops has which bucket of flows. Each bucket has a home: members have homes
 * in proportion to their weights. When members or weights change, only as many homes move as must.
 * A bucket whose home cannot be used is lent to another member, and returns when its home is back:
 * no other flow changes its way.
 * Threads: control. Plain values.
 */
#ifndef SL_CTRL_UNDERLAY_SPREAD_H
#define SL_CTRL_UNDERLAY_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipelines/overlay/group_dp.h"

#define SL_SPREAD_NONE 0xff

struct sl_spread {
	uint8_t home[SL_GROUP_BUCKETS]; /* index of the member; SL_SPREAD_NONE: none yet */
	uint8_t at[SL_GROUP_BUCKETS];	/* who has it now */
};

struct sl_spread_member {
	uint16_t weight; /* at least 1 */
	bool usable;
};

void sl_spread_init(struct sl_spread *s);
/* Members have other indexes now; to[i]: the new one of member i, or SL_SPREAD_NONE: it is gone. */
void sl_spread_renumber(struct sl_spread *s, const uint8_t *to);
/* Fills every bucket. n is 1 to 254; if no member is usable, all count as usable. */
void sl_spread_fill(struct sl_spread *s, const struct sl_spread_member *m, size_t n);

#endif
