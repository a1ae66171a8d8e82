/* SPDX-License-Identifier: BSD-3-Clause */
#include "tx_slots.h"

#include "dp/worker/worker.h"

enum {
	STILL_LOOKS = 2,
	/* after this time, refused frames are tried again */
	KNOWN_TICKS = 10 * SL_TICKS_PER_SECOND,
};

static uint32_t count_waiting(const struct sl_tx_slots *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++)
		n += sl_tx_slot_waits(sl_tx_slot(s, i));
	return n;
}

bool sl_tx_slots_stuck(
	struct sl_tx_watch *w, const struct sl_tx_slots *s, uint64_t given, uint64_t turned_away)
{
	uint32_t waiting = count_waiting(s);
	int64_t taken = (int64_t)(w->waiting + (given - w->given)) - (int64_t)waiting;
	bool asked = given != w->given || (waiting == s->n && turned_away != w->turned_away);

	if (waiting == 0 || taken > 0)
		w->n_still = 0;
	else if (asked && w->waiting > 0)
		w->n_still++;
	w->given = given;
	w->turned_away = turned_away;
	w->waiting = waiting;
	return w->n_still >= STILL_LOOKS;
}

/* Waiting slots are consecutive, and the kernel is at the first; 0: all slots wait. */
static uint32_t length_at_kernel(const struct sl_tx_slots *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct tpacket2_hdr *h = sl_tx_slot(s, i);

		if (sl_tx_slot_waits(h) && !sl_tx_slot_waits(sl_tx_slot(s, (i + s->n - 1) % s->n)))
			return __atomic_load_n(&h->tp_len, __ATOMIC_RELAXED);
	}
	return 0;
}

static unsigned int bury_from(struct sl_tx_watch *w, const struct sl_tx_slots *s, uint32_t len)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		struct tpacket2_hdr *h = sl_tx_slot(s, i);

		if (!sl_tx_slot_waits(h) || __atomic_load_n(&h->tp_len, __ATOMIC_RELAXED) < len)
			continue;
		sl_tx_slot_bury(h);
		n++;
	}
	w->waiting -= n < w->waiting ? n : w->waiting;
	return n;
}

unsigned int sl_tx_slots_refuse(struct sl_tx_watch *w, const struct sl_tx_slots *s, uint32_t tick)
{
	uint32_t len = length_at_kernel(s);

	w->n_still = 0;
	if (len > 0) {
		w->refused_len = w->until != 0 && w->refused_len < len ? w->refused_len : len;
		w->until = tick + KNOWN_TICKS;
	}
	return bury_from(w, s, len);
}

unsigned int sl_tx_slots_weed(struct sl_tx_watch *w, const struct sl_tx_slots *s, uint32_t tick)
{
	if (w->until == 0)
		return 0;
	if ((int32_t)(tick - w->until) >= 0) {
		w->until = 0;
		return 0;
	}
	return bury_from(w, s, w->refused_len);
}
