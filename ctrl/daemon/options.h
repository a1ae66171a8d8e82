/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sluiced's command line.
 * Threads: control, at start.
 */
#ifndef SL_CTRL_DAEMON_OPTIONS_H
#define SL_CTRL_DAEMON_OPTIONS_H

#include <stdbool.h>

enum sl_option_verdict {
	SL_OPTIONS_RUN,
	SL_OPTIONS_DONE,  /* help or version was printed */
	SL_OPTIONS_WRONG, /* a sentence is on standard error */
};

struct sl_options {
	const char *config, *socket, *state;
	char **argv;	    /* all of it */
	bool check;	    /* validate, then exit */
	bool print_openrpc; /* print what rpc.discover answers and exit */
};

enum sl_option_verdict sl_options_parse(int argc, char **argv, struct sl_options *o);

#endif
