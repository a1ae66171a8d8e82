/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sys/mman.h>

#include "flow_internal.h"

/* The words of a record that follow from the keys of a pair with two. */
enum {
	WORDS = sizeof(struct sl_rewrite) / 8,
	TUPLE = 2, /* from this word on */
};
_Static_assert(offsetof(struct sl_rewrite, sum_l3) == 8 * TUPLE, "macs, what and sum_ip before");
_Static_assert(offsetof(struct sl_rewrite, src) % 8 == 0, "copied in words");

/*
 * Address space only: a page comes with the first connection on it that has a record. Small pages:
 * a worker waits while the kernel clears one.
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

bool sl_flow_fits_two6(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_key6 *k)
{
	struct sl_key6 there = sl_flow_two_key6(t, sl_flow_index_in(t, f));

	return memcmp(&there, k, sizeof(there)) == 0;
}

bool sl_flow_record(const struct sl_flow_table *t, const struct sl_flow *f,
	const struct sl_action *act, struct sl_rewrite *to)
{
	uint32_t begun = sl_seq_begin_read(&f->seq);
	struct sl_action now = sl_flow_load_act(f);
	struct sl_rewrite r = load(&t->rewrite[sl_flow_index_in(t, f)]);

	if (sl_seq_is_writing(begun) || !sl_seq_is_unchanged(&f->seq, begun))
		return false;
	/* The state machine may have changed this flag, outside of the sequence lock. */
	now.flags = (uint8_t)((now.flags & ~SL_ACT_TRACK) | (act->flags & SL_ACT_TRACK));
	if (memcmp(&now, act, sizeof(now)) != 0)
		return false;
	*to = r;
	return true;
}

void sl_flow_prefetch_record(const struct sl_flow_table *t, const struct sl_flow *f)
{
	rte_prefetch0(&t->rewrite[sl_flow_index_in(t, f)]);
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
