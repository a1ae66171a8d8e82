/* SPDX-License-Identifier: BSD-3-Clause */
#include "stages.h"

#include <string.h>

#include <rte_cycles.h>

#include "counters.h"

static const char *const names[] = {
#define NAME(name, text) [SL_STAGE_##name] = text,
	SL_STAGE_LIST(NAME)
#undef NAME
};

const char *sl_stage_name(enum sl_stage stage)
{
	return stage < SL_STAGE_COUNT ? names[stage] : NULL;
}

void sl_stages_time(struct sl_stages *s, uint64_t start)
{
	s->until = SL_STAGE_STRIDE;
	s->timed = true;
	s->last = start;
	memset(s->burst, 0, sizeof(s->burst));
}

void sl_stages_add(struct sl_stages *s, enum sl_stage stage, unsigned int n)
{
	uint64_t now = rte_rdtsc();

	s->burst[stage].cycles += now - s->last;
	s->burst[stage].packets += n;
	s->last = now;
}

void sl_stages_finish(struct sl_stages *s, unsigned int n, uint64_t cycles)
{
	sl_stages_add(s, SL_STAGE_TRANSMIT, n);
	s->timed = false;
	if (cycles > SL_STAGE_CYCLES_MAX)
		return;
	sl_count(&s->bursts, 1);
	for (unsigned int i = 0; i < SL_STAGE_COUNT; i++) {
		sl_count(&s->cycles[i], s->burst[i].cycles);
		sl_count(&s->packets[i], s->burst[i].packets);
	}
}
