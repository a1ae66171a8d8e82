/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

const struct sl_turn sl_turn_endless = {.end_ns = UINT64_MAX, .len_max = SIZE_MAX};

void sl_text_add(struct sl_text *t, const char *s, size_t n)
{
	if (t->failed)
		return;
	if (t->len + n + 1 > t->room) {
		size_t room = 2 * t->room + n + 1;
		char *p = realloc(t->p, room);

		if (p == NULL) {
			free(t->p);
			*t = (struct sl_text){.failed = true};
			return;
		}
		t->p = p;
		t->room = room;
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

uint64_t sl_turn_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool sl_turn_is_over(const struct sl_turn *t, const struct sl_text *out)
{
	return out->len >= t->len_max || out->failed ||
	       (t->end_ns != UINT64_MAX && sl_turn_now_ns() >= t->end_ns);
}
