/* SPDX-License-Identifier: BSD-3-Clause */
/* Results for people: tables, sections, and JSON with its numbers untouched. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl.h"

/* Text that grows. */
struct buf {
	char *p;
	size_t len, room;
};

static void add_bytes(struct buf *b, const char *s, size_t n)
{
	if (b->len + n + 1 > b->room) {
		b->room = 2 * b->room + n + 64;
		b->p = realloc(b->p, b->room);
		if (b->p == NULL)
			abort();
	}
	memcpy(b->p + b->len, s, n);
	b->len += n;
	b->p[b->len] = '\0';
}

static void add(struct buf *b, const char *s)
{
	add_bytes(b, s, strlen(s));
}

/* What a terminal could take for a command becomes '?'. */
static void add_clean(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		add_bytes(b, (unsigned char)*s < 0x20 || *s == 0x7f ? "?" : s, 1);
}

static void add_number(struct buf *b, double d)
{
	char digits[40];

	if (d > -1e17 && d < 1e17 && d == (double)(long long)d)
		snprintf(digits, sizeof(digits), "%.0f", d);
	else
		snprintf(digits, sizeof(digits), "%.2f", d);
	add(b, digits);
}

static void add_value(struct buf *b, const cJSON *v, unsigned int depth);

/* Labels and small objects: k=v,k=v; what is inside with the way to it, as it is given: labels.k=v.
 */
static void add_members(struct buf *b, const cJSON *obj, const char *path, unsigned int depth)
{
	const cJSON *m;
	char way[256];

	cJSON_ArrayForEach (m, obj) {
		if (m != obj->child)
			add(b, ",");
		snprintf(way, sizeof(way), "%s%s", path, m->string);
		if (cJSON_IsObject(m) && m->child != NULL) {
			strncat(way, ".", sizeof(way) - strlen(way) - 1);
			add_members(b, m, way, depth + 1);
			continue;
		}
		add_clean(b, way);
		add(b, "=");
		add_value(b, m, depth + 1);
	}
}

static void add_elements(struct buf *b, const cJSON *array, unsigned int depth)
{
	const cJSON *m;

	cJSON_ArrayForEach (m, array) {
		if (m != array->child)
			add(b, cJSON_IsObject(m) ? ";" : ",");
		add_value(b, m, depth + 1);
	}
}

/* One cell. What is nested deeper than a cell can show stands as JSON. */
static void add_value(struct buf *b, const cJSON *v, unsigned int depth)
{
	char *text;

	if (cJSON_IsString(v)) {
		add_clean(b, v->valuestring);
	} else if (cJSON_IsNumber(v)) {
		add_number(b, v->valuedouble);
	} else if (cJSON_IsBool(v)) {
		add(b, cJSON_IsTrue(v) ? "true" : "false");
	} else if (cJSON_IsNull(v)) {
		add(b, "null");
	} else if (depth >= 2) {
		text = cJSON_PrintUnformatted(v);
		add_clean(b, text != NULL ? text : "");
		free(text);
	} else if (cJSON_IsArray(v)) {
		add_elements(b, v, depth);
	} else {
		add_members(b, v, "", depth);
	}
}

static char *cell(const cJSON *v)
{
	struct buf b = {0};

	if (v != NULL)
		add_value(&b, v, 0);
	if (b.len == 0)
		add(&b, "-");
	return b.p;
}

/* Columns a text takes, where each character takes one. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void pad(size_t n)
{
	while (n-- > 0)
		putchar(' ');
}

struct column {
	const char *name;
	size_t width;
	bool right; /* numbers */
};

static size_t find_columns(const cJSON *rows, struct column *columns, size_t max)
{
	const cJSON *row, *m;
	size_t n = 0, i;

	cJSON_ArrayForEach (row, rows)
		cJSON_ArrayForEach (m, row) {
			for (i = 0; i < n && strcmp(columns[i].name, m->string) != 0; i++)
				;
			if (i == n && n < max)
				columns[n++] = (struct column){
					m->string, width(m->string), cJSON_IsNumber(m)};
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
			char *text = cell(cJSON_GetObjectItemCaseSensitive(row, columns[i].name));

			if (width(text) > columns[i].width)
				columns[i].width = width(text);
			free(text);
		}
}

static void print_cell(const struct column *c, const char *text, bool last)
{
	size_t space = c->width - width(text);

	if (c->right)
		pad(space);
	fputs(text, stdout);
	if (last)
		return;
	if (!c->right)
		pad(space);
	fputs("  ", stdout);
}

static void print_header(const struct column *columns, size_t n, size_t indent)
{
	pad(indent);
	for (size_t i = 0; i < n; i++) {
		struct buf b = {0};

		add_clean(&b, columns[i].name);
		for (char *p = b.p; p != NULL && *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
		print_cell(&columns[i], b.p != NULL ? b.p : "", i + 1 == n);
		free(b.p);
	}
	putchar('\n');
}

static void print_table(const cJSON *rows, size_t indent)
{
	struct column columns[64];
	size_t n = find_columns(rows, columns, sizeof(columns) / sizeof(columns[0]));
	const cJSON *row;

	if (n == 0)
		return;
	measure(rows, columns, n);
	print_header(columns, n, indent);
	cJSON_ArrayForEach (row, rows) {
		pad(indent);
		for (size_t i = 0; i < n; i++) {
			char *text = cell(cJSON_GetObjectItemCaseSensitive(row, columns[i].name));

			print_cell(&columns[i], text, i + 1 == n);
			free(text);
		}
		putchar('\n');
	}
}

static bool is_rows(const cJSON *v);

/* A row's other fields are in JSON (-j), and rows are found by them. */
bool ctl_print_main_columns(const char *method, const cJSON *result)
{
	static const char *const names[] = {"time", "reason", "from", "network", "protocol",
		"source", "source_port", "destination", "destination_port", "policy", "audited",
		"lost", "detail"};
	cJSON *rows;
	const cJSON *row;

	if (strcmp(method, "drops.recent") != 0 || !is_rows(result))
		return false;
	rows = cJSON_CreateArray();
	cJSON_ArrayForEach (row, result) {
		cJSON *some = cJSON_CreateObject();

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			const cJSON *m = cJSON_GetObjectItemCaseSensitive(row, names[i]);

			cJSON_AddItemToObject(some, names[i],
				m != NULL ? cJSON_Duplicate(m, true) : cJSON_CreateString(""));
		}
		cJSON_AddItemToArray(rows, some);
	}
	print_table(rows, 0);
	cJSON_Delete(rows);
	return true;
}

static bool is_rows(const cJSON *v)
{
	return cJSON_IsArray(v) && cJSON_IsObject(v->child);
}

/* An object that is worth a section: it holds numbers, as counters do, or something nested. */
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

static void print_object(const cJSON *obj, size_t indent)
{
	const cJSON *m;
	size_t widest = 0;

	cJSON_ArrayForEach (m, obj)
		if (!is_section(m) && !is_rows(m) && width(m->string) > widest)
			widest = width(m->string);
	cJSON_ArrayForEach (m, obj) {
		if (is_section(m) || is_rows(m))
			continue;
		char *text = cell(m);

		pad(indent);
		printf("%s", m->string);
		pad(widest - width(m->string) + 2);
		printf("%s\n", text);
		free(text);
	}
	cJSON_ArrayForEach (m, obj) {
		if (!is_section(m) && !is_rows(m))
			continue;
		pad(indent);
		printf("%s:\n", m->string);
		if (is_rows(m))
			print_table(m, indent + 2);
		else
			print_object(m, indent + 2);
	}
}

void ctl_print_result(const cJSON *v)
{
	const cJSON *m;

	if (is_rows(v)) {
		print_table(v, 0);
	} else if (cJSON_IsObject(v)) {
		print_object(v, 0);
	} else if (cJSON_IsArray(v)) {
		cJSON_ArrayForEach (m, v)
			ctl_print_result(m);
	} else if (!cJSON_IsNull(v) && !cJSON_IsTrue(v)) {
		char *text = cell(v);

		puts(text);
		free(text);
	}
}

/* One JSON text's first token at p: its length. Strings whole, brackets and commas alone. */
static size_t token_len(const char *p)
{
	size_t n = 1;

	if (*p == '"') {
		while (p[n] != '\0' && p[n] != '"')
			n += p[n] == '\\' && p[n + 1] != '\0' ? 2 : 1;
		return p[n] == '"' ? n + 1 : n;
	}
	if (strchr("{}[],:", *p) != NULL)
		return 1;
	while (p[n] != '\0' && strchr("{}[],: \t\r\n\"", p[n]) == NULL)
		n++;
	return n;
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Where the value at p ends. */
static const char *value_end(const char *p)
{
	size_t depth = 0;

	do {
		p = skip_space(p);
		if (*p == '\0')
			return p;
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p += token_len(p);
	} while (depth > 0);
	return p;
}

static const char *find_member(const char *response, const char *member)
{
	const char *p = skip_space(response), *key;
	size_t n;

	if (*p++ != '{')
		return NULL;
	for (;;) {
		key = skip_space(p);
		if (*key != '"')
			return NULL;
		n = token_len(key);
		p = skip_space(key + n);
		if (*p++ != ':')
			return NULL;
		p = skip_space(p);
		if (n == strlen(member) + 2 && memcmp(key + 1, member, n - 2) == 0)
			return p;
		p = skip_space(value_end(p));
		if (*p++ != ',')
			return NULL;
	}
}

static void new_line(size_t depth)
{
	putchar('\n');
	pad(2 * depth);
}

void ctl_print_raw(const char *response, const char *member)
{
	const char *p = find_member(response, member), *end;
	size_t depth = 0, n;

	if (p == NULL)
		return;
	for (end = value_end(p); p < end; p = skip_space(p + n)) {
		const char *next = skip_space(p + 1);

		n = token_len(p);
		if ((*p == '{' || *p == '[') && (*next == '}' || *next == ']')) {
			printf("%c%c", *p, *next);
			n = (size_t)(next - p) + 1;
			continue;
		}
		if (*p == '}' || *p == ']')
			new_line(--depth);
		fwrite(p, 1, n, stdout);
		if (*p == '{' || *p == '[')
			new_line(++depth);
		else if (*p == ',')
			new_line(depth);
		else if (*p == ':')
			putchar(' ');
	}
	putchar('\n');
}
