/* SPDX-License-Identifier: BSD-3-Clause */
/* All objects as operations for `sluicectl apply`, one a line, a page at a time: `sluicectl dump`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl.h"

enum {
	PAGE = 10000,
	KEY_ROOM = 512, /* the daemon's keys are shorter than 400 */
};

static const cJSON *get(const cJSON *obj, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(obj, name);
}

/* The key for `after`: the fields that the shape marks, with a slash between them. */
static void row_key(const cJSON *list, const cJSON *row, char key[KEY_ROOM])
{
	const cJSON *items = get(get(get(list, "result"), "schema"), "items"), *field, *v;
	size_t n = 0;

	key[0] = '\0';
	cJSON_ArrayForEach (field, get(items, "properties")) {
		v = get(row, field->string);
		if (!cJSON_IsTrue(get(field, "x-key")) || v == NULL || n >= KEY_ROOM)
			continue;
		if (cJSON_IsNumber(v))
			n += (size_t)snprintf(
				key + n, KEY_ROOM - n, "%s%.0f", n > 0 ? "/" : "", v->valuedouble);
		else
			n += (size_t)snprintf(key + n, KEY_ROOM - n, "%s%s", n > 0 ? "/" : "",
				ctl_string(row, field->string));
	}
}

static bool print_row(const char *noun, const cJSON *row)
{
	char *text = cJSON_PrintUnformatted(row);

	if (text != NULL)
		printf("{\"method\":\"%s.put\",\"params\":%s}\n", noun, text);
	cJSON_free(text);
	return text != NULL;
}

/* Ends with the first page that is not full. */
static int dump_collection(struct ctl *c, const cJSON *list, const char *noun)
{
	const char *method = ctl_string(list, "name");
	char after[KEY_ROOM] = "", *text;
	int status, n = PAGE;

	while (n == PAGE) {
		cJSON *params = cJSON_CreateObject(), *rows;
		const cJSON *row;

		cJSON_AddNumberToObject(params, "limit", PAGE);
		cJSON_AddStringToObject(params, "after", after);
		text = cJSON_PrintUnformatted(params);
		cJSON_Delete(params);
		status = ctl_call_parsed(c, method, text, &rows);
		cJSON_free(text);
		if (status != EXIT_DONE)
			return status;
		n = 0;
		cJSON_ArrayForEach (row, rows) {
			if (!print_row(noun, row)) {
				cJSON_Delete(rows);
				return EXIT_REFUSED;
			}
			row_key(list, row, after);
			n++;
		}
		cJSON_Delete(rows);
	}
	return EXIT_DONE;
}

/* In the daemon's order of collections: objects come before the objects that refer to them. */
int ctl_dump(struct ctl *c)
{
	const cJSON *methods, *m, *list;
	int status;

	if (c->n_words != 1)
		return ctl_usage_error("dump takes no arguments");
	methods = ctl_methods(c, &status);
	cJSON_ArrayForEach (m, methods) {
		const char *name = ctl_string(m, "name"), *dot = strchr(name, '.');
		char noun[64];

		if (status != EXIT_DONE)
			break;
		if (dot == NULL || strcmp(dot, ".put") != 0)
			continue;
		snprintf(noun, sizeof(noun), "%.*s", (int)(dot - name), name);
		list = ctl_find_method(methods, noun, "list");
		if (list != NULL)
			status = dump_collection(c, list, noun);
	}
	return status;
}
