/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line, and one method from its words to its printed result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sluice/clock.h"
#include "sluicectl.h"

/* `call METHOD [PARAMS]`: calls any method and prints its result as JSON. */
static int call_anything(struct ctl *c)
{
	const char *params = c->n_words > 2 ? c->words[2] : NULL;
	char *text = NULL, *response;
	const char *end;
	int status;

	if (c->n_words < 2 || c->n_words > 3)
		return ctl_usage_error("call needs METHOD and at most one PARAMS");
	if (params != NULL && strcmp(params, "-") == 0) {
		params = text = ctl_read_file("-");
		if (text == NULL)
			return EXIT_USAGE;
	}
	if (params != NULL) {
		cJSON *v = cJSON_ParseWithOpts(params, &end, true);

		cJSON_Delete(v);
		if (v == NULL) {
			free(text);
			return ctl_usage_error("PARAMS is no JSON text");
		}
	}
	status = ctl_call(c, c->words[1], params, &response);
	if (status == EXIT_DONE)
		ctl_print_raw(response, "result");
	free(response);
	free(text);
	return status;
}

/* A user who adds or removes an object knows it: without -j nothing is printed. */
static bool is_silent(const cJSON *method)
{
	const char *verb = strrchr(ctl_string(method, "name"), '.');

	return verb != NULL && (strcmp(verb, ".add") == 0 || strcmp(verb, ".set") == 0 ||
				       strcmp(verb, ".put") == 0 || strcmp(verb, ".del") == 0);
}

static bool has_param(const cJSON *method, const char *name)
{
	const cJSON *p, *list = cJSON_GetObjectItemCaseSensitive(method, "params");

	cJSON_ArrayForEach (p, list)
		if (strcmp(ctl_string(p, "name"), name) == 0)
			return true;
	return false;
}

static const cJSON *result_schema(const cJSON *method)
{
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(method, "result");

	return cJSON_GetObjectItemCaseSensitive(result, "schema");
}

/*
 * True when the answer is a page, {"flows": […], "next": n}. An answer that is an array is complete
 * unless a limit is given: the daemon makes it while the client reads it.
 */
static bool has_pages(const cJSON *method)
{
	return has_param(method, "after") &&
	       strcmp(ctl_string(result_schema(method), "type"), "object") == 0;
}

/* An answer that is a page: {"flows": […], "next": n}. Its rows move to *all. */
static cJSON *move_page(cJSON *result, cJSON *all, const cJSON **next)
{
	cJSON *rows = NULL, *m;

	*next = cJSON_GetObjectItemCaseSensitive(result, "next");
	cJSON_ArrayForEach (m, result)
		if (cJSON_IsArray(m))
			rows = m;
	while (rows != NULL && rows->child != NULL)
		cJSON_AddItemToArray(all, cJSON_DetachItemViaPointer(rows, rows->child));
	return all;
}

/* The schema of the rows of an answer that is a page. */
static const cJSON *page_schema(const cJSON *method)
{
	const cJSON *m, *schema = result_schema(method);

	cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(schema, "properties"))
		if (strcmp(ctl_string(m, "type"), "array") == 0)
			return m;
	return schema;
}

static void print_result(
	const struct ctl *c, const cJSON *method, cJSON *result, const cJSON *schema)
{
	const char *name = ctl_string(method, "name");

	ctl_name_nobody(name, result);
	if (!ctl_print_workers(name, c->words[1], result) && !ctl_print_main_columns(name, result))
		ctl_print_result(result, schema);
}

static int print_pages(struct ctl *c, const cJSON *method, cJSON *params)
{
	const char *name = ctl_string(method, "name");
	cJSON *all = cJSON_CreateArray(), *result;
	const cJSON *next;
	int status;

	do {
		char *text = cJSON_PrintUnformatted(params);

		status = ctl_call_parsed(c, name, text, &result);
		free(text);
		if (status != EXIT_DONE)
			break;
		move_page(result, all, &next);
		cJSON_DeleteItemFromObjectCaseSensitive(params, "after");
		if (next != NULL)
			cJSON_AddItemToObject(params, "after", cJSON_Duplicate(next, true));
		cJSON_Delete(result);
	} while (next != NULL && cJSON_GetObjectItemCaseSensitive(params, "limit") == NULL);
	if (status == EXIT_DONE)
		print_result(c, method, all, page_schema(method));
	cJSON_Delete(all);
	return status;
}

static void print(const struct ctl *c, const cJSON *method, cJSON *result)
{
	print_result(c, method, result, result_schema(method));
}

static void rest(double seconds)
{
	struct timespec ts = {.tv_sec = (time_t)seconds};

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	nanosleep(&ts, NULL);
}

static double now_s(void)
{
	return (double)sl_now_ns() / 1e9;
}

static int watch(struct ctl *c, const cJSON *method, const char *params)
{
	const char *name = ctl_string(method, "name");
	cJSON *before, *now, *rates;
	double then, when;
	int status = ctl_call_parsed(c, name, params, &before);

	then = now_s();
	while (status == EXIT_DONE) {
		rest(c->watch_s);
		status = ctl_call_parsed(c, name, params, &now);
		if (status != EXIT_DONE)
			break;
		when = now_s();
		rates = cJSON_Duplicate(now, true);
		ctl_rates(rates, before, when - then);
		printf("%scounters are per second, over %.1f s\n",
			isatty(STDOUT_FILENO) ? "\033[H\033[J" : "", when - then);
		print(c, method, rates);
		fflush(stdout);
		cJSON_Delete(rates);
		cJSON_Delete(before);
		before = now;
		then = when;
	}
	cJSON_Delete(before);
	return status;
}

static int run_method(struct ctl *c, const cJSON *method, cJSON *params)
{
	const char *name = ctl_string(method, "name");
	char *text, *response;
	int status;

	if (c->watch_s > 0 && c->json)
		return ctl_usage_error("--watch prints tables: it does not go with --json");
	if (c->watch_s > 0 && is_silent(method))
		return ctl_usage_error(
			"--watch calls again and again: %s has nothing to watch", name);
	text = cJSON_PrintUnformatted(params);
	if (c->watch_s > 0) {
		status = watch(c, method, text);
	} else if (!c->json && has_pages(method)) {
		status = print_pages(c, method, params);
	} else {
		status = ctl_call(c, name, text, &response);
		if (status == EXIT_DONE && c->json) {
			ctl_print_raw(response, "result");
		} else if (status == EXIT_DONE && !is_silent(method)) {
			cJSON *v = cJSON_Parse(response);

			print(c, method, cJSON_GetObjectItemCaseSensitive(v, "result"));
			cJSON_Delete(v);
		}
		free(response);
	}
	free(text);
	return status;
}

static int noun_verb(struct ctl *c)
{
	const char *noun = c->words[0], *verb = c->n_words > 1 ? c->words[1] : "";
	const cJSON *methods, *method;
	cJSON *params;
	int status;

	if (c->help || c->n_words < 2 || strcmp(verb, "help") == 0) {
		status = ctl_help(c, noun, strcmp(verb, "help") == 0 ? "" : verb);
		return status == EXIT_DONE && c->n_words < 2 && !c->help ? EXIT_USAGE : status;
	}
	methods = ctl_methods(c, &status);
	if (status != EXIT_DONE)
		return status;
	method = ctl_find_method(methods, noun, verb);
	if (method == NULL) {
		ctl_usage_error("there is no command \"%s %s\"", noun, verb);
		fprintf(stderr, "hint: sluicectl help, or sluicectl %s help\n", noun);
		return EXIT_USAGE;
	}
	params = ctl_params(method, c->words + 2, c->n_words - 2);
	if (params == NULL)
		return EXIT_USAGE;
	status = run_method(c, method, params);
	cJSON_Delete(params);
	return status;
}

/* The value of --name VALUE or --name=VALUE at argv[*i]; NULL when it is another option. */
static const char *option_value(const char *name, int argc, char **argv, int *i)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n) != 0)
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (argv[*i][n] != '\0')
		return NULL;
	return *i + 1 < argc ? argv[++*i] : "";
}

static bool parse_seconds(const char *text, double *s)
{
	char *end;

	*s = strtod(text, &end);
	return end != text && *end == '\0' && *s > 0 && *s < 1e6;
}

/* Takes sluicectl's own options out of the command line; the rest stays in order. */
static int parse_options(struct ctl *c, int argc, char **argv)
{
	const char *v;
	double seconds;

	for (int i = 1; i < argc; i++) {
		if ((v = option_value("--socket", argc, argv, &i)) != NULL) {
			c->socket = v;
			if (*v == '\0')
				return ctl_usage_error("--socket needs a path");
		} else if ((v = option_value("--watch", argc, argv, &i)) != NULL) {
			if (!parse_seconds(v, &c->watch_s))
				return ctl_usage_error("--watch needs a number of seconds");
		} else if ((v = option_value("--timeout", argc, argv, &i)) != NULL) {
			if (!parse_seconds(v, &seconds))
				return ctl_usage_error("--timeout needs a number of seconds");
			c->timeout_s = seconds < 1 ? 1 : (unsigned int)seconds;
		} else if (strcmp(argv[i], "-j") == 0 || strcmp(argv[i], "--json") == 0) {
			c->json = true;
		} else if (strcmp(argv[i], "--wide") == 0) {
			c->width = CTL_WIDE;
		} else if (strcmp(argv[i], "--wrap") == 0) {
			c->width = CTL_WRAP;
		} else if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			c->help = true;
		} else if (argv[i][0] == '-' && argv[i][1] != '-' && argv[i][1] != '\0') {
			return ctl_usage_error("unknown option %s", argv[i]);
		} else {
			c->words[c->n_words++] = argv[i];
		}
	}
	return EXIT_DONE;
}

static int dispatch(struct ctl *c)
{
	if (c->n_words == 1 && strcmp(c->words[0], "--version") == 0) {
		puts("sluicectl " SL_VERSION);
		return EXIT_DONE;
	}
	if (c->n_words == 0 && !c->help) {
		ctl_print_usage(true);
		return EXIT_USAGE;
	}
	if (c->n_words == 0 || strcmp(c->words[0], "help") == 0)
		return ctl_help(
			c, c->n_words > 1 ? c->words[1] : "", c->n_words > 2 ? c->words[2] : "");
	if (strncmp(c->words[0], "--", 2) == 0)
		return ctl_usage_error("unknown option %s", c->words[0]);
	if (strcmp(c->words[0], "call") == 0 && !c->help)
		return call_anything(c);
	if (strcmp(c->words[0], "apply") == 0 && !c->help)
		return ctl_apply(c);
	if (strcmp(c->words[0], "dump") == 0 && !c->help)
		return ctl_dump(c);
	return noun_verb(c);
}

int main(int argc, char **argv)
{
	struct ctl c = {.socket = SL_SOCKET_DEFAULT, .timeout_s = 30};
	int status;

	c.words = calloc((size_t)argc, sizeof(*c.words));
	if (c.words == NULL)
		return EXIT_REFUSED;
	status = parse_options(&c, argc, argv);
	ctl_set_width(c.width);
	if (status == EXIT_DONE)
		status = dispatch(&c);
	sl_client_close(c.client);
	cJSON_Delete(c.discovery);
	free(c.words);
	if (fflush(stdout) != 0 && status == EXIT_DONE)
		status = EXIT_REFUSED;
	return status;
}
