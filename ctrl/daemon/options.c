/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "sluice/client.h"

static const char usage[] =
	"usage: sluiced --config FILE [--socket PATH] [--state DIR] [--check]\n"
	"\n"
	"  --config FILE    configuration to start with (JSON)\n"
	"  --socket PATH    JSON-RPC socket, default " SL_SOCKET_DEFAULT "\n"
	"  --state DIR      keep what is changed over the socket across restarts\n"
	"  --check          say whether a start with these options would be refused, and exit: 0 "
	"good,\n"
	"                   1 refused; changes nothing and opens no device\n"
	"  --print-openrpc  print the description of all RPC methods and exit\n"
	"  --version        print the version and exit\n"
	"  --help           print this and exit\n";

enum {
	OPT_CONFIG = 'c',
	OPT_SOCKET = 's',
	OPT_STATE = 'd',
	OPT_CHECK = 'C',
	OPT_OPENRPC = 'o',
	OPT_VERSION = 'V',
	OPT_HELP = 'h'
};

static const struct option longopts[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"state", required_argument, NULL, OPT_STATE},
	{"check", no_argument, NULL, OPT_CHECK},
	{"print-openrpc", no_argument, NULL, OPT_OPENRPC},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static enum sl_option_verdict wrong(const char *why, const char *what)
{
	fprintf(stderr, "sluiced: %s%s\n%s", why, what, usage);
	return SL_OPTIONS_WRONG;
}

enum sl_option_verdict sl_options_parse(int argc, char **argv, struct sl_options *o)
{
	int opt;

	memset(o, 0, sizeof(*o));
	o->socket = SL_SOCKET_DEFAULT;
	o->argv = argv;
	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (opt) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_SOCKET:
			o->socket = optarg;
			break;
		case OPT_STATE:
			o->state = optarg;
			break;
		case OPT_CHECK:
			o->check = true;
			break;
		case OPT_OPENRPC:
			o->print_openrpc = true;
			break;
		case OPT_VERSION:
			puts("sluiced " SL_VERSION);
			return SL_OPTIONS_DONE;
		case OPT_HELP:
			fputs(usage, stdout);
			return SL_OPTIONS_DONE;
		default: /* getopt has said what is wrong */
			fputs(usage, stderr);
			return SL_OPTIONS_WRONG;
		}
	}
	if (optind < argc)
		return wrong("unexpected argument ", argv[optind]);
	if (o->config == NULL && !o->print_openrpc)
		return wrong("--config is needed", "");
	return SL_OPTIONS_RUN;
}
