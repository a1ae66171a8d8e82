/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random transactions against the store and against a naive model that keeps plain arrays and
 * checks every rule over everything. Both must agree on what is accepted, and after a refusal the
 * store must read as before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "tests/lib/desired.h"

enum { N_PORTS = 4, N_NETS = 4, N_NODES = 3, N_EPS = 8, N_IDS = 4, N_LABELS = 4, ROUNDS = 6000 };

/* Everything by number: port 2 is "p2". present false: absent. */
struct model {
	struct {
		bool present, underlay;
		unsigned int mtu;
	} port[N_PORTS];
	struct {
		bool present, subnet; /* 10.0.0.0/24, holds the addresses below 8 */
		unsigned int vni;
	} net[N_NETS];
	struct {
		bool present;
		unsigned int address;
	} node[N_NODES];
	struct {
		bool present, local;
		unsigned int net, at, address, labels;
	} ep[N_EPS];
	struct {
		bool present;
		unsigned int labels;
	} id[N_IDS];
};

static unsigned int seed;

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static bool endpoint_valid(const struct model *m, unsigned int i)
{
	unsigned int net = m->ep[i].net, at = m->ep[i].at;

	if (!m->net[net].present || (m->net[net].subnet && m->ep[i].address >= 8))
		return false;
	if (m->ep[i].local ? !m->port[at].present || m->port[at].underlay : !m->node[at].present)
		return false;
	for (unsigned int k = 0; k < N_EPS; k++) {
		if (k == i || !m->ep[k].present)
			continue;
		if (m->ep[k].net == net && m->ep[k].address == m->ep[i].address)
			return false;
		if (m->ep[i].local && m->ep[k].local && m->ep[k].at == at && m->ep[k].net != net)
			return false;
	}
	return true;
}

static bool valid(const struct model *m)
{
	for (unsigned int i = 0; i < N_EPS; i++)
		if (m->ep[i].present && !endpoint_valid(m, i))
			return false;
	for (unsigned int i = 0; i < N_NETS; i++)
		for (unsigned int k = 0; k < i; k++)
			if (m->net[i].present && m->net[k].present &&
				m->net[i].vni == m->net[k].vni)
				return false;
	for (unsigned int i = 0; i < N_NODES; i++)
		for (unsigned int k = 0; k < i; k++)
			if (m->node[i].present && m->node[k].present &&
				m->node[i].address == m->node[k].address)
				return false;
	for (unsigned int i = 0; i < N_IDS; i++)
		for (unsigned int k = 0; k < i; k++)
			if (m->id[i].present && m->id[k].present &&
				m->id[i].labels == m->id[k].labels)
				return false;
	return true;
}

static bool *presence(struct model *m, enum sl_collection_id c, unsigned int i)
{
	switch (c) {
	case SL_COLL_PORTS:
		return &m->port[i].present;
	case SL_COLL_NETWORKS:
		return &m->net[i].present;
	case SL_COLL_NODES:
		return &m->node[i].present;
	case SL_COLL_ENDPOINTS:
		return &m->ep[i].present;
	default:
		return &m->id[i].present;
	}
}

/* Choose what object i becomes, in the model, and write it as JSON. */
static void write_object(
	struct model *m, enum sl_collection_id c, unsigned int i, char *json, size_t len)
{
	switch (c) {
	case SL_COLL_PORTS:
		m->port[i].underlay = pick(4) == 0;
		m->port[i].mtu = 1400 + pick(2);
		snprintf(json, len,
			"{\"name\":\"p%u\",\"role\":\"%s\",\"devargs\":\"net_null%u\",\"mtu\":%u}",
			i, m->port[i].underlay ? "underlay" : "access", i, m->port[i].mtu);
		break;
	case SL_COLL_NETWORKS:
		m->net[i].vni = 1 + pick(6);
		m->net[i].subnet = pick(3) == 0;
		snprintf(json, len, "{\"name\":\"n%u\",\"vni\":%u%s}", i, m->net[i].vni,
			m->net[i].subnet ? ",\"subnets\":[{\"prefix\":\"10.0.0.0/24\"}]" : "");
		break;
	case SL_COLL_NODES:
		m->node[i].address = 1 + pick(4);
		snprintf(json, len, "{\"name\":\"b%u\",\"address\":\"192.0.2.%u\"}", i,
			m->node[i].address);
		break;
	case SL_COLL_ENDPOINTS:
		m->ep[i].net = pick(N_NETS);
		m->ep[i].local = pick(2);
		m->ep[i].at = pick(m->ep[i].local ? N_PORTS : N_NODES);
		m->ep[i].address = pick(10);
		m->ep[i].labels = pick(N_LABELS);
		snprintf(json, len,
			"{\"name\":\"e%u\",\"network\":\"n%u\",\"%s\":\"%s%u\",\"mac\":"
			"\"02:00:00:00:00:01\",\"addresses\":[\"10.0.%u.%u\"],"
			"\"labels\":{\"app\":\"l%u\"}}",
			i, m->ep[i].net, m->ep[i].local ? "port" : "node",
			m->ep[i].local ? "p" : "b", m->ep[i].at, m->ep[i].address >= 8,
			10 + m->ep[i].address, m->ep[i].labels);
		break;
	default:
		m->id[i].labels = pick(N_LABELS);
		snprintf(json, len, "{\"id\":%u,\"labels\":{\"app\":\"l%u\"}}", 1000 + i,
			m->id[i].labels);
	}
}

static void key_of(enum sl_collection_id c, unsigned int i, char *key, size_t len)
{
	static const char *const letters[SL_COLL_COUNT] = {[SL_COLL_PORTS] = "p",
		[SL_COLL_NETWORKS] = "n",
		[SL_COLL_NODES] = "b",
		[SL_COLL_ENDPOINTS] = "e"};

	if (c == SL_COLL_IDENTITIES)
		snprintf(key, len, "%u", 1000 + i);
	else
		snprintf(key, len, "%s%u", letters[c], i);
}

/* One random step on both. False: the step itself was refused, by both. */
static bool random_step(struct model *m, struct sl_txn *t)
{
	static const struct {
		enum sl_collection_id c;
		unsigned int n;
	} kinds[] = {{SL_COLL_PORTS, N_PORTS}, {SL_COLL_NETWORKS, N_NETS}, {SL_COLL_NODES, N_NODES},
		{SL_COLL_ENDPOINTS, N_EPS}, {SL_COLL_ENDPOINTS, N_EPS},
		{SL_COLL_IDENTITIES, N_IDS}};
	unsigned int kind = pick(6), i = pick(kinds[kind].n);
	enum sl_collection_id c = kinds[kind].c;
	enum sl_txn_verb verb = (enum sl_txn_verb)pick(4);
	bool *present = presence(m, c, i), was = *present, expected;
	char json[512], key[16];
	struct sl_err e = {0};
	int ret;

	/* mostly what can succeed */
	if (pick(8) != 0)
		verb = was ? (pick(2) ? SL_TXN_SET : SL_TXN_DEL) : SL_TXN_ADD;
	key_of(c, i, key, sizeof(key));
	expected = verb == SL_TXN_ADD ? !was : verb == SL_TXN_PUT ? true : was;
	if (verb == SL_TXN_DEL) {
		ret = sl_txn_del(t, c, key, &e);
		*present = false;
	} else {
		write_object(m, c, i, json, sizeof(json));
		ret = desired_step(t, verb, sl_collections[c]->name, json, &e);
		*present = true;
	}
	assert_int_equal(ret == 0, expected);
	return ret == 0;
}

static void check_identities(const struct sl_store *s, const struct model *m)
{
	unsigned int n = 0;

	for (unsigned int l = 0; l < N_LABELS; l++) {
		char key[] = "app", value[8];
		struct sl_label_pair pair = {key, value};
		struct sl_labels labels = {&pair, 1};
		unsigned int declared = 0;
		bool used = false;
		uint16_t id;

		snprintf(value, sizeof(value), "l%u", l);
		id = sl_store_identity_of(s, &labels);
		for (unsigned int i = 0; i < N_IDS; i++)
			if (m->id[i].present && m->id[i].labels == l)
				declared = 1000 + i;
		for (unsigned int i = 0; i < N_EPS; i++)
			used |= m->ep[i].present && m->ep[i].labels == l;
		if (declared != 0)
			assert_int_equal(id, declared);
		else if (used)
			assert_true(id >= 4096);
		else
			assert_int_equal(id, SL_IDENTITY_UNKNOWN);
		n += declared != 0 || used;
	}
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), n);
}

static void check_counts(const struct sl_store *s, struct model *m)
{
	static const struct {
		enum sl_collection_id c;
		unsigned int n;
	} kinds[] = {{SL_COLL_PORTS, N_PORTS}, {SL_COLL_NETWORKS, N_NETS}, {SL_COLL_NODES, N_NODES},
		{SL_COLL_ENDPOINTS, N_EPS}};

	for (unsigned int k = 0; k < 4; k++) {
		unsigned int n = 0;
		char key[16];

		for (unsigned int i = 0; i < kinds[k].n; i++) {
			const struct sl_object *o;

			key_of(kinds[k].c, i, key, sizeof(key));
			o = sl_store_find(s, kinds[k].c, key);
			assert_int_equal(o != NULL, *presence(m, kinds[k].c, i));
			assert_true(o == NULL || sl_store_by_id(s, kinds[k].c, o->id) == o);
			n += o != NULL;
		}
		assert_int_equal(sl_store_count(s, kinds[k].c), n);
	}
}

static void store_agrees_with_the_model(void **state)
{
	struct fake_applier f;
	struct sl_store *s;
	struct model m = {0}, tried;
	unsigned int accepted = 0, refused = 0;

	(void)state;
	fake_applier_init(&f);
	s = sl_store_create(&f.applier, NULL);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int steps = 1 + pick(5);
		char *before = desired_text(s), *after;
		struct sl_txn *t = sl_txn_begin(s);
		struct sl_err e = {0};
		bool ok = true, given_up;

		tried = m;
		f.fail = pick(10) == 0;
		for (unsigned int i = 0; i < steps && ok; i++)
			ok = random_step(&tried, t);
		given_up = ok && pick(10) == 0;
		if (!ok || given_up) {
			if (given_up && pick(2))
				sl_txn_check(t, &e);
			sl_txn_abort(t);
			ok = false;
		} else {
			unsigned int prepared = f.prepared;
			int ret = sl_txn_commit(t, &e);

			ok = valid(&tried) && !(f.fail && f.prepared != prepared);
			if ((ret == 0) != ok)
				fail_msg("round %u: %s: %s", round, e.path, e.message);
		}
		after = desired_text(s);
		if (ok)
			m = tried;
		else
			assert_string_equal(before, after);
		check_counts(s, &m);
		check_identities(s, &m);
		accepted += ok;
		refused += !ok;
		free(before);
		free(after);
	}
	print_message("%u accepted, %u refused\n", accepted, refused);
	assert_true(accepted > ROUNDS / 10 && refused > ROUNDS / 10);
	sl_store_destroy(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_agrees_with_the_model),
	};

	seed = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : (unsigned int)time(NULL);
	printf("seed %u\n", seed);
	fflush(stdout);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
