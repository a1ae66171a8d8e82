/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "sluice/clock.h"
#include "text.h"

const struct sl_turn sl_turn_endless = {.end_ns = UINT64_MAX, .len_max = SIZE_MAX};

void sl_text_add(struct sl_text *t, const char *s, size_t n)
{
	if (t->failed)
		return;
	if (t->len + n + 1 > t->room) {
		char *p = sl_grow(t->p, t->len + n + 1, &t->room, 1);

		if (p == NULL) {
			free(t->p);
			*t = (struct sl_text){.failed = true};
			return;
		}
		t->p = p;
	}
	memcpy(t->p + t->len, s, n);
	t->len += n;
	t->p[t->len] = '\0';
}

void sl_text_say(struct sl_text *t, const char *s)
{
	sl_text_add(t, s, strlen(s));
}

void sl_text_fini(struct sl_text *t)
{
	free(t->p);
	*t = (struct sl_text){0};
}

bool sl_turn_is_over(const struct sl_turn *t, const struct sl_text *out)
{
	return out->len >= t->len_max || out->failed ||
	       (t->end_ns != UINT64_MAX && sl_now_ns() >= t->end_ns);
}
