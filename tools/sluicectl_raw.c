/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON for people, indented, with its numbers as the daemon wrote them. */
#include <stdio.h>
#include <string.h>

#include "sluicectl.h"
#include "sluicectl_cell.h"

/* The length of the JSON token at p: a whole string, or a single bracket or comma. */
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
	ctl_pad(2 * depth);
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
