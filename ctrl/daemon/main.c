/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "check.h"
#include "daemon.h"
#include "drivers.h"
#include "dp/eal/variant.h"
#include "ctrl/methods/methods.h"
#include "ctrl/shape/json.h"
#include "signals.h"
#include "turns.h"

/*
 * Prints "FILE:7:13: ", the place in the file that the error is about. The message about a text
 * that is not JSON has line and column already.
 */
static void print_place(const char *config, const struct sl_err *e)
{
	struct sl_json_place at;
	size_t len;
	char *text = e->path[0] != '\0' ? sl_config_text(config, &len, NULL) : NULL;

	if (text != NULL && sl_json_locate(text, len, e->path, &at))
		fprintf(stderr, "%s:%zu:%zu: ", config, at.line, at.column);
	else if (e->code == SL_ERR_PARSE)
		fprintf(stderr, e->path[0] == '\0' ? "%s:" : "%s: ", config);
	free(text);
}

static int complain(const char *config, const struct sl_err *e)
{
	fprintf(stderr, "sluiced: ");
	print_place(config, e);
	fprintf(stderr, "%s", e->message);
	if (e->path[0] != '\0')
		fprintf(stderr, " (%s)", e->path);
	fputc('\n', stderr);
	if (e->hint[0] != '\0')
		fprintf(stderr, "sluiced: hint: %s\n", e->hint);
	return EXIT_FAILURE;
}

static int check(const struct sl_options *o)
{
	struct sl_err e = {0};
	unsigned int n;

	if (sl_check(o, &n, &e) != 0)
		return complain(o->config, &e);
	if (n > 0)
		printf("%s is accepted, with %u notice%s\n", o->config, n, n == 1 ? "" : "s");
	else
		printf("%s is good\n", o->config);
	return EXIT_SUCCESS;
}

static int print_openrpc(void)
{
	struct sl_rpc rpc = {0};
	cJSON *doc;
	char *text;

	sl_methods_fill(&rpc);
	doc = sl_rpc_discover(&rpc);
	text = doc != NULL ? cJSON_Print(doc) : NULL;
	cJSON_Delete(doc);
	if (text == NULL)
		return EXIT_FAILURE;
	puts(text);
	free(text);
	return EXIT_SUCCESS;
}

static int run(const struct sl_options *o)
{
	struct sl_ctrl *c = calloc(1, sizeof(*c));
	struct sl_err e = {0};
	int err;

	if (c == NULL)
		return EXIT_FAILURE;
	sl_signals_init();
	err = sl_daemon_start(c, o, &e);
	if (err == 0) {
		printf("sluiced is ready: %s (%s)\n", o->socket, sl_variant_name());
		fflush(stdout);
		sd_notify(0, "READY=1");
		err = sl_turns_run(c, &e);
		sd_notify(0, "STOPPING=1");
		sl_daemon_stop(c);
	}
	free(c);
	return err != 0 ? complain(o->config, &e) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct sl_options o;

	sl_port_drivers_register(sl_daemon_drivers);
	switch (sl_options_parse(argc, argv, &o)) {
	case SL_OPTIONS_RUN:
		break;
	case SL_OPTIONS_DONE:
		return EXIT_SUCCESS;
	case SL_OPTIONS_WRONG:
		return 2;
	}
	if (o.print_openrpc)
		return print_openrpc();
	return o.check ? check(&o) : run(&o);
}
