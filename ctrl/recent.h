/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last packets dropped by policy, with who decided: what a person asks first. An entry has the
 * names of that time: numbers are given again, and must not show one tenant another's names.
 * Threads: control.
 */
#ifndef SL_CTRL_RECENT_H
#define SL_CTRL_RECENT_H

#include <time.h>

#include "dp/rings.h"
#include "sluice/types.h"

#define SL_RECENT_MAX 1024

struct sl_recent_entry {
	struct timespec when; /* taken from the ring, realtime */
	struct sl_event event;
	char network[SL_NAME_LEN], policy[SL_NAME_LEN], from[SL_NAME_LEN];
};

struct sl_recent {
	uint64_t n; /* ever noted; the newest is entry[(n - 1) % SL_RECENT_MAX] */
	struct sl_recent_entry entry[SL_RECENT_MAX];
};

struct sl_ctrl;
void sl_recent_note(struct sl_ctrl *c, const struct sl_event *ev); /* names.c */

/* The i-th newest, 0 the last one; NULL past the end. */
static inline const struct sl_recent_entry *sl_recent_get(const struct sl_recent *r, uint64_t i)
{
	if (i >= r->n || i >= SL_RECENT_MAX)
		return NULL;
	return &r->entry[(r->n - 1 - i) % SL_RECENT_MAX];
}

#endif
