/* SPDX-License-Identifier: BSD-3-Clause */
#include "macs.h"

#include <stdio.h>

#include "ctrl/objects/networks.h"
#include "names.h"
#include "notices.h"
#include "pipelines/flood/flood_dp.h"
#include "running.h"

#define LINES  4u
#define PERIOD (10u * SL_TICKS_PER_SECOND)
#define RECENT (60u * SL_TICKS_PER_SECOND)

/* Is the entry still right? Ports and nodes leave networks, and endpoints get MACs of their own. */
static bool is_kept(
	const struct sl_running *run, const struct sl_world *w, const struct sl_mac_row *row)
{
	const struct sl_flood *f = sl_flood_of(w, row->network);
	const struct sl_object *o = sl_store_by_id(run->store, SL_COLL_NETWORKS, row->network);
	uint32_t origin;

	if (o == NULL || f == NULL || !sl_flood_has(f, row->origin) ||
		sl_flood_origin_of(w, row->network, &row->mac, &origin))
		return false;
	return sl_engine_tick(run->engine) - row->tick <=
	       ((const struct sl_network_obj *)o)->mac_ageing * SL_TICKS_PER_SECOND;
}

static void forget_old(struct sl_mac_watch *w, const struct sl_running *run)
{
	const struct sl_world *world =
		atomic_load_explicit(&run->pipeline->world, memory_order_relaxed);

	for (uint32_t end = w->at + SL_MACS_PORTION; w->at < end; w->at++) {
		struct sl_mac_row row;

		if (sl_macs_read(run->pipeline->macs, w->at, &row) && !is_kept(run, world, &row))
			sl_macs_forget(run->pipeline->macs, w->at, &row);
	}
	w->at %= SL_MACS_MAX;
}
_Static_assert(SL_MACS_MAX % SL_MACS_PORTION == 0, "portions end with the table");

static void report_move(
	struct sl_mac_watch *w, const struct sl_running *run, const struct sl_mac_move *m)
{
	char line[3 * SL_NAME_LEN + 160], mac[SL_MAC_STR_LEN];

	w->recent[w->moves++ % SL_MAC_MOVES_KEPT] = *m;
	if (!sl_log_limit_pass(&w->limit, LINES, PERIOD, m->tick))
		return;
	snprintf(line, sizeof(line), "network %s: MAC %s moved from %s to %s",
		sl_name_of_network(run, m->network), sl_format_mac(&m->mac, mac),
		sl_name_of_origin(run, m->from), sl_name_of_origin(run, m->to));
	run->log(line);
}

void sl_mac_watch_tick(struct sl_mac_watch *w, const struct sl_running *run)
{
	struct sl_mac_move move;

	for (unsigned int n = 0; n < 64 && sl_macs_next_move(run->pipeline->macs, &move); n++)
		report_move(w, run, &move);
	forget_old(w, run);
}

/* The last move of each network within the last minute. */
void sl_notice_mac_moved(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	const struct sl_mac_watch *w = f->run != NULL ? f->run->macs : NULL;
	uint64_t first =
		w != NULL && w->moves > SL_MAC_MOVES_KEPT ? w->moves - SL_MAC_MOVES_KEPT : 0;
	char mac[SL_MAC_STR_LEN];

	for (uint64_t n = w != NULL ? w->moves : 0; n > first; n--) {
		const struct sl_mac_move *m = &w->recent[(n - 1) % SL_MAC_MOVES_KEPT];
		bool told = false;

		for (uint64_t k = n; k < w->moves; k++)
			told |= w->recent[k % SL_MAC_MOVES_KEPT].network == m->network;
		if (told || sl_engine_tick(f->run->engine) - m->tick > RECENT)
			continue;
		sl_notice_put(to, "networks", sl_name_of_network(f->run, m->network),
			"normal when a host moves; again and again it is two hosts with one MAC, "
			"or a "
			"loop behind the ports",
			"MAC %s was seen at %s, and before that at %s", sl_format_mac(&m->mac, mac),
			sl_name_of_origin(f->run, m->to), sl_name_of_origin(f->run, m->from));
	}
}
