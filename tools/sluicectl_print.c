/* SPDX-License-Identifier: BSD-3-Clause */
/* Results for people: tables, sections, and JSON with its numbers untouched. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sluicectl.h"

enum {
	ROOM_WITHOUT_TERMINAL = 120,
	WIDTH_MIN = 8, /* of a column that has to give way */
	GO_ON = 4,     /* spaces before the rest of a row */
	GAP = 2,
	COLUMNS_MAX = 64,
};

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

	cJSON_ArrayForEach (m, obj) {
		struct buf way = {0};

		if (m != obj->child)
			add(b, ",");
		add(&way, path);
		add(&way, m->string);
		if (cJSON_IsObject(m) && m->child != NULL) {
			add(&way, ".");
			add_members(b, m, way.p, depth + 1);
		} else {
			add_clean(b, way.p);
			add(b, "=");
			add_value(b, m, depth + 1);
		}
		free(way.p);
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
	bool right;	/* numbers */
	bool next_line; /* where a row has more columns than fit a line */
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

/* In the schema's order, whichever row comes first; what that does not name comes last. */
static size_t find_columns(
	const cJSON *rows, const cJSON *schema, struct column *columns, size_t max)
{
	const cJSON *row, *m;
	size_t n = 0, i;

	cJSON_ArrayForEach (m, row_properties(schema))
		if (n < max && any_has(rows, m->string))
			columns[n++] = (struct column){m->string, width(m->string), true, false};
	cJSON_ArrayForEach (row, rows)
		cJSON_ArrayForEach (m, row) {
			i = find_column(columns, n, m->string);
			if (i == n && n < max)
				columns[n++] =
					(struct column){m->string, width(m->string), true, false};
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

/* Bytes of the first n characters. */
static size_t bytes_of(const char *s, size_t n)
{
	size_t i = 0;

	while (s[i] != '\0' && (((unsigned char)s[i] & 0xc0) == 0x80 || n-- > 0))
		i++;
	return i;
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

/* Too many columns for a line: a row goes on in the next one. */
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

/* Make the widest columns narrower until all fit. The first stays: it is what rows are called. */
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

/* Print as much as the column takes; what is left of the text. */
static const char *print_cell(const struct column *c, const char *text, bool last)
{
	size_t w = width(text), n = strlen(text);
	bool too_wide = w > c->width;

	if (too_wide) {
		w = c->width;
		n = bytes_of(text, width_mode == CTL_WRAP ? w : w - 1);
	}
	if (c->right)
		pad(c->width - w);
	fwrite(text, 1, n, stdout);
	if (too_wide && width_mode != CTL_WRAP)
		fputs("\u2026", stdout);
	if (last)
		return text + n;
	if (!c->right)
		pad(c->width - w);
	pad(GAP);
	return text + n;
}

/* A line, or several when cells go on. */
static void print_line(const struct column *columns, char *const *cells, size_t n, size_t indent)
{
	const char *at[COLUMNS_MAX];
	bool more;

	memcpy(at, cells, n * sizeof(*at));
	do {
		more = false;
		pad(indent);
		for (size_t i = 0; i < n; i++) {
			if (columns[i].next_line) {
				putchar('\n');
				pad(indent + GO_ON);
			}
			at[i] = print_cell(
				&columns[i], at[i], i + 1 == n || columns[i + 1].next_line);
			more = more || (width_mode == CTL_WRAP && *at[i] != '\0');
		}
		putchar('\n');
	} while (more);
}

static char *upper(const char *name)
{
	struct buf b = {0};

	add(&b, "");
	add_clean(&b, name);
	for (char *p = b.p; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return b.p;
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
		cells[i] = upper(columns[i].name);
	print_line(columns, cells, n, indent);
	free_cells(cells, n);
}

/* What the columns would be called. */
static void print_empty_table(const cJSON *schema, size_t indent)
{
	const cJSON *m;
	struct column columns[COLUMNS_MAX];
	size_t n = 0;

	cJSON_ArrayForEach (m, row_properties(schema))
		if (n < COLUMNS_MAX)
			columns[n++] = (struct column){m->string, width(m->string), false, false};
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
			cells[i] = cell(cJSON_GetObjectItemCaseSensitive(row, columns[i].name));
		print_line(columns, cells, n, indent);
		free_cells(cells, n);
	}
}

/* A row's other fields are in JSON (-j), and rows are found by them. */
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
		columns[i] = (struct column){names[i], width(names[i]), false, false};
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

#define MEMBER(of, m) cJSON_GetObjectItemCaseSensitive(of, (m)->string)

/* A list of rows that has none now. */
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
			width(m->string) > widest)
			widest = width(m->string);
	cJSON_ArrayForEach (m, obj) {
		if (is_section(m) || is_rows(m) || is_empty_rows(m, MEMBER(of, m)))
			continue;
		char *text = cell(m);

		pad(indent);
		printf("%s", m->string);
		pad(widest - width(m->string) + 2);
		printf("%s\n", text);
		free(text);
	}
	cJSON_ArrayForEach (m, obj) {
		if (!is_section(m) && !is_rows(m) && !is_empty_rows(m, MEMBER(of, m)))
			continue;
		pad(indent);
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
		char *text = cell(v);

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
