/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --check: says what a start with these options would refuse, as far as this can be found out
 * without opening devices or taking memory. The steps are those of a start, in the same order. If
 * you add a refusal to the start, add it here, best by calling the same function. What a running
 * daemon holds (its socket, state directory and hugepages) is only a notice: that daemon may be the
 * one to be replaced. Threads: control. Changes nothing.
 */
#ifndef SL_CTRL_DAEMON_CHECK_H
#define SL_CTRL_DAEMON_CHECK_H

#include "options.h"
#include "sluice/error.h"

/* 0, or -errno with *e. *n_notices: lines that were printed on standard error. */
int sl_check(const struct sl_options *o, unsigned int *n_notices, struct sl_err *e);

#endif
