/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small method table for tests of the dispatcher, the server and the client: things.add, .set,
 * .get, .del and .list over an array, test.echo, test.fail, test.large, test.stream, test.work,
 * test.count, and rpc.discover. Threads: one. Ownership: static.
 */
#ifndef SL_TEST_FAKE_RPC_H
#define SL_TEST_FAKE_RPC_H

#include "ctrl/rpc/rpc.h"

extern const struct sl_rpc fake_rpc;
extern unsigned int fake_calls;	  /* of test.count */
extern unsigned int fake_streams; /* that are not ended */
void fake_reset(void);

#endif
