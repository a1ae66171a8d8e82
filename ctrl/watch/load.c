/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"

void sl_load_sample(struct sl_load_meter *l, struct sl_engine *engine)
{
	uint32_t tick = sl_engine_tick(engine);

	if (tick - l->tick < SL_TICKS_PER_SECOND)
		return;
	l->tick = tick;
	for (unsigned int i = 0; i < sl_engine_n_workers(engine); i++) {
		const struct sl_counters *c = &sl_engine_worker(engine, i)->counters;
		uint64_t received = sl_counter_read(&c->received);
		uint64_t busy = sl_counter_read(&c->busy_cycles);
		uint64_t idle = sl_counter_read(&c->idle_cycles);
		uint64_t packets = received - l->worker[i].received;
		uint64_t worked = busy - l->worker[i].busy;
		uint64_t all = worked + idle - l->worker[i].idle;

		l->worker[i].load.cycles_per_packet =
			packets > 0 ? (double)worked / (double)packets : 0;
		l->worker[i].load.busy_percent = all > 0 ? 100.0 * (double)worked / (double)all : 0;
		l->worker[i].received = received;
		l->worker[i].busy = busy;
		l->worker[i].idle = idle;
	}
}
