/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What signals do. A signal that asks a program to end stops the daemon cleanly. A signal that
 * means something only to other programs is ignored, with a line in the log. A crash signal removes
 * the files of the daemon's sockets, and then ends the daemon with that signal and a core dump. The
 * next start removes whatever else is left behind. Threads: call init before any other thread is
 * made, so that all inherit the signals that it blocks; then control.
 */
#ifndef SL_CTRL_DAEMON_SIGNALS_H
#define SL_CTRL_DAEMON_SIGNALS_H

#include <stdbool.h>

void sl_signals_init(void);

/*
 * A descriptor that is readable when a signal other than a crash signal has come; -1 and errno on
 * error.
 */
int sl_signals_open(void);

/* Reads the signals that have come and acts on them. True: the daemon must stop. */
bool sl_signals_read(int fd, void (*log)(const char *line));

#endif
