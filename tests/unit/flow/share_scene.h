/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the owners' shares have in common: a crowd of endpoints with the flow table of
 * its pipeline.
 * Threads: one.
 * Ownership: scene_create() makes a scene, scene_destroy() frees it.
 */
#ifndef SL_TESTS_SHARE_SCENE_H
#define SL_TESTS_SHARE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dp/worker/counters.h"
#include "pipelines/flow/flow_ctl.h"
#include "tests/lib/crowd.h"
#include "tests/lib/owners.h"

#define WANTED	    1000 /* connections of a newcomer */
#define FIRST_PORT  4
#define GREEDY_MOST 1024

struct share_scene {
	struct sl_crowd *c;
	struct sl_flow_table *t;
	/* Endpoint greedy[i] sends to target[i]. */
	unsigned int greedy[GREEDY_MOST], target[GREEDY_MOST], n_greedy;
	uint32_t port; /* the next one without endpoints */
	uint32_t turn;
};

static inline struct share_scene *scene_create(uint32_t max_flows)
{
	struct share_scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->c = sl_crowd_create(max_flows, 75);
	s->t = sl_rig_pipeline(sl_crowd_rig(s->c))->flows;
	s->port = FIRST_PORT;
	return s;
}

static inline void scene_destroy(struct share_scene *s)
{
	sl_test_bills_balance(s->t);
	sl_crowd_destroy(s->c);
	free(s);
}

static inline void pass_seconds(struct share_scene *s, unsigned int n)
{
	struct sl_flow_timeouts to;

	sl_flow_timeouts_default(&to);
	for (unsigned int i = 0; i < n * 10; i++) {
		sl_rig_tick(sl_crowd_rig(s->c), 1);
		sl_flow_age(s->t, &to, *sl_rig_worker(sl_crowd_rig(s->c))->tick,
			sl_flow_table_capacity(s->t) / 20);
		sl_rcu_drain(sl_rig_rcu(sl_crowd_rig(s->c)));
	}
}

static inline void establish(struct share_scene *s, unsigned int from, unsigned int to)
{
	assert_int_equal(sl_crowd_open(s->c, from, to), SL_KEEP);
	assert_int_equal(sl_crowd_continue(s->c, true, SL_TCP_SYN | SL_TCP_ACK), SL_KEEP);
	assert_int_equal(sl_crowd_continue(s->c, false, SL_TCP_ACK), SL_KEEP);
}

static inline uint32_t used_by(const struct share_scene *s, unsigned int member)
{
	struct sl_owner_view v;

	assert_true(sl_owner_view_next(s->t, sl_crowd_owner(s->c, member), &v));
	return v.used;
}

#endif
