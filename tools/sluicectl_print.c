/* SPDX-License-Identifier: BSD-3-Clause */
/* Results for people: tables and sections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sluicectl.h"
#include "sluicectl_cell.h"

enum {
	ROOM_WITHOUT_TERMINAL = 120,
	WIDTH_MIN = 8, /* of a column that is narrowed */
	GO_ON = 4,     /* spaces before the rest of a row */
	GAP = 2,
	COLUMNS_MAX = 64,
};

struct column {
	const char *name;
	size_t width;
	bool right;	/* numbers */
	bool next_line; /* starts a new line in a row with too many columns */
};

static size_t find_column(const struct column *columns, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(columns[i].name, name) != 0)
		i++;
	return i;
}

static bool any_has(const cJSON *rows, const char *name)
{
	const cJSON *row;

	cJSON_ArrayForEach (row, rows)
		if (cJSON_GetObjectItemCaseSensitive(row, name) != NULL)
			return true;
	return false;
}

static const cJSON *row_properties(const cJSON *schema)
{
	return cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(schema, "items"), "properties");
}

/*
 * In the schema's order, whichever row comes first; columns that the schema does not name come
 * last.
 */
static size_t find_columns(
	const cJSON *rows, const cJSON *schema, struct column *columns, size_t max)
{
	const cJSON *row, *m;
	size_t n = 0, i;

	cJSON_ArrayForEach (m, row_properties(schema))
		if (n < max && any_has(rows, m->string))
			columns[n++] =
				(struct column){m->string, ctl_width_of(m->string), true, false};
	cJSON_ArrayForEach (row, rows)
		cJSON_ArrayForEach (m, row) {
			i = find_column(columns, n, m->string);
			if (i == n && n < max)
				columns[n++] = (struct column){
					m->string, ctl_width_of(m->string), true, false};
			if (i < n && !cJSON_IsNumber(m))
				columns[i].right = false;
		}
	return n;
}

static void measure(const cJSON *rows, struct column *columns, size_t n)
{
	const cJSON *row;

	cJSON_ArrayForEach (row, rows)
		for (size_t i = 0; i < n; i++) {
			char *text =
				ctl_cell(cJSON_GetObjectItemCaseSensitive(row, columns[i].name));

			if (ctl_width_of(text) > columns[i].width)
				columns[i].width = ctl_width_of(text);
			free(text);
		}
}

static enum ctl_width width_mode;

void ctl_set_width(enum ctl_width mode)
{
	width_mode = mode;
}

static size_t room_of_line(void)
{
	struct winsize w;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return ROOM_WITHOUT_TERMINAL;
}

/* Too many columns for a line: a row continues in the next line. */
static void break_lines(struct column *columns, size_t n, size_t indent, size_t room)
{
	size_t at = indent;

	for (size_t i = 0; i < n; i++) {
		size_t most = room - indent - GO_ON;

		if (columns[i].width > most)
			columns[i].width = most;
		columns[i].next_line = i > 0 && at + columns[i].width > room;
		if (columns[i].next_line)
			at = indent + GO_ON;
		at += columns[i].width + GAP;
	}
}

/* Makes the widest columns narrower until all fit. The first column stays: it names the row. */
static void fit(struct column *columns, size_t n, size_t indent)
{
	size_t room = room_of_line(), total = indent, least = indent;

	if (width_mode == CTL_WIDE)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t w = columns[i].width;

		total += w + (i > 0 ? GAP : 0);
		least += (i > 0 && w > WIDTH_MIN ? WIDTH_MIN : w) + (i > 0 ? GAP : 0);
	}
	if (least > room && room > indent + 2 * GO_ON) {
		break_lines(columns, n, indent, room);
		return;
	}
	while (total > room) {
		size_t widest = 0;

		for (size_t i = 1; i < n; i++)
			if (widest == 0 || columns[i].width > columns[widest].width)
				widest = i;
		if (widest == 0 || columns[widest].width <= WIDTH_MIN)
			break;
		columns[widest].width--;
		total--;
	}
}

/* Prints as much as the column takes, and returns the rest of the text. */
static const char *print_cell(const struct column *c, const char *text, bool last)
{
	size_t w = ctl_width_of(text), n = strlen(text);
	bool too_wide = w > c->width;

	if (too_wide) {
		w = c->width;
		n = ctl_bytes_of(text, width_mode == CTL_WRAP ? w : w - 1);
	}
	if (c->right)
		ctl_pad(c->width - w);
	fwrite(text, 1, n, stdout);
	if (too_wide && width_mode != CTL_WRAP)
		fputs("\u2026", stdout);
	if (last)
		return text + n;
	if (!c->right)
		ctl_pad(c->width - w);
	ctl_pad(GAP);
	return text + n;
}

/* Prints a line, or several when cells continue. */
static void print_line(const struct column *columns, char *const *cells, size_t n, size_t indent)
{
	const char *at[COLUMNS_MAX];
	bool more;

	memcpy(at, cells, n * sizeof(*at));
	do {
		more = false;
		ctl_pad(indent);
		for (size_t i = 0; i < n; i++) {
			if (columns[i].next_line) {
				putchar('\n');
				ctl_pad(indent + GO_ON);
			}
			at[i] = print_cell(
				&columns[i], at[i], i + 1 == n || columns[i + 1].next_line);
			more = more || (width_mode == CTL_WRAP && *at[i] != '\0');
		}
		putchar('\n');
	} while (more);
}

static void free_cells(char **cells, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(cells[i]);
}

static void print_header(const struct column *columns, size_t n, size_t indent)
{
	char *cells[COLUMNS_MAX] = {NULL};

	for (size_t i = 0; i < n; i++)
		cells[i] = ctl_upper(columns[i].name);
	print_line(columns, cells, n, indent);
	free_cells(cells, n);
}

/* Prints only the names of the columns. */
static void print_empty_table(const cJSON *schema, size_t indent)
{
	const cJSON *m;
	struct column columns[COLUMNS_MAX];
	size_t n = 0;

	cJSON_ArrayForEach (m, row_properties(schema))
		if (n < COLUMNS_MAX)
			columns[n++] =
				(struct column){m->string, ctl_width_of(m->string), false, false};
	if (n == 0)
		return;
	fit(columns, n, indent);
	print_header(columns, n, indent);
}

static void print_table(const cJSON *rows, const cJSON *schema, size_t indent)
{
	struct column columns[COLUMNS_MAX];
	char *cells[COLUMNS_MAX] = {NULL};
	size_t n = find_columns(rows, schema, columns, COLUMNS_MAX);
	const cJSON *row;

	if (n == 0)
		return;
	measure(rows, columns, n);
	fit(columns, n, indent);
	print_header(columns, n, indent);
	cJSON_ArrayForEach (row, rows) {
		for (size_t i = 0; i < n; i++)
			cells[i] = ctl_cell(cJSON_GetObjectItemCaseSensitive(row, columns[i].name));
		print_line(columns, cells, n, indent);
		free_cells(cells, n);
	}
}

/* JSON (-j) has a row's other fields, and they can be used as filters. */
bool ctl_print_main_columns(const char *method, const cJSON *result)
{
	static const char *const names[] = {"time", "reason", "from", "network", "protocol",
		"source", "source_port", "destination", "destination_port", "policy", "audited",
		"lost", "detail"};
	struct column columns[sizeof(names) / sizeof(names[0])];
	const size_t n = sizeof(names) / sizeof(names[0]);
	cJSON *rows;
	const cJSON *row;

	if (strcmp(method, "drops.recent") != 0 || !cJSON_IsArray(result))
		return false;
	for (size_t i = 0; i < n; i++)
		columns[i] = (struct column){names[i], ctl_width_of(names[i]), false, false};
	if (result->child == NULL) {
		fit(columns, n, 0);
		print_header(columns, n, 0);
		return true;
	}
	rows = cJSON_CreateArray();
	cJSON_ArrayForEach (row, result) {
		cJSON *some = cJSON_CreateObject();

		for (size_t i = 0; i < n; i++) {
			const cJSON *m = cJSON_GetObjectItemCaseSensitive(row, names[i]);

			cJSON_AddItemToObject(some, names[i],
				m != NULL ? cJSON_Duplicate(m, true) : cJSON_CreateString(""));
		}
		cJSON_AddItemToArray(rows, some);
	}
	print_table(rows, NULL, 0);
	cJSON_Delete(rows);
	return true;
}

static bool is_rows(const cJSON *v)
{
	return cJSON_IsArray(v) && cJSON_IsObject(v->child);
}

/*
 * True for an object that gets its own section: it holds numbers, such as counters, or nested
 * values.
 */
static bool is_section(const cJSON *v)
{
	const cJSON *m;

	if (!cJSON_IsObject(v))
		return false;
	cJSON_ArrayForEach (m, v)
		if (cJSON_IsNumber(m) || cJSON_IsObject(m) || cJSON_IsArray(m))
			return true;
	return false;
}

#define MEMBER(of, m) cJSON_GetObjectItemCaseSensitive(of, (m)->string)

/* True for a list of rows that is empty now. */
static bool is_empty_rows(const cJSON *v, const cJSON *schema)
{
	return cJSON_IsArray(v) && v->child == NULL && row_properties(schema) != NULL;
}

static void print_object(const cJSON *obj, const cJSON *schema, size_t indent)
{
	const cJSON *of = cJSON_GetObjectItemCaseSensitive(schema, "properties");
	const cJSON *m;
	size_t widest = 0;

	cJSON_ArrayForEach (m, obj)
		if (!is_section(m) && !is_rows(m) && !is_empty_rows(m, MEMBER(of, m)) &&
			ctl_width_of(m->string) > widest)
			widest = ctl_width_of(m->string);
	cJSON_ArrayForEach (m, obj) {
		if (is_section(m) || is_rows(m) || is_empty_rows(m, MEMBER(of, m)))
			continue;
		char *text = ctl_cell(m);

		ctl_pad(indent);
		printf("%s", m->string);
		ctl_pad(widest - ctl_width_of(m->string) + 2);
		printf("%s\n", text);
		free(text);
	}
	cJSON_ArrayForEach (m, obj) {
		if (!is_section(m) && !is_rows(m) && !is_empty_rows(m, MEMBER(of, m)))
			continue;
		ctl_pad(indent);
		printf("%s:\n", m->string);
		if (is_rows(m))
			print_table(m, MEMBER(of, m), indent + 2);
		else if (cJSON_IsArray(m))
			print_empty_table(MEMBER(of, m), indent + 2);
		else
			print_object(m, MEMBER(of, m), indent + 2);
	}
}

void ctl_print_result(const cJSON *v, const cJSON *schema)
{
	const cJSON *m;

	if (is_rows(v)) {
		print_table(v, schema, 0);
	} else if (cJSON_IsObject(v)) {
		print_object(v, schema, 0);
	} else if (is_empty_rows(v, schema)) {
		print_empty_table(schema, 0);
	} else if (cJSON_IsArray(v)) {
		cJSON_ArrayForEach (m, v)
			ctl_print_result(m, NULL);
	} else if (!cJSON_IsNull(v) && !cJSON_IsTrue(v)) {
		char *text = ctl_cell(v);

		puts(text);
		free(text);
	}
}

static void name_list(cJSON *row, const char *field, const char *all, const char *none)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, field);

	if (v == NULL)
		cJSON_AddStringToObject(row, field, all);
	else if (cJSON_IsArray(v) && v->child == NULL)
		cJSON_ReplaceItemInObjectCaseSensitive(row, field, cJSON_CreateString(none));
}

void ctl_name_nobody(const char *method, cJSON *result)
{
	cJSON *row;

	if (strncmp(method, "policies.", strlen("policies.")) != 0)
		return;
	if (cJSON_HasObjectItem(result, "subject")) {
		name_list(result, "peers", "anyone", "nobody");
		name_list(result, "ports", "all", "none");
	}
	if (cJSON_IsArray(result))
		cJSON_ArrayForEach (row, result)
			ctl_name_nobody(method, row);
}
