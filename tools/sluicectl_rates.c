/* SPDX-License-Identifier: BSD-3-Clause */
/* --watch: from two results to the growth between them. */
#include <string.h>

#include "sluicectl.h"

/* Numbers that are a state, not a count of events. */
static bool is_level(const char *name)
{
	static const char *const levels[] = {"used", "capacity", "core", "id", "cycles_per_packet",
		"busy_percent", "vni", "mtu", "length", "lcore", "numa_node", "queue",
		"packets_per_burst", "percent", "upto_us"};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(name, levels[i]) == 0)
			return true;
	return false;
}

/* Rows are the same when their first member is: a name, a core, a reason. */
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
	cJSON *m;

	cJSON_ArrayForEach (m, now) {
		const cJSON *old = cJSON_IsArray(now)
					   ? same_row(before, m)
					   : cJSON_GetObjectItemCaseSensitive(before, m->string);

		if (m->child != NULL) {
			ctl_rates(m, old, seconds);
		} else if (cJSON_IsNumber(m) && m->string != NULL && !is_level(m->string)) {
			double was = cJSON_IsNumber(old) ? old->valuedouble : 0;

			cJSON_SetNumberValue(
				m, (double)(long long)((m->valuedouble - was) / seconds + 0.5));
		}
	}
}
