/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --check: what a start with these options would refuse, as far as it can be told without opening
 * devices or taking memory. The steps are those of a start, in its order; whoever adds a refusal
 * there adds it here, best by calling the same function. What a daemon that runs now holds (its
 * socket, state directory and hugepages) is a notice: it may be the one to be replaced. Threads:
 * control. Changes nothing.
 */
#ifndef SL_CTRL_DAEMON_CHECK_H
#define SL_CTRL_DAEMON_CHECK_H

#include "options.h"
#include "sluice/error.h"

/* 0, or -errno with *e. *n_notices: lines that were printed on standard error. */
int sl_check(const struct sl_options *o, unsigned int *n_notices, struct sl_err *e);

#endif
