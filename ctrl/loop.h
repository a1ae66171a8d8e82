/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread's event loop: the socket, what workers hand up, clocks and ageing.
 * Threads: control.
 */
#ifndef SL_CTRL_LOOP_H
#define SL_CTRL_LOOP_H

#include "ctrl.h"

/* Runs until SIGTERM or SIGINT, which the caller has blocked. 0, or -errno with *e. */
int sl_loop_run(struct sl_ctrl *c, struct sl_err *e);

#endif
