/* SPDX-License-Identifier: BSD-3-Clause */
/* One value as the text of a table's cell. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl_cell.h"

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

/* Characters that a terminal could take for a command become '?'. */
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

/* Labels and small objects: k=v,k=v; members of members with their path: labels.k=v. */
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

/* One cell. A value nested too deep for a cell is written as JSON. */
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

char *ctl_cell(const cJSON *v)
{
	struct buf b = {0};

	if (v != NULL)
		add_value(&b, v, 0);
	if (b.len == 0)
		add(&b, "-");
	return b.p;
}

size_t ctl_width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void ctl_pad(size_t n)
{
	while (n-- > 0)
		putchar(' ');
}

size_t ctl_bytes_of(const char *s, size_t n)
{
	size_t i = 0;

	while (s[i] != '\0' && (((unsigned char)s[i] & 0xc0) == 0x80 || n-- > 0))
		i++;
	return i;
}

char *ctl_upper(const char *name)
{
	struct buf b = {0};

	add(&b, "");
	add_clean(&b, name);
	for (char *p = b.p; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return b.p;
}
