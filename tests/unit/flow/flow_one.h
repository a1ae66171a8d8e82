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

#endif
