/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_internal.h"

/*
 * Maps an IPv6 address and port to 48 bits, the size of an IPv4 address and port. The operands are
 * secret, so that no one outside can find two that collide.
 */
static uint64_t end_of(const uint8_t addr[16], uint16_t port_be)
{
	uint64_t w[2], h;

	memcpy(w, addr, sizeof(w));
	h = sl_hash_fold(w[0] ^ sl_key_seeds.s[0], w[1] ^ sl_key_seeds.s[1]);
	h ^= sl_hash_fold(w[1] ^ sl_key_seeds.s[2], w[0] ^ port_be ^ sl_key_seeds.s[3]);
	return sl_hash_fold(h ^ sl_key_seeds.s[1], port_be ^ sl_key_seeds.s[2]) >> 16;
}

static struct sl_key4 shorten(const struct sl_key6 *k)
{
	uint64_t src = end_of(k->src, k->sport_be), dst = end_of(k->dst, k->dport_be);

	return (struct sl_key4){.src_be = (uint32_t)src,
		.dst_be = (uint32_t)dst,
		.sport_be = (uint16_t)(src >> 32),
		.dport_be = (uint16_t)(dst >> 32),
		.net_proto = k->net_proto | SL_FLOW_ID_IP6};
}

/* The part of an id that rte_hash has. */
static inline void digest(struct sl_flow_key *k)
{
	uint64_t w[2];

	memcpy(w, &k->id, sizeof(w));
	k->digest = sl_hash_fold(w[0] ^ sl_key_seeds.s[0], w[1] ^ sl_key_seeds.s[1]);
	k->hash = (uint32_t)(k->digest ^ k->digest >> 32);
}

/* The id is the key from the lower end. Any order will do, if both directions agree. */
static inline void make_id(struct sl_flow_key *k, const struct sl_key4 *id)
{
	uint64_t src = (uint64_t)id->sport_be << 32 | id->src_be;
	uint64_t dst = (uint64_t)id->dport_be << 32 | id->dst_be;

	k->side = src > dst;
	k->id = k->side != 0 ? sl_key4_reverse(id) : *id;
	digest(k);
}

struct sl_flow_key sl_flow_key4(const struct sl_key4 *k)
{
	struct sl_flow_key r;

	r.v4 = true;
	make_id(&r, k);
	return r;
}

struct sl_flow_key sl_flow_key6(const struct sl_key6 *k)
{
	struct sl_key4 id = shorten(k);
	struct sl_flow_key r;

	r.v4 = false;
	r.k6 = *k;
	make_id(&r, &id);
	return r;
}

struct sl_flow_key sl_flow_key_of(const struct sl_burst *b, unsigned int i)
{
	struct sl_flow_key r;

	if (!(b->meta[i].flags & SL_P_IP4))
		return sl_flow_key6(&b->key6[i]);
	/* In place: a key is long to copy. */
	r.v4 = true;
	make_id(&r, &b->key4[i]);
	return r;
}

struct sl_flow_key sl_flow_key_reverse(const struct sl_flow_key *k)
{
	struct sl_key6 reverse;

	if (k->v4) {
		struct sl_flow_key r = *k;

		r.side = sl_flow_key_is_own_reverse(k) ? 0 : !k->side;
		return r;
	}
	reverse = sl_key6_reverse(&k->k6);
	return sl_flow_key6(&reverse);
}

struct sl_flow_key sl_flow_key_one_way(const struct sl_flow_key *k)
{
	struct sl_flow_key r = *k;

	if (k->side != 0)
		r.id = sl_key4_reverse(&k->id);
	r.side = 0;
	r.id.net_proto |= SL_FLOW_ID_ONE_WAY;
	digest(&r);
	return r;
}

bool sl_flow_key_is_own_reverse(const struct sl_flow_key *k)
{
	if (!k->v4)
		return k->k6.sport_be == k->k6.dport_be &&
		       memcmp(k->k6.src, k->k6.dst, sizeof(k->k6.src)) == 0;
	return k->id.src_be == k->id.dst_be && k->id.sport_be == k->id.dport_be;
}

/* An entry's key or address, as it was stored: in words. */
static void load_key(void *to, const struct sl_flow *f)
{
	uint64_t w[2] = {sl_seq_load64(&f->key), sl_seq_load64((const uint8_t *)&f->key + 8)};

	memcpy(to, w, sizeof(w));
}

struct sl_key4 sl_flow_entry_key4(const struct sl_flow *f)
{
	struct sl_key4 k4;

	load_key(&k4, f);
	return k4;
}

struct sl_key6 sl_flow_entry_key6(const struct sl_flow_table *t, uint32_t index)
{
	struct sl_key6 k;

	if (sl_conn_form(&t->conn[index / 2]) & SL_FORM_TWO_KEYS)
		return sl_flow_two_key6(t, index);
	k = sl_flow_pair_key(t, index / 2);
	return index % 2 != 0 ? sl_key6_reverse(&k) : k;
}

struct sl_key6 sl_flow_pair_key(const struct sl_flow_table *t, uint32_t pair)
{
	const struct sl_conn *c = &t->conn[pair];
	struct sl_key6 k = {.zero = 0};
	struct sl_key4 k4;
	uint64_t rest;

	if (sl_conn_is_ip4(c)) {
		load_key(&k4, &t->entry[2 * pair]);
		return sl_key6_from4(&k4);
	}
	if (sl_conn_form(c) & SL_FORM_TWO_KEYS)
		return sl_flow_two_key6(t, 2 * pair);
	load_key(k.src, &t->entry[2 * pair]);
	load_key(k.dst, &t->entry[2 * pair + 1]);
	rest = __atomic_load_n((const uint64_t *)&c->rest, __ATOMIC_RELAXED);
	memcpy((uint8_t *)&k + offsetof(struct sl_key6, sport_be), &rest, sizeof(rest));
	return k;
}

struct sl_flow_key sl_flow_pair_id(const struct sl_flow_table *t, uint32_t pair)
{
	const struct sl_conn *c = &t->conn[pair];
	struct sl_key6 k6 = sl_flow_pair_key(t, pair);
	struct sl_key4 k4;

	if (!sl_conn_is_ip4(c))
		return sl_flow_key6(&k6);
	k4 = sl_key4_from6(&k6);
	return sl_flow_key4(&k4);
}

bool sl_flow_index_has(const struct sl_flow_table *t, uint32_t index, const struct sl_flow_key *k)
{
	const uint32_t marks = SL_FLOW_ID_IP6 | SL_FLOW_ID_ONE_WAY;
	struct sl_key6 there, wanted;
	struct sl_key4 there4, wanted4;

	if (k->v4 != sl_conn_is_ip4(&t->conn[index / 2]))
		return false;
	if (k->v4) {
		wanted4 = k->id;
		wanted4.net_proto &= ~marks;
		load_key(&there4, &t->entry[index]);
		return memcmp(&there4, &wanted4, sizeof(there4)) == 0;
	}
	/* rte_hash has the index of the entry for side 0 of an id. */
	there = sl_flow_entry_key6(t, index);
	wanted = k->side != 0 ? sl_key6_reverse(&k->k6) : k->k6;
	return memcmp(&there, &wanted, sizeof(there)) == 0;
}

void sl_flow_write_key(
	struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *k, uint8_t form)
{
	struct sl_conn *c = &t->conn[pair];
	struct sl_key4 k4 = k->id, reverse;
	uint64_t w[4], rest;
	struct sl_key6 k6;

	k4.net_proto &= ~(SL_FLOW_ID_IP6 | SL_FLOW_ID_ONE_WAY);
	reverse = sl_key4_reverse(&k4);
	memcpy(w, &k4, sizeof(k4));
	memcpy(w + 2, &reverse, sizeof(reverse));
	memcpy(&rest, (const uint8_t *)&k4 + offsetof(struct sl_key4, sport_be), sizeof(rest));
	if (!k->v4) {
		k6 = k->side != 0 ? sl_key6_reverse(&k->k6) : k->k6;
		memcpy(w, k6.src, 16);
		memcpy(w + 2, k6.dst, 16);
		if (form & SL_FORM_TWO_KEYS)
			k6.net_proto |= SL_REST_TWO_KEYS;
		memcpy(&rest, (const uint8_t *)&k6 + offsetof(struct sl_key6, sport_be),
			sizeof(rest));
	}
	__atomic_store_n((uint64_t *)&c->rest, rest, __ATOMIC_RELAXED);
	atomic_store_explicit(
		&c->form, (uint8_t)(form | (k->v4 ? SL_FORM_IP4 : 0)), memory_order_relaxed);
	for (unsigned int i = 0; i < 4; i++) {
		struct sl_flow *f = &t->entry[2 * pair + i / 2];

		__atomic_store_n((uint64_t *)&f->key + i % 2, w[i], __ATOMIC_RELEASE);
	}
}

void sl_flow_write_key4(struct sl_flow *f, const struct sl_key4 *k)
{
	sl_seq_store64(&f->key, k);
	sl_seq_store64((uint8_t *)&f->key + 8, (const uint8_t *)k + 8);
}

bool sl_flow_key_add(const struct sl_flow_table *t, const struct sl_flow_key *k, uint32_t index)
{
	return rte_hash_add_key_with_hash_data(
		       t->hash, &k->digest, k->hash, (void *)(uintptr_t)index) == 0;
}

uint32_t sl_flow_find_index(const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	void *data;

	if (rte_hash_lookup_with_hash_data(t->hash, &k->digest, k->hash, &data) < 0)
		return 0;
	return (uint32_t)(uintptr_t)data;
}

void sl_flow_find_indices(
	const struct sl_flow_table *t, const struct sl_flow_key *k, unsigned int n, uint32_t *index)
{
	const void *digest[SL_FLOW_KEYS];
	hash_sig_t sig[SL_FLOW_KEYS];
	void *data[SL_FLOW_KEYS];
	uint64_t found = 0;

	for (unsigned int j = 0; j < n; j++) {
		digest[j] = &k[j].digest;
		sig[j] = k[j].hash;
	}
	rte_hash_lookup_with_hash_bulk_data(t->hash, digest, sig, n, &found, data);
	for (unsigned int j = 0; j < n; j++)
		index[j] = found & 1ull << j ? (uint32_t)(uintptr_t)data[j] : 0;
}

/*
 * A current entry may serve its packets: an entry is never current for packets of a one-way id
 * (OWNS). If it is not current, the one-way id goes before.
 */
struct sl_flow *sl_flow_choose_of_both(const struct sl_flow_table *t, const struct sl_flow_key *k,
	uint32_t index, uint32_t one_way)
{
	struct sl_flow *f = index != 0 ? &t->entry[index + k->side] : NULL;
	struct sl_flow_key id;

	if (f != NULL && !sl_flow_index_has(t, index, k))
		f = NULL;
	if (f != NULL && atomic_load_explicit(&f->generation, memory_order_acquire) != 0)
		return f;
	if (one_way != 0) {
		id = sl_flow_key_one_way(k);
		if (sl_flow_index_has(t, one_way, &id))
			return &t->entry[one_way];
	}
	return f != NULL && sl_conn_owns(sl_flow_conn_in(t, f), k->side) ? f : NULL;
}

static uint32_t find_one_way(const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	struct sl_flow_key id = sl_flow_key_one_way(k);

	return sl_flow_find_index(t, &id);
}

struct sl_flow *sl_flow_choose_known(
	const struct sl_flow_table *t, const struct sl_flow_key *k, uint32_t index)
{
	const struct sl_flow *f = &t->entry[index + k->side];

	if (index != 0 && atomic_load_explicit(&f->generation, memory_order_acquire) != 0 &&
		sl_flow_index_has(t, index, k))
		return &t->entry[index + k->side];
	return sl_flow_choose_of_both(t, k, index, sl_flow_has_one_way(t) ? find_one_way(t, k) : 0);
}

struct sl_flow *sl_flow_find(const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	return sl_flow_choose(t, k, sl_flow_find_index(t, k));
}

static struct sl_flow_key one_way_of(const struct sl_flow_table *t, uint32_t index)
{
	struct sl_key6 k6;
	struct sl_key4 k4;
	struct sl_flow_key k;

	if (sl_conn_is_ip4(&t->conn[index / 2])) {
		k4 = sl_flow_entry_key4(&t->entry[index]);
		k = sl_flow_key4(&k4);
	} else {
		k6 = sl_flow_entry_key6(t, index);
		k = sl_flow_key6(&k6);
	}
	return sl_flow_key_one_way(&k);
}

unsigned int sl_flow_pair_ids(
	const struct sl_flow_table *t, uint32_t pair, struct sl_flow_key id[2])
{
	const struct sl_conn *c = &t->conn[pair];

	if (sl_conn_form(c) & SL_FORM_TWO_KEYS) {
		for (unsigned int d = 0; d < 2; d++)
			id[d] = one_way_of(t, 2 * pair + d);
		return 2;
	}
	id[0] = sl_flow_pair_id(t, pair);
	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_PROGRAMMED)
		id[0] = sl_flow_key_one_way(&id[0]);
	return 1;
}

struct sl_flow *sl_flow_find4(struct sl_flow_table *t, const struct sl_key4 *k)
{
	struct sl_flow_key key = sl_flow_key4(k);

	return sl_flow_find(t, &key);
}

struct sl_flow *sl_flow_find6(struct sl_flow_table *t, const struct sl_key6 *k)
{
	struct sl_flow_key key = sl_flow_key6(k);

	return sl_flow_find(t, &key);
}

static bool is_taken(const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	const struct sl_flow_key id[2] = {*k, sl_flow_key_one_way(k)};
	uint32_t index[2];

	sl_flow_find_indices(t, id, 2, index);
	return (index[0] | index[1]) != 0;
}

bool sl_flow_is_taken4(const struct sl_flow_table *t, const struct sl_key4 *k)
{
	struct sl_flow_key key = sl_flow_key4(k);

	return is_taken(t, &key);
}

bool sl_flow_is_taken6(const struct sl_flow_table *t, const struct sl_key6 *k)
{
	struct sl_flow_key key = sl_flow_key6(k);

	return is_taken(t, &key);
}
