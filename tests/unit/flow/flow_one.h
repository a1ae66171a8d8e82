/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One flow table a test, created before it and destroyed after it. Define FLOW_ONE_MAX before this
 * header for a number of flows other than 64.
 * Threads: one.
 * Ownership: static.
 */
#ifndef SL_TESTS_FLOW_ONE_H
#define SL_TESTS_FLOW_ONE_H

#include "flow_test.h"

#ifndef FLOW_ONE_MAX
#define FLOW_ONE_MAX 64
#endif

static struct flow_fixture x;

static inline int setup(void **state)
{
	(void)state;
	flow_setup(&x, FLOW_ONE_MAX, 1);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	flow_teardown(&x);
	return 0;
}

/* Pass a packet the way the pipeline does: install what is unknown, track what asks for it. */
static inline bool flow_passes(const struct flow_packet *p)
{
	struct sl_meta *m = &x.b.meta[0];

	if (!flow_hits(&x, p)) {
		/* A SYN that the entry does not answer for is judged by itself. */
		if (m->flow != NULL && sl_flow_opens(x.t, m->flow, m))
			return true;
		assert_null(m->flow);
		return flow_install(&x, 0, p) != NULL;
	}
	return x.b.verdict[0] == SL_KEEP;
}

#endif
