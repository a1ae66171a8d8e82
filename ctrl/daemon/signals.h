/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What signals do. Those that ask a program to end stop the daemon cleanly; those that mean
 * something to other programs only are ignored, with a line; those of a crash end it with that
 * signal and a core, its sockets' files removed first. Nothing else is left behind that a next
 * start would not remove.
 * Threads: init before any other thread is made, so that all inherit what it blocks; then control.
 */
#ifndef SL_CTRL_DAEMON_SIGNALS_H
#define SL_CTRL_DAEMON_SIGNALS_H

#include <stdbool.h>

void sl_signals_init(void);

/* Readable when a signal has come that is not a crash's; -1 and errno when it cannot be made. */
int sl_signals_open(void);

/* Read and act on the signals that have come: true when the daemon is to stop. */
bool sl_signals_read(int fd, void (*log)(const char *line));

#endif
