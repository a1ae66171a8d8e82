/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection, calls over it, and their error messages. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl.h"

void ctl_complain(const char *message, const char *path, const char *hint)
{
	char line[4096];

	snprintf(line, sizeof(line), "sluicectl: %s%s%s%s%s%s%s", message,
		path[0] != '\0' ? " (" : "", path, path[0] != '\0' ? ")" : "",
		hint[0] != '\0' ? "\n" : "", hint[0] != '\0' ? "hint: " : "", hint);
	for (char *p = line; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "%s\n", line);
}

int ctl_usage_error(const char *fmt, ...)
{
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	ctl_complain(message, "", "");
	return EXIT_USAGE;
}

const char *ctl_string(const cJSON *obj, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, name);

	return cJSON_IsString(v) ? v->valuestring : "";
}

bool ctl_try_connect(struct ctl *c)
{
	if (c->client != NULL)
		return true;
	c->client = sl_client_connect(c->socket);
	if (c->client != NULL)
		sl_client_set_timeout(c->client, c->timeout_s);
	return c->client != NULL;
}

bool ctl_connect(struct ctl *c)
{
	char message[256];

	if (ctl_try_connect(c))
		return true;
	snprintf(message, sizeof(message), "no daemon at %s: %s", c->socket, strerror(errno));
	ctl_complain(message, "",
		errno == EACCES ? "be root or a member of the socket's group"
				: "start sluiced, or name its socket with --socket PATH");
	return false;
}

static int complain_of_connection(void)
{
	char message[128];

	snprintf(message, sizeof(message), "no answer: %s",
		errno == EPIPE	     ? "the daemon closed the connection"
		: errno == ETIMEDOUT ? "the daemon took too long"
				     : strerror(errno));
	ctl_complain(message, "", "");
	return EXIT_NO_DAEMON;
}

static int check_response(const char *text)
{
	cJSON *response = cJSON_Parse(text), *error;
	const cJSON *data;
	int status = EXIT_DONE;

	error = cJSON_GetObjectItemCaseSensitive(response, "error");
	if (!cJSON_IsObject(response)) {
		ctl_complain("the answer is no JSON-RPC response", "", "");
		status = EXIT_REFUSED;
	} else if (error != NULL) {
		data = cJSON_GetObjectItemCaseSensitive(error, "data");
		ctl_complain(ctl_string(error, "message"), ctl_string(data, "path"),
			ctl_string(data, "hint"));
		status = EXIT_REFUSED;
	}
	cJSON_Delete(response);
	return status;
}

int ctl_call(struct ctl *c, const char *method, const char *params, char **response)
{
	int status;

	*response = NULL;
	if (!ctl_connect(c))
		return EXIT_NO_DAEMON;
	*response = sl_client_call(c->client, method, params);
	if (*response == NULL)
		return complain_of_connection();
	status = check_response(*response);
	if (status != EXIT_DONE) {
		free(*response);
		*response = NULL;
	}
	return status;
}

int ctl_call_parsed(struct ctl *c, const char *method, const char *params, cJSON **result)
{
	cJSON *response;
	char *text;
	int status = ctl_call(c, method, params, &text);

	*result = NULL;
	if (status != EXIT_DONE)
		return status;
	response = cJSON_Parse(text);
	free(text);
	*result = cJSON_DetachItemFromObjectCaseSensitive(response, "result");
	cJSON_Delete(response);
	if (*result != NULL)
		return EXIT_DONE;
	ctl_complain("the answer has no result", "", "");
	return EXIT_REFUSED;
}

const cJSON *ctl_methods(struct ctl *c, int *status)
{
	*status = EXIT_DONE;
	if (c->discovery == NULL)
		*status = ctl_call_parsed(c, "rpc.discover", NULL, &c->discovery);
	return cJSON_GetObjectItemCaseSensitive(c->discovery, "methods");
}

const cJSON *ctl_find_method(const cJSON *methods, const char *noun, const char *verb)
{
	/* words that people type -> names of methods; tried in order */
	static const char *const aliases[][2] = {{"show", "get"}, {"show", "list"}, {"ls", "list"},
		{"delete", "del"}, {"rm", "del"}};
	const cJSON *m;
	char name[128];

	snprintf(name, sizeof(name), "%s.%s", noun, verb);
	cJSON_ArrayForEach (m, methods)
		if (strcmp(ctl_string(m, "name"), name) == 0)
			return m;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcmp(verb, aliases[i][0]) != 0)
			continue;
		m = ctl_find_method(methods, noun, aliases[i][1]);
		if (m != NULL)
			return m;
	}
	return NULL;
}
