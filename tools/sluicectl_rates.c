/* SPDX-License-Identifier: BSD-3-Clause */
/* --watch: turns two results into the growth between them. */
#include <string.h>

#include "sluicectl.h"

/*
 * True for numbers that count events. All others are states and are printed unchanged. A state
 * taken for a counter would print nonsense; a counter taken for a state only prints the count.
 */
static bool is_counter(const char *name, bool has_capacity)
{
	static const char *const counters[] = {"received", "generated", "sent", "dropped",
		"consumed", "packets", "bytes", "reply_packets", "reply_bytes", "count", "matched",
		"cycles", "bursts", "timed_bursts", "aged", "full", "over_share", "events_lost",
		"flips", "attempts", "rx", "tx"};

	if (strncmp(name, "rx_", 3) == 0 || strncmp(name, "tx_", 3) == 0)
		return true;
	if (has_capacity && strcmp(name, "bytes") == 0)
		return false; /* of a table: a state */
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (strcmp(name, counters[i]) == 0)
			return true;
	return false;
}

/* Two rows are the same when their first members are equal: a name, a core, a reason. */
static const cJSON *same_row(const cJSON *rows, const cJSON *row)
{
	const cJSON *r;

	cJSON_ArrayForEach (r, rows)
		if (r->child != NULL && row->child != NULL &&
			cJSON_Compare(r->child, row->child, true))
			return r;
	return NULL;
}

void ctl_rates(cJSON *now, const cJSON *before, double seconds)
{
	bool has_capacity = cJSON_HasObjectItem(now, "capacity");
	cJSON *m;

	cJSON_ArrayForEach (m, now) {
		const cJSON *old = cJSON_IsArray(now)
					   ? same_row(before, m)
					   : cJSON_GetObjectItemCaseSensitive(before, m->string);

		if (m->child != NULL) {
			ctl_rates(m, old, seconds);
		} else if (cJSON_IsNumber(m) && m->string != NULL &&
			   is_counter(m->string, has_capacity)) {
			double was = cJSON_IsNumber(old) ? old->valuedouble : 0;

			cJSON_SetNumberValue(
				m, (double)(long long)((m->valuedouble - was) / seconds + 0.5));
		}
	}
}
