/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "engine_state.h"

void sl_engine_notice(struct sl_engine *g, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (g->notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	g->notice(text);
}
