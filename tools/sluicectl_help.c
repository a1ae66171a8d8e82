/* SPDX-License-Identifier: BSD-3-Clause */
/* Usage, and the commands from the daemon's description of itself. */
#include <stdio.h>
#include <string.h>

#include "sluicectl.h"

static const char usage[] =
	"usage: sluicectl [OPTION...] NOUN VERB [NAME=VALUE...]\n"
	"       sluicectl [OPTION...] call METHOD [PARAMS | -]\n"
	"       sluicectl [OPTION...] apply FILE | -\n"
	"       sluicectl [OPTION...] dump\n"
	"       sluicectl [OPTION...] help | NOUN help\n"
	"\n"
	"options:\n"
	"  --socket PATH    the daemon's socket (" SL_SOCKET_DEFAULT ")\n"
	"  -j, --json       print the result as JSON\n"
	"  --wide, --wrap   print wide tables as they are, or with cells over several lines;\n"
	"                   otherwise cells are cut to fit the terminal, or 120 columns\n"
	"  --watch SECONDS  call again and again, counters as growth a second\n"
	"  --timeout SECONDS  wait so long for an answer (30)\n"
	"  -h, --help       this text, or help for NOUN or NOUN VERB\n"
	"  --version        print the version\n"
	"\n"
	"values: lists as a,b,c; labels as labels.KEY=VALUE or labels=K=V,K=V; fields of an\n"
	"object as FIELD.FIELD=VALUE; JSON is accepted for any value, and one JSON object or\n"
	"- (standard input) for all of them. A word without = is the object's key.\n"
	"lists: NAME=VALUE for those with that value; --limit N and --after KEY for a page.\n"
	"del --missing-ok: no error when it is not there.\n"
	"\n"
	"apply: one operation of txn.apply a line, {\"method\": ..., \"params\": {...}}; each 500 "
	"lines\n"
	"are one transaction, an empty line ends one early. dump prints every object as such a\n"
	"line: a backup that apply restores, and that changes nothing where all is as it was.\n";

void ctl_print_usage(bool to_stderr)
{
	fputs(usage, to_stderr ? stderr : stdout);
}

static const char *type_name(const cJSON *schema)
{
	static const char *const keys[] = {
		"title", "format", "type"}; /* the first that exists says most */

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (ctl_string(schema, keys[i])[0] != '\0')
			return ctl_string(schema, keys[i]);
	return "JSON";
}

/* The type of a parameter in a word or two. */
static void print_type(const cJSON *schema)
{
	const cJSON *m, *names = cJSON_GetObjectItemCaseSensitive(schema, "enum");
	const char *type = ctl_string(schema, "type");

	if (names != NULL) {
		cJSON_ArrayForEach (m, names)
			printf("%s%s", m != names->child ? "|" : "", m->valuestring);
	} else if (ctl_list_alternative(schema) != NULL) {
		print_type(ctl_list_alternative(schema));
	} else if (strcmp(type, "array") == 0) {
		print_type(cJSON_GetObjectItemCaseSensitive(schema, "items"));
		printf(",...");
	} else if (strcmp(type, "object") == 0 &&
		   cJSON_GetObjectItemCaseSensitive(schema, "properties") == NULL) {
		printf("KEY=VALUE,...");
	} else {
		printf("%s", cJSON_HasObjectItem(schema, "anyOf") ? "ip" : type_name(schema));
	}
}

static void print_param(const cJSON *p)
{
	bool required = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(p, "required"));
	const cJSON *schema = cJSON_GetObjectItemCaseSensitive(p, "schema");
	const cJSON *def = cJSON_GetObjectItemCaseSensitive(schema, "default");
	char *text = def != NULL ? cJSON_PrintUnformatted(def) : NULL;

	printf("  %s=", ctl_string(p, "name"));
	print_type(schema);
	if (required)
		printf("  (required)");
	else if (text != NULL)
		printf("  (default %s)", text);
	cJSON_free(text);
	putchar('\n');
	if (ctl_string(p, "description")[0] != '\0')
		printf("      %s\n", ctl_string(p, "description"));
}

static void print_method(const cJSON *m)
{
	const cJSON *p, *params = cJSON_GetObjectItemCaseSensitive(m, "params");
	const char *name = ctl_string(m, "name"), *dot = strchr(name, '.');

	if (dot == NULL)
		return;
	printf("sluicectl %.*s %s%s\n", (int)(dot - name), name, dot + 1,
		params != NULL && params->child != NULL ? " ..." : "");
	printf("  %s\n", ctl_string(m, "summary"));
	if (ctl_string(m, "description")[0] != '\0')
		printf("  %s\n", ctl_string(m, "description"));
	cJSON_ArrayForEach (p, params)
		print_param(p);
}

static void print_overview(const cJSON *methods, const char *noun)
{
	const cJSON *m;

	cJSON_ArrayForEach (m, methods) {
		const char *name = ctl_string(m, "name"), *dot = strchr(name, '.');
		char of[32] = "";

		if (dot == NULL || strncmp(name, "rpc.", 4) == 0)
			continue;
		if (noun[0] != '\0' && (strlen(noun) != (size_t)(dot - name) ||
					       strncmp(name, noun, strlen(noun)) != 0))
			continue;
		strncat(of, name,
			(size_t)(dot - name) < sizeof(of) ? (size_t)(dot - name) : sizeof(of) - 1);
		printf("  %-12s %-10s %s\n", of, dot + 1, ctl_string(m, "summary"));
		if (strcmp(name, "workers.list") == 0)
			printf("  %-12s %-10s %s\n", "workers", "show",
				"The same with stages' costs and burst times, a section a worker.");
	}
}

static bool has_noun(const cJSON *methods, const char *noun)
{
	const cJSON *m;
	size_t n = strlen(noun);

	cJSON_ArrayForEach (m, methods)
		if (strncmp(ctl_string(m, "name"), noun, n) == 0 && ctl_string(m, "name")[n] == '.')
			return true;
	return false;
}

/* The daemon's methods; without a daemon, those of the daemon that this program was built with. */
static const cJSON *methods_to_tell_of(struct ctl *c, int *status)
{
	if (ctl_try_connect(c))
		return ctl_methods(c, status);
	c->discovery = cJSON_Parse(ctl_built_in_methods);
	*status = c->discovery != NULL ? EXIT_DONE : EXIT_REFUSED;
	return cJSON_GetObjectItemCaseSensitive(c->discovery, "methods");
}

/* True for commands that are not methods of the daemon: the usage describes them. */
static bool is_own_command(const char *word)
{
	return strcmp(word, "call") == 0 || strcmp(word, "apply") == 0 || strcmp(word, "dump") == 0;
}

int ctl_help(struct ctl *c, const char *noun, const char *verb)
{
	const cJSON *methods, *method;
	int status;

	if (noun[0] == '\0' || is_own_command(noun))
		ctl_print_usage(false);
	if (is_own_command(noun))
		return EXIT_DONE;
	fflush(stdout);
	methods = methods_to_tell_of(c, &status);
	if (status != EXIT_DONE)
		return status;
	if (noun[0] == '\0') {
		printf("\ncommands:\n");
		print_overview(methods, "");
		return EXIT_DONE;
	}
	if (!has_noun(methods, noun))
		return ctl_usage_error("there is no noun \"%s\"; sluicectl help lists all", noun);
	if (verb[0] == '\0') {
		print_overview(methods, noun);
		return EXIT_DONE;
	}
	method = ctl_find_method(methods, noun, verb);
	if (method == NULL)
		return ctl_usage_error("there is no command \"%s %s\"", noun, verb);
	print_method(method);
	return EXIT_DONE;
}
