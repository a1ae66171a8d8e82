/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks the shares of the flow table: counts what each owner has by a walk over all connections,
 * and compares that with the counters.
 * Threads: control, while no worker installs.
 */
#ifndef SL_TESTS_OWNERS_H
#define SL_TESTS_OWNERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every pair of the table, counted without the counters that are checked. */
#include "pipelines/flow/flow_internal.h"

/* used[owner]: connections of each owner, up to the highest number there is. */
static inline void sl_test_count_bills(const struct sl_flow_table *t, uint32_t *used)
{
	const struct sl_flow_share *s = &t->share;

	memset(used, 0, (s->high + 1) * sizeof(*used));
	for (uint32_t pair = 1; pair <= sl_flow_pairs_high(t); pair++) {
		const struct sl_conn *c = &t->conn[pair];
		uint8_t state = atomic_load(&c->state);
		const uint32_t owner[2] = {sl_conn_owner(c), sl_conn_second_owner(s, c)};

		if (state == SL_CONN_FREE || state == SL_CONN_PROGRAMMED) {
			assert_int_equal(owner[0], 0);
			assert_int_equal(owner[1], 0);
		}
		for (unsigned int i = 0; i < 2; i++) {
			if (owner[i] == 0)
				continue;
			used[owner[i]]++;
			used[s->owner[owner[i]].place]++;
			used[s->owner[owner[i]].network]++;
		}
	}
}

/* named[owner]: how many connections name it as their second owner. */
static inline void sl_test_count_names(const struct sl_flow_table *t, uint32_t *named)
{
	for (uint32_t pair = 1; pair <= sl_flow_pairs_high(t); pair++)
		named[sl_conn_named_owner(&t->share, &t->conn[pair])]++;
}

static inline enum sl_owner_level sl_test_level(enum sl_owner_kind kind)
{
	if (kind == SL_OWNER_ENDPOINT)
		return SL_LEVEL_ENDPOINT;
	return kind == SL_OWNER_NETWORK ? SL_LEVEL_NETWORK : SL_LEVEL_PLACE;
}

/* Assert that every counter agrees with the count. */
static inline void sl_test_bills_balance(const struct sl_flow_table *t)
{
	uint32_t *used = calloc(t->share.high + 1, sizeof(*used)), active[SL_LEVELS] = {0};
	uint32_t *named = calloc(t->share.high + 1, sizeof(*named));
	struct sl_owner_view v = {.number = 0};

	assert_true(used != NULL && named != NULL);
	sl_test_count_names(t, named);
	sl_test_count_bills(t, used);
	while (sl_owner_view_next(t, v.number + 1, &v)) {
		assert_int_equal(v.used, used[v.number]);
		if (v.kind == SL_OWNER_ENDPOINT)
			assert_int_equal(
				atomic_load(&t->share.owner[v.number].refs), named[v.number]);
		if (!v.closed && v.used > 0)
			active[sl_test_level(v.kind)]++;
	}
	for (unsigned int l = 0; l < SL_LEVELS; l++)
		assert_int_equal(atomic_load(&t->share.active[l]), active[l]);
	free(named);
	free(used);
}

#endif
