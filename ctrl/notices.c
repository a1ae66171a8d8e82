/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of notices: one row each. Asking them, and putting what they find into words. */
#include <stdarg.h>
#include <stdio.h>

#include "notices.h"

/* Those of one thing stand together, the worst first. */
const struct sl_notice_row sl_notice_rows[] = {
	{"port_no_address", sl_notice_port_address},
};
const size_t sl_n_notice_rows = sizeof(sl_notice_rows) / sizeof(sl_notice_rows[0]);

void sl_notice_put(const struct sl_notice_sink *to, const char *collection, const char *name,
	const char *hint, const char *fmt, ...)
{
	struct sl_notice n = {.collection = collection, .name = name, .code = to->code};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(n.message, sizeof(n.message), fmt, ap);
	va_end(ap);
	snprintf(n.hint, sizeof(n.hint), "%s", hint);
	to->put(to->ctx, &n);
}

void sl_notices_find(const struct sl_notice_facts *f,
	void (*put)(void *ctx, const struct sl_notice *n), void *ctx)
{
	struct sl_notice_sink to = {.ctx = ctx, .put = put};

	for (size_t i = 0; i < sl_n_notice_rows; i++) {
		to.code = sl_notice_rows[i].code;
		sl_notice_rows[i].find(f, &to);
	}
}

const char *sl_notice_line(const struct sl_notice *n, char line[SL_NOTICE_LINE_LEN])
{
	bool named = n->name[0] != '\0', helped = n->hint[0] != '\0';

	snprintf(line, SL_NOTICE_LINE_LEN, "%s%s%s%s: %s%s%s%s", n->collection, named ? " \"" : "",
		n->name, named ? "\"" : "", n->message, helped ? " (" : "", n->hint,
		helped ? ")" : "");
	return line;
}
