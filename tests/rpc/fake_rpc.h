/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small method table for tests of the dispatcher, the server and the client: things.add, .set,
 * .get, .del and .list over an array, test.echo, test.fail, test.large, test.stream, test.work,
 * test.count, and rpc.discover. test.subscribe keeps the session, to be pushed to by fake_publish;
 * test.wait waits until fake_release, n times.
 * Threads: one. Ownership: static.
 */
#ifndef SL_TEST_FAKE_RPC_H
#define SL_TEST_FAKE_RPC_H

#include "ctrl/rpc/rpc.h"

extern const struct sl_rpc fake_rpc;
extern unsigned int fake_calls;	  /* of test.count */
extern unsigned int fake_streams; /* that are not ended */
extern unsigned int fake_subscribers;
extern unsigned int fake_waiting;  /* calls of test.wait */
extern unsigned int fake_canceled; /* since fake_reset */
void fake_reset(void);

/* Push "test.news" with these parameters to all subscribers; how many have it. */
unsigned int fake_publish(const char *params);
/* The label and the peer of the subscriber that came last; NULL: none. */
const struct sl_session *fake_subscriber(void);
/* Resume all calls that wait. */
void fake_release(void);

#endif
