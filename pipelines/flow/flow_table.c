/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "flow_internal.h"

static int compare_digests(const void *a, const void *b, size_t len)
{
	(void)len;
	return *(const uint64_t *)a != *(const uint64_t *)b;
}

/*
 * A hash that always has room for n keys, and for half as many second keys where the powers of two
 * allow it. It has buckets for at least four thirds of n, because cuckoo insertion does not fail
 * below nine tenths. rte_hash rounds the buckets, not the slots, up to a power of two. Hence the
 * value just above half of one.
 */
static struct rte_hash *create_hash(unsigned int serial, uint32_t n, int socket)
{
	char name[RTE_HASH_NAMESIZE];
	uint32_t places = rte_align32pow2(RTE_MAX(n + n / 3, 64u));
	uint32_t keys = RTE_MAX(RTE_MIN(n + n / 2, places / 10 * 9), n);
	struct rte_hash_parameters p = {.name = name,
		.entries = RTE_MAX(keys, places / 2 + 1),
		.key_len = sizeof(uint64_t),
		.socket_id = socket,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF |
			      RTE_HASH_EXTRA_FLAGS_MULTI_WRITER_ADD};
	struct rte_hash *hash;

	snprintf(name, sizeof(name), "flow_%u", serial);
	hash = rte_hash_create(&p);
	if (hash != NULL)
		rte_hash_set_cmp_func(hash, compare_digests);
	return hash;
}

static int create_hints(struct sl_hints *f, uint32_t n_pairs, int socket)
{
	uint32_t n = rte_align32pow2(RTE_MAX(n_pairs / 6, (uint32_t)SL_HINT_MIN));

	f->bucket = rte_zmalloc_socket(
		"flow_hint", n * sizeof(*f->bucket), RTE_CACHE_LINE_SIZE, socket);
	f->max_mask = n - 1;
	atomic_init(&f->mask, SL_HINT_MIN - 1);
	return f->bucket != NULL ? 0 : -ENOMEM;
}

static int create_free(struct sl_flow_stack *s, uint32_t n_pairs, int socket)
{
	s->pair = rte_malloc_socket("flow_free", n_pairs * sizeof(*s->pair), 0, socket);
	if (s->pair == NULL)
		return -ENOMEM;
	rte_spinlock_init(&s->lock);
	for (uint32_t i = 0; i < n_pairs; i++)
		s->pair[i] = n_pairs - i;
	atomic_init(&s->n, n_pairs);
	return 0;
}

uint64_t sl_flow_table_least(uint32_t max_flows)
{
	const struct sl_flow_table *t = NULL;
	uint64_t n = max_flows / 2 + 1;

	return n * (2 * (sizeof(*t->entry) + sizeof(*t->counts)) + sizeof(*t->conn) +
			   sizeof(*t->cold) + sizeof(*t->free.pair)) +
	       rte_align32pow2(RTE_MAX(max_flows / 2 / 6, (uint32_t)SL_HINT_MIN)) *
		       (uint64_t)sizeof(*t->hints.bucket);
}

/* Pair 0 exists so that wrong guesses have an entry to look at. */
static int create_memory(struct sl_flow_table *t, uint32_t n_pairs, unsigned int serial, int socket)
{
	size_t n = (size_t)n_pairs + 1;

	t->n_pairs = n_pairs;
	t->hash = create_hash(serial, n_pairs, socket);
	/* 128-byte alignment: a pair is two lines side by side, so sl_flow_other flips one bit. */
	t->entry = rte_zmalloc_socket("flow_entry", 2 * n * sizeof(*t->entry), 128, socket);
	t->counts = rte_zmalloc_socket(
		"flow_counts", 2 * n * sizeof(*t->counts), RTE_CACHE_LINE_SIZE, socket);
	t->conn =
		rte_zmalloc_socket("flow_conn", n * sizeof(*t->conn), RTE_CACHE_LINE_SIZE, socket);
	t->cold =
		rte_zmalloc_socket("flow_cold", n * sizeof(*t->cold), RTE_CACHE_LINE_SIZE, socket);
	t->stripe =
		rte_zmalloc_socket("flow_stripe", SL_FLOW_STRIPES * sizeof(*t->stripe), 0, socket);
	if (t->hash == NULL || t->entry == NULL || t->counts == NULL || t->conn == NULL ||
		t->cold == NULL || t->stripe == NULL ||
		create_hints(&t->hints, n_pairs, socket) != 0 ||
		create_free(&t->free, n_pairs, socket) != 0 ||
		sl_flow_share_create(&t->share, n_pairs, t->conn, t->cold) != 0 ||
		sl_flow_rewrites_create(t) != 0)
		return -ENOMEM;
	return 0;
}

/* DPDK memory in use, on all sockets. */
static size_t memory_in_use(void)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < rte_socket_count(); i++) {
		struct rte_malloc_socket_stats s;

		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &s) == 0)
			sum += s.heap_allocsz_bytes;
	}
	return sum;
}

struct sl_flow_table *sl_flow_table_create(
	uint32_t max_flows, unsigned int n_workers, int socket, struct sl_rcu *rcu)
{
	static unsigned int serial;
	size_t before = memory_in_use();
	struct sl_flow_table *t;
	int err;

	if (max_flows < 2 || max_flows > SL_FLOWS_MAX || n_workers == 0 ||
		n_workers > SL_WORKERS_MAX || rte_lcore_id() == LCORE_ID_ANY) {
		errno = EINVAL;
		return NULL;
	}
	if (!sl_key_seeds_draw())
		return NULL;
	t = rte_zmalloc_socket("flow_table", sizeof(*t) + n_workers * sizeof(t->worker[0]),
		RTE_CACHE_LINE_SIZE, socket);
	if (t == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	t->rcu = rcu;
	t->n_workers = n_workers;
	err = create_memory(t, max_flows / 2, serial++, socket);
	if (err != 0) {
		sl_flow_table_destroy(t);
		errno = -err;
		return NULL;
	}
	t->bytes = memory_in_use() - before;
	return t;
}

void sl_flow_table_destroy(struct sl_flow_table *t)
{
	if (t == NULL)
		return;
	rte_hash_free(t->hash);
	rte_free(t->free.pair);
	rte_free(t->hints.bucket);
	rte_free(t->entry);
	rte_free(t->counts);
	rte_free(t->conn);
	rte_free(t->cold);
	rte_free(t->stripe);
	sl_flow_rewrites_destroy(t);
	sl_flow_share_destroy(&t->share);
	rte_free(t);
}

uint32_t sl_flow_table_used(const struct sl_flow_table *t)
{
	uint64_t connections = 0;

	for (unsigned int i = 0; i < t->n_workers; i++)
		connections += sl_counter_read(&t->worker[i].installed);
	return (uint32_t)(2 * (connections - t->ctl.removed)) + sl_flow_table_programmed(t);
}

uint32_t sl_flow_table_programmed(const struct sl_flow_table *t)
{
	return atomic_load_explicit(&t->one_way.programmed, memory_order_relaxed);
}

uint32_t sl_flow_table_capacity(const struct sl_flow_table *t)
{
	return 2 * t->n_pairs;
}

size_t sl_flow_table_bytes(const struct sl_flow_table *t)
{
	return t->bytes;
}

void sl_flow_stats(const struct sl_flow_table *t, struct sl_flow_stats *s)
{
	s->aged = t->ctl.aged;
	s->table_full = t->ctl.full;
	s->over_share = 0;
	for (unsigned int i = 0; i < t->n_workers; i++) {
		s->table_full += sl_counter_read(&t->worker[i].full);
		s->over_share += sl_counter_read(&t->worker[i].refused);
	}
}

struct sl_flow_counts *sl_flow_counts(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return sl_flow_counts_in(t, f);
}

uint32_t sl_flow_index(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return sl_flow_index_in(t, f);
}

struct sl_conn *sl_flow_conn(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return sl_flow_conn_in(t, f);
}

uint32_t sl_flow_pairs_alloc(struct sl_flow_table *t, uint32_t *pair, uint32_t n)
{
	struct sl_flow_stack *s = &t->free;
	uint32_t left, high;

	/* Once the table is full, workers come here for each new connection. */
	if (atomic_load_explicit(&s->n, memory_order_relaxed) == 0)
		return 0;
	rte_spinlock_lock(&s->lock);
	left = atomic_load_explicit(&s->n, memory_order_relaxed);
	high = atomic_load_explicit(&s->high, memory_order_relaxed);
	n = RTE_MIN(n, left);
	for (uint32_t i = 0; i < n; i++) {
		pair[i] = __atomic_load_n(&s->pair[--left], __ATOMIC_RELAXED);
		high = RTE_MAX(high, pair[i]);
	}
	atomic_store_explicit(&s->n, left, memory_order_relaxed);
	atomic_store_explicit(&s->high, high, memory_order_relaxed);
	rte_spinlock_unlock(&s->lock);
	return n;
}

void sl_flow_pair_free(struct sl_flow_table *t, uint32_t pair)
{
	struct sl_flow_stack *s = &t->free;
	uint32_t n;

	rte_spinlock_lock(&s->lock);
	n = atomic_load_explicit(&s->n, memory_order_relaxed);
	__atomic_store_n(&s->pair[n], pair, __ATOMIC_RELAXED);
	atomic_store_explicit(&s->n, n + 1, memory_order_relaxed);
	rte_spinlock_unlock(&s->lock);
}

uint32_t sl_flow_pairs_high(const struct sl_flow_table *t)
{
	return atomic_load_explicit(&t->free.high, memory_order_relaxed);
}
