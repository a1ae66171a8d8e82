/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "flow_internal.h"

struct sl_flow_seeds sl_flow_seeds;

/* Once a process: rte_hash keeps signatures, so they must mean the same for a table's whole life.
 */
static int seed_once(void)
{
	static const struct sl_flow_seeds none;
	struct sl_flow_seeds s;

	if (memcmp(&sl_flow_seeds, &none, sizeof(none)) != 0)
		return 0;
	if (getrandom(&s, sizeof(s), 0) != sizeof(s))
		return -errno;
	sl_flow_seeds = s;
	return 0;
}

/*
 * A hash that always has room for n keys: buckets for four thirds of them at least (cuckoo
 * insertion does not fail below nine tenths), key slots for n. rte_hash rounds the buckets, not the
 * slots, up to a power of two, hence the value just above half of one.
 */
static struct rte_hash *create_hash(
	const char *family, unsigned int serial, uint32_t n, uint32_t key_len, int socket)
{
	char name[RTE_HASH_NAMESIZE];
	uint32_t buckets = rte_align32pow2(RTE_MAX(n + n / 3, 64u));
	struct rte_hash_parameters p = {.name = name,
		.entries = RTE_MAX(n, buckets / 2 + 1),
		.key_len = key_len,
		.socket_id = socket,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF |
			      RTE_HASH_EXTRA_FLAGS_MULTI_WRITER_ADD};

	snprintf(name, sizeof(name), "flow%s_%u", family, serial);
	return rte_hash_create(&p);
}

static int create_memory(struct sl_flow_table *t, uint32_t n_pairs, unsigned int serial, int socket)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "flow_free_%u", serial);
	t->n_pairs = n_pairs;
	t->hash4 = create_hash("4", serial, 2 * n_pairs, sizeof(struct sl_key4), socket);
	t->hash6 = create_hash("6", serial, 2 * n_pairs, sizeof(struct sl_key6), socket);
	t->free = rte_ring_create_elem(
		name, sizeof(uint32_t), rte_align32pow2(n_pairs + 1), socket, 0);
	/* 128: a pair side by side in two lines of their own, so that sl_flow_other is one bit. */
	t->entry = rte_zmalloc_socket(
		"flow_entry", 2 * (size_t)n_pairs * sizeof(*t->entry), 128, socket);
	t->counts = rte_zmalloc_socket("flow_counts", 2 * (size_t)n_pairs * sizeof(*t->counts),
		RTE_CACHE_LINE_SIZE, socket);
	t->conn = rte_zmalloc_socket("flow_conn", (size_t)n_pairs * sizeof(*t->conn), 128, socket);
	t->stripe =
		rte_zmalloc_socket("flow_stripe", SL_FLOW_STRIPES * sizeof(*t->stripe), 0, socket);
	if (t->hash4 == NULL || t->hash6 == NULL || t->free == NULL || t->entry == NULL ||
		t->counts == NULL || t->conn == NULL || t->stripe == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_pairs; i++)
		rte_ring_enqueue_elem(t->free, &i, sizeof(i));
	return 0;
}

struct sl_flow_table *sl_flow_table_create(
	uint32_t max_flows, unsigned int n_workers, int socket, struct sl_rcu *rcu)
{
	static unsigned int serial;
	struct sl_flow_table *t;
	int err;

	if (max_flows < 2 || max_flows > SL_FLOWS_MAX || n_workers == 0 ||
		n_workers > SL_WORKERS_MAX || rte_lcore_id() == LCORE_ID_ANY) {
		errno = EINVAL;
		return NULL;
	}
	err = seed_once();
	if (err != 0) {
		errno = -err;
		return NULL;
	}
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
	return t;
}

void sl_flow_table_destroy(struct sl_flow_table *t)
{
	if (t == NULL)
		return;
	rte_hash_free(t->hash4);
	rte_hash_free(t->hash6);
	rte_ring_free(t->free);
	rte_free(t->entry);
	rte_free(t->counts);
	rte_free(t->conn);
	rte_free(t->stripe);
	rte_free(t);
}

uint32_t sl_flow_table_used(const struct sl_flow_table *t)
{
	uint64_t connections = 0;

	for (unsigned int i = 0; i < t->n_workers; i++)
		connections += sl_counter_read(&t->worker[i].installed);
	return (uint32_t)(2 * (connections - t->ctl.removed)) + t->ctl.programmed;
}

uint32_t sl_flow_table_capacity(const struct sl_flow_table *t)
{
	return 2 * t->n_pairs;
}

void sl_flow_stats(const struct sl_flow_table *t, struct sl_flow_stats *s)
{
	s->aged = t->ctl.aged;
	s->table_full = t->ctl.full;
	for (unsigned int i = 0; i < t->n_workers; i++)
		s->table_full += sl_counter_read(&t->worker[i].full);
}

struct sl_flow *sl_flow_entry(const struct sl_flow_table *t, uint32_t index)
{
	return &t->entry[index];
}

struct sl_flow_counts *sl_flow_counts(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return &t->counts[sl_flow_index(t, f)];
}

uint32_t sl_flow_index(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return (uint32_t)(f - t->entry);
}

struct sl_conn *sl_flow_conn(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return &t->conn[sl_flow_index(t, f) / 2];
}

struct sl_flow_key sl_flow_key4(const struct sl_flow_table *t, const struct sl_key4 *k)
{
	return (struct sl_flow_key){.table = t->hash4, .hash = sl_key4_hash(k), .k4 = *k};
}

struct sl_flow_key sl_flow_key6(const struct sl_flow_table *t, const struct sl_key6 *k)
{
	return (struct sl_flow_key){.table = t->hash6, .hash = sl_key6_hash(k), .k6 = *k};
}

struct sl_flow_key sl_flow_conn_key(
	const struct sl_flow_table *t, const struct sl_conn *c, unsigned int direction)
{
	struct sl_flow_key k = {.hash = c->hash[direction]};

	if (c->v4) {
		struct sl_key4 k4 = sl_key4_from6(&c->key);

		k.table = t->hash4;
		k.k4 = direction == 0 ? k4 : sl_key4_reverse(&k4);
	} else {
		k.table = t->hash6;
		k.k6 = direction == 0 ? c->key : sl_key6_reverse(&c->key);
	}
	return k;
}

/* The data of a key: its entry's index + 1, for rte_hash takes no NULL apart from an absent one. */
static void *data_of(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return (void *)((uintptr_t)sl_flow_index(t, f) + 1);
}

static struct sl_flow *find(const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	void *data;

	if (rte_hash_lookup_with_hash_data(k->table, &k->k4, k->hash, &data) < 0)
		return NULL;
	return &t->entry[(uintptr_t)data - 1];
}

struct sl_flow *sl_flow_find4(struct sl_flow_table *t, const struct sl_key4 *k)
{
	struct sl_flow_key key = sl_flow_key4(t, k);

	return find(t, &key);
}

struct sl_flow *sl_flow_find6(struct sl_flow_table *t, const struct sl_key6 *k)
{
	struct sl_flow_key key = sl_flow_key6(t, k);

	return find(t, &key);
}

/* In bulk because that prefetches all four buckets, which adding the keys will touch next. */
void sl_flow_find_both(
	const struct sl_flow_table *t, const struct sl_flow_key key[2], struct sl_flow *f[2])
{
	const void *keys[2] = {&key[0].k4, &key[1].k4};
	hash_sig_t sigs[2] = {key[0].hash, key[1].hash};
	void *data[2];
	uint64_t found = 0;

	rte_hash_lookup_with_hash_bulk_data(key[0].table, keys, sigs, 2, &found, data);
	for (unsigned int i = 0; i < 2; i++)
		f[i] = found & 1u << i ? &t->entry[(uintptr_t)data[i] - 1] : NULL;
}

bool sl_flow_key_add(
	const struct sl_flow_table *t, const struct sl_flow_key *k, const struct sl_flow *f)
{
	return rte_hash_add_key_with_hash_data(k->table, &k->k4, k->hash, data_of(t, f)) == 0;
}
