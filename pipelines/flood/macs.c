/* SPDX-License-Identifier: BSD-3-Clause */
#include "macs.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "dp/lib/hash.h"
#include "pipelines/key/key_dp.h"

enum {
	BUCKET = 8,
	MOVES = 64,	   /* that a worker can note before control looks */
	REFRESH_TICKS = 10 /* a value is written again when it is older than that */
};

struct entry {
	_Atomic(uint64_t) key;	 /* MAC, and the network in the top 16 bits; 0: free */
	_Atomic(uint64_t) value; /* place << 32 | tick; 0: none yet, or no longer */
};

/* One writer, a worker; one reader, control. */
struct moves {
	_Atomic(uint32_t) head, tail;
	struct sl_mac_move move[MOVES];
};

struct sl_macs {
	_Atomic(uint64_t) refused;
	_Atomic(uint32_t) network[SL_NETWORKS_MAX]; /* entries of each */
	_Atomic(uint32_t) port[SL_PORTS_MAX];
	struct moves moves[SL_WORKERS_MAX];
	struct entry entry[SL_MACS_MAX];
};
_Static_assert(SL_NETWORKS_MAX <= 1u << 16, "a network fits into the key");

struct sl_macs *sl_macs_create(void)
{
	return calloc(1, sizeof(struct sl_macs)); /* the kernel gives pages when they are used */
}

void sl_macs_destroy(struct sl_macs *m)
{
	free(m);
}

static uint64_t key_of(uint32_t network, const struct sl_mac *mac)
{
	uint64_t k = 0;

	memcpy(&k, mac->b, sizeof(mac->b));
	return k | (uint64_t)network << 48;
}

/* No sender can choose MACs that share a bucket. */
static struct entry *bucket_of(struct sl_macs *m, uint64_t key)
{
	uint64_t h = sl_hash_fold(key ^ sl_key_seeds.s[1], sl_key_seeds.s[2] | 1);

	return &m->entry[(h ^ h >> 32) % (SL_MACS_MAX / BUCKET) * BUCKET];
}

static uint64_t value_of(uint32_t origin, uint32_t tick)
{
	/* Never 0: the first second after the start counts as its second tick. */
	return (uint64_t)origin << 32 | (tick != 0 ? tick : 1);
}

/* The entry of the key, and its value. NULL: none. */
static struct entry *find(struct sl_macs *m, uint64_t key, uint64_t *value)
{
	struct entry *b = bucket_of(m, key);

	for (unsigned int i = 0; i < BUCKET; i++) {
		if (atomic_load_explicit(&b[i].key, memory_order_acquire) != key)
			continue;
		*value = atomic_load_explicit(&b[i].value, memory_order_acquire);
		/* Has it become another MAC's in between? */
		if (atomic_load_explicit(&b[i].key, memory_order_relaxed) == key)
			return &b[i];
	}
	return NULL;
}

bool sl_macs_find(struct sl_macs *m, uint32_t network, const struct sl_mac *mac, uint32_t *origin)
{
	uint64_t value;

	if (find(m, key_of(network, mac), &value) == NULL || value == 0)
		return false;
	*origin = (uint32_t)(value >> 32);
	return true;
}

/* The bound of a port; nodes have none but their networks'. */
static bool take_place(struct sl_macs *m, uint32_t origin)
{
	_Atomic(uint32_t) *n = &m->port[sl_origin_port(origin) % SL_PORTS_MAX];

	if (origin & SL_ORIGIN_NODE)
		return true;
	if (atomic_fetch_add_explicit(n, 1, memory_order_relaxed) < SL_MACS_A_PORT)
		return true;
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
	return false;
}

static void leave_place(struct sl_macs *m, uint32_t origin)
{
	if (!(origin & SL_ORIGIN_NODE))
		atomic_fetch_sub_explicit(
			&m->port[sl_origin_port(origin) % SL_PORTS_MAX], 1, memory_order_relaxed);
}

static bool take_network(struct sl_macs *m, uint32_t network)
{
	if (atomic_fetch_add_explicit(&m->network[network], 1, memory_order_relaxed) <
		SL_MACS_A_NETWORK)
		return true;
	atomic_fetch_sub_explicit(&m->network[network], 1, memory_order_relaxed);
	return false;
}

static void note_move(struct sl_macs *m, unsigned int worker, const struct sl_mac_move *move)
{
	struct moves *q = &m->moves[worker];
	uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	/* A storm of moves is one piece of news. */
	if (head - atomic_load_explicit(&q->tail, memory_order_acquire) == MOVES)
		return;
	q->move[head % MOVES] = *move;
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
}

/* The key has an entry. */
static bool see_again(struct sl_macs *m, unsigned int worker, struct entry *e, uint64_t value,
	const struct sl_mac_move *seen)
{
	uint32_t was = (uint32_t)(value >> 32);
	uint64_t now = value_of(seen->to, seen->tick);
	struct sl_mac_move move = *seen;

	if (value == 0) /* another worker is about to fill it, or control to free it */
		return true;
	if (was == seen->to) {
		if (seen->tick - (uint32_t)value >= REFRESH_TICKS)
			(void)atomic_compare_exchange_strong_explicit(
				&e->value, &value, now, memory_order_release, memory_order_relaxed);
		return true;
	}
	if (!take_place(m, seen->to))
		return false;
	if (!atomic_compare_exchange_strong_explicit(
		    &e->value, &value, now, memory_order_release, memory_order_relaxed)) {
		leave_place(m, seen->to);
		return true;
	}
	leave_place(m, was);
	move.from = was;
	note_move(m, worker, &move);
	return true;
}

/* Takes a free entry; false: there is none. */
static bool add(struct sl_macs *m, uint64_t key, uint64_t value)
{
	struct entry *b = bucket_of(m, key);

	for (unsigned int i = 0; i < BUCKET; i++) {
		uint64_t none = 0;

		if (!atomic_compare_exchange_strong_explicit(
			    &b[i].key, &none, key, memory_order_acq_rel, memory_order_acquire)) {
			if (none == key)
				return false; /* another worker has been faster */
			continue;
		}
		atomic_store_explicit(&b[i].value, value, memory_order_release);
		return true;
	}
	atomic_fetch_add_explicit(&m->refused, 1, memory_order_relaxed);
	return false;
}

bool sl_macs_learn(struct sl_macs *m, unsigned int worker, uint32_t network,
	const struct sl_mac *mac, uint32_t origin, uint32_t tick)
{
	const struct sl_mac_move seen = {
		.network = network, .to = origin, .tick = tick, .mac = *mac};
	uint64_t key = key_of(network, mac), value = 0;
	struct entry *e = find(m, key, &value);

	if (e != NULL)
		return see_again(m, worker, e, value, &seen);
	if (take_place(m, origin)) {
		if (take_network(m, network)) {
			if (add(m, key, value_of(origin, tick)))
				return true;
			atomic_fetch_sub_explicit(&m->network[network], 1, memory_order_relaxed);
			leave_place(m, origin);
			return sl_macs_find(m, network, mac, &origin);
		}
		leave_place(m, origin);
	}
	atomic_fetch_add_explicit(&m->refused, 1, memory_order_relaxed);
	return false;
}

bool sl_macs_read(const struct sl_macs *m, uint32_t at, struct sl_mac_row *row)
{
	const struct entry *e = &m->entry[at];
	uint64_t key = atomic_load_explicit(&e->key, memory_order_acquire);
	uint64_t value = atomic_load_explicit(&e->value, memory_order_acquire);

	if (key == 0 || value == 0)
		return false;
	*row = (struct sl_mac_row){.network = (uint32_t)(key >> 48),
		.origin = (uint32_t)(value >> 32),
		.tick = (uint32_t)value};
	memcpy(row->mac.b, &key, sizeof(row->mac.b));
	return true;
}

/* The value goes first: no worker changes an entry whose value is 0. */
void sl_macs_forget(struct sl_macs *m, uint32_t at, const struct sl_mac_row *row)
{
	struct entry *e = &m->entry[at];
	uint64_t value = (uint64_t)row->origin << 32 | row->tick;

	if (!atomic_compare_exchange_strong_explicit(
		    &e->value, &value, 0, memory_order_acq_rel, memory_order_relaxed))
		return;
	leave_place(m, row->origin);
	atomic_fetch_sub_explicit(&m->network[row->network], 1, memory_order_relaxed);
	atomic_store_explicit(&e->key, 0, memory_order_release);
}

uint32_t sl_macs_of_network(const struct sl_macs *m, uint32_t network)
{
	return atomic_load_explicit(&m->network[network], memory_order_relaxed);
}

uint64_t sl_macs_refused(const struct sl_macs *m)
{
	return atomic_load_explicit(&m->refused, memory_order_relaxed);
}

bool sl_macs_next_move(struct sl_macs *m, struct sl_mac_move *move)
{
	for (unsigned int w = 0; w < SL_WORKERS_MAX; w++) {
		struct moves *q = &m->moves[w];
		uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

		if (atomic_load_explicit(&q->head, memory_order_acquire) == tail)
			continue;
		*move = q->move[tail % MOVES];
		atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
		return true;
	}
	return false;
}
