/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sys/mman.h>

#include "flow_internal.h"

/* The words of a record that follow from the keys of a pair with two. */
enum {
	WORDS = sizeof(struct sl_rewrite) / 8,
	TUPLE = 2, /* from this word on */
};
enum {
	PAIRS_A_PAGE = 4096 / (2 * sizeof(struct sl_rewrite)),
	AHEAD_A_TURN =
		512 * PAIRS_A_PAGE, /* 2 MiB: less than a millisecond of the control thread */
	AHEAD_MOST = 2048 * PAIRS_A_PAGE,
};
_Static_assert(offsetof(struct sl_rewrite, sum_l3) == 8 * TUPLE, "macs, what and sum_ip before");
_Static_assert(offsetof(struct sl_rewrite, src) % 8 == 0, "copied in words");

/*
 * Address space only: a page comes with the first connection on it that has a record, or a little
 * before (sl_flow_rewrites_ahead). Small pages: a worker may have to wait while the kernel clears one.
 */
int sl_flow_rewrites_create(struct sl_flow_table *t)
{
	size_t len = 2 * ((size_t)t->n_pairs + 1) * sizeof(*t->rewrite);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	madvise(p, len, MADV_NOHUGEPAGE);
	t->rewrite = p;
	t->rewrite_len = len;
	return 0;
}

void sl_flow_rewrites_destroy(struct sl_flow_table *t)
{
	if (t->rewrite != NULL)
		munmap(t->rewrite, t->rewrite_len);
}

void sl_flow_rewrites_ahead(struct sl_flow_table *t)
{
	uint32_t high, from, to;

	if (!atomic_load_explicit(&t->one_way.two_keys, memory_order_relaxed))
		return;
	high = sl_flow_pairs_high(t);
	from = RTE_MAX(t->ctl.rewrites, high) / PAIRS_A_PAGE * PAIRS_A_PAGE;
	to = RTE_MIN(RTE_MIN(from + AHEAD_A_TURN, high + AHEAD_MOST), t->n_pairs);
	if (to <= t->ctl.rewrites)
		return;
	/* Without it, a worker gets the page when it writes the first record there. */
	madvise(&t->rewrite[2 * (size_t)from], 2 * (size_t)(to - from) * sizeof(*t->rewrite),
		MADV_POPULATE_WRITE);
	t->ctl.rewrites = to;
}

static void store(
	struct sl_rewrite *to, const struct sl_rewrite *r, unsigned int from, unsigned int end)
{
	for (unsigned int i = from; i < end; i++)
		sl_seq_store64((uint64_t *)to + i, (const uint64_t *)r + i);
}

static struct sl_rewrite load(const struct sl_rewrite *from)
{
	struct sl_rewrite r;
	uint64_t w[WORDS];

	for (unsigned int i = 0; i < WORDS; i++)
		w[i] = sl_seq_load64((const uint64_t *)from + i);
	memcpy(&r, w, sizeof(r));
	return r;
}

static bool has_two_ip6_keys(const struct sl_conn *c)
{
	return (sl_conn_form(c) & (SL_FORM_TWO_KEYS | SL_FORM_IP4)) == SL_FORM_TWO_KEYS;
}

void sl_flow_write_rewrite(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_rewrite *r)
{
	bool fixed = has_two_ip6_keys(sl_flow_conn_in(t, f));

	store(&t->rewrite[sl_flow_index_in(t, f)], r, 0, fixed ? TUPLE : WORDS);
}

void sl_flow_write_keys6(struct sl_flow_table *t, uint32_t pair, const struct sl_key6 *key,
	const struct sl_key6 *reply, const struct sl_rewrite *const rewrite[2])
{
	const struct sl_key6 *becomes[2] = {reply, key}; /* reversed */

	for (unsigned int d = 0; d < 2; d++) {
		struct sl_rewrite r = {.what = 0};

		if (rewrite[d] != NULL)
			r = *rewrite[d];
		memcpy(r.src.b, becomes[d]->dst, 16);
		memcpy(r.dst.b, becomes[d]->src, 16);
		r.sport_be = becomes[d]->dport_be;
		r.dport_be = becomes[d]->sport_be;
		r.network = sl_key_network(becomes[d]->net_proto);
		store(&t->rewrite[2 * (size_t)pair + d], &r, 0, WORDS);
	}
	sl_seq_store64(t->entry[2 * (size_t)pair + 1].source, reply->src);
	sl_seq_store64(t->entry[2 * (size_t)pair + 1].source + 8, reply->src + 8);
}

/* What the other direction's packets become, reversed: the key of entry `index` but for its source
 * address. */
struct sl_key6 sl_flow_two_key6(const struct sl_flow_table *t, uint32_t index)
{
	struct sl_rewrite back = load(&t->rewrite[index ^ 1]);
	struct sl_key6 k = {.sport_be = back.dport_be,
		.dport_be = back.sport_be,
		.net_proto = sl_key_net_proto(back.network, sl_conn_proto(&t->conn[index / 2])),
		.zero = 0};

	memcpy(k.src, back.dst.b, 16);
	memcpy(k.dst, back.src.b, 16);
	return k;
}

bool sl_flow_record(const struct sl_flow_table *t, const struct sl_flow *f,
	const struct sl_action *act, struct sl_rewrite *to)
{
	return sl_flow_record_in(t, f, act, to);
}

static bool has_key4(const struct sl_flow *f, const struct sl_key4 *k)
{
	struct sl_key4 there = sl_flow_entry_key4(f);

	return memcmp(&there, k, sizeof(there)) == 0;
}

bool sl_flow_has_reply4(
	const struct sl_flow_table *t, struct sl_flow *f, const struct sl_key4 *reply)
{
	const struct sl_conn *c = sl_flow_conn_in(t, f);

	return sl_conn_is_ip4(c) && has_key4(sl_flow_other(f), reply);
}

bool sl_flow_has_reply6(
	const struct sl_flow_table *t, struct sl_flow *f, const struct sl_key6 *reply)
{
	struct sl_key6 there;

	if (sl_conn_is_ip4(sl_flow_conn_in(t, f)))
		return false;
	there = sl_flow_entry_key6(t, sl_flow_index_in(t, f) ^ 1);
	return memcmp(&there, reply, sizeof(there)) == 0;
}

void sl_flow_abandon(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f, uint32_t tick)
{
	struct sl_conn *c = sl_flow_conn_in(t, f);
	struct sl_flow *side[2] = {f, sl_flow_other(f)};

	if (!sl_conn_trylock(c, (uint8_t)(worker + 1)))
		return;
	for (unsigned int d = 0; d < 2; d++) {
		sl_flow_forget(side[d]);
		/* Longer ago than any timeout: ageing removes it with its next look. */
		__atomic_store_n(&side[d]->last_seen, tick - SL_FLOW_LONG_AGO, __ATOMIC_RELAXED);
	}
	sl_conn_unlock(c);
}
