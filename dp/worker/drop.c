/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <pthread.h>

#include "counters.h"

struct reason {
	const char *name, *text, *anchor;
};

static const struct reason reasons[SL_DROP_COUNT] = {
#define X(id, what, runbook) [SL_DROP_##id] = {#id, what, runbook},
	SL_DROP_LIST(X)
#undef X
};

static char lower_names[SL_DROP_COUNT][40];
static pthread_once_t lower_once = PTHREAD_ONCE_INIT;

static void lower_all(void)
{
	for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
		for (unsigned int i = 0;
			reasons[r].name[i] != '\0' && i < sizeof(lower_names[r]) - 1; i++)
			lower_names[r][i] = (char)tolower((unsigned char)reasons[r].name[i]);
}

const char *sl_drop_name(enum sl_drop reason)
{
	if (reason == SL_KEEP || reason >= SL_DROP_COUNT)
		return NULL;
	pthread_once(&lower_once, lower_all);
	return lower_names[reason];
}

const char *sl_drop_text(enum sl_drop reason)
{
	return reason < SL_DROP_COUNT ? reasons[reason].text : NULL;
}

const char *sl_drop_anchor(enum sl_drop reason)
{
	return reason < SL_DROP_COUNT ? reasons[reason].anchor : NULL;
}
