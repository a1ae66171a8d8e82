/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiled set against an evaluator that follows the text of the design rule by rule: random
 * identities, policies of several networks and queries, compared verdict by verdict. All networks
 * have the same labels and addresses.
 */
#include "pipelines/policy/policy_ctl.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define IDS	  40
#define RULES	  400
#define LABELS	  4
#define ID_LABELS 9
#define PEERS	  4
#define PORTS	  3
#define EXCEPTS	  2
#define NETWORKS  4

struct rule {
	struct sl_policy_def def;
	struct sl_label subject[LABELS];
	struct sl_peer_def peer[PEERS];
	struct sl_label peer_label[PEERS][LABELS];
	struct sl_prefix except[PEERS][EXCEPTS];
	struct sl_port_match port[PORTS];
	uint32_t network[NETWORKS];
};

struct model {
	uint64_t random;
	uint32_t n_ids, n_rules, n_values, n_keys;
	struct sl_identity_def id[IDS];
	struct sl_label id_label[IDS][ID_LABELS];
	struct rule rule[RULES];
	struct sl_policy_def def[RULES]; /* what is compiled, in random order */
	const struct sl_policy_def *ranked[RULES];
};

static uint32_t below(struct model *m, uint32_t n)
{
	m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((m->random >> 33) % n);
}

static bool one_in(struct model *m, uint32_t n)
{
	return below(m, n) == 0;
}

static size_t random_labels(struct model *m, struct sl_label *label, uint32_t max)
{
	static const char *const key[] = {"app", "env", "team"};
	static const char *const value[] = {"a", "b", "c", "d", "e"};
	uint32_t n = below(m, max + 1);

	for (uint32_t i = 0; i < n; i++)
		label[i] =
			(struct sl_label){key[below(m, m->n_keys)], value[below(m, m->n_values)]};
	return n;
}

static struct sl_ip random_ip(struct model *m)
{
	struct sl_ip ip = {.b = {0x20, 0x01}};

	if (one_in(m, 3)) {
		ip.b[2 + below(m, 3)] = (uint8_t)below(m, 3);
		ip.b[15] = (uint8_t)below(m, 4);
		return ip;
	}
	return sl_ip_from_v4(
		htonl(0x0a000000 | below(m, 3) << 16 | below(m, 3) << 8 | below(m, 5)));
}

static struct sl_prefix random_prefix(struct model *m)
{
	static const uint8_t v4_len[] = {0, 8, 14, 16, 24, 30, 31, 32};
	static const uint8_t v6_len[] = {0, 16, 24, 31, 32, 40, 64, 65, 127, 128};
	struct sl_prefix p = {.ip = random_ip(m)};

	if (sl_ip_is_v4(&p.ip))
		p.len = 96 + v4_len[below(m, sizeof(v4_len))];
	else
		p.len = v6_len[below(m, sizeof(v6_len))];
	for (unsigned int bit = p.len; bit < 128; bit++)
		p.ip.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	if (p.len == 96) /* 0.0.0.0/0 is an IPv4 prefix */
		p.ip = sl_ip_from_v4(0);
	return p;
}

static uint8_t random_proto(struct model *m)
{
	static const uint8_t proto[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP,
		IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, 47};

	return proto[below(m, sizeof(proto))];
}

static uint16_t random_port(struct model *m)
{
	static const uint16_t port[] = {0, 1, 79, 80, 81, 443, 8 << 8, 65534, 65535};

	return one_in(m, 4) ? below(m, SL_IDENTITY_MASK + 1) : port[below(m, 9)];
}

static void random_peer(struct model *m, struct rule *r, unsigned int i)
{
	struct sl_peer_def *p = &r->peer[i];

	*p = (struct sl_peer_def){.kind = (enum sl_peer_kind)below(m, 3)};
	if (one_in(m, 2))
		p->kind = SL_PEER_SELECTOR;
	p->entity = (enum sl_entity)below(m, 3);
	p->selector.labels = r->peer_label[i];
	p->selector.n_labels = random_labels(m, r->peer_label[i], 2);
	p->cidr = random_prefix(m);
	p->except = r->except[i];
	p->n_except = below(m, EXCEPTS + 1);
	for (unsigned int k = 0; k < EXCEPTS; k++)
		r->except[i][k] = random_prefix(m);
}

/* Some share a page of networks, some do not. */
static uint32_t random_network(struct model *m)
{
	static const uint32_t network[NETWORKS] = {1, 2, 700, SL_NETWORKS_MAX - 1};

	return network[below(m, NETWORKS)];
}

/* All, or some; sometimes none, which matches nothing. */
static void random_networks(struct model *m, struct rule *r)
{
	r->def.any_network = one_in(m, 3);
	r->def.networks = r->network;
	r->def.n_networks = 0;
	for (uint32_t n = one_in(m, 16) ? 0 : 1 + below(m, NETWORKS); r->def.n_networks < n;) {
		uint32_t network = random_network(m);
		size_t i = 0;

		while (i < r->def.n_networks && r->network[i] != network)
			i++;
		r->network[i] = network;
		if (i == r->def.n_networks)
			r->def.n_networks++;
	}
}

static void random_rule(struct model *m, struct rule *r, uint32_t slot)
{
	*r = (struct rule){.def = {
				   .slot = slot,
				   .tier = (enum sl_tier)below(m, 3),
				   .priority = (uint16_t)below(m, 6),
				   .direction = one_in(m, 4) ? SL_EGRESS : SL_INGRESS,
				   .action = (enum sl_rule_action)below(m, 3),
				   .any_peer = one_in(m, 8),
				   .any_port = one_in(m, 8),
			   }};
	random_networks(m, r);
	r->def.subject.labels = r->subject;
	r->def.subject.n_labels = random_labels(m, r->subject, 2);
	r->def.peers = r->peer;
	r->def.n_peers = below(m, PEERS + 1);
	r->def.ports = r->port;
	r->def.n_ports = below(m, PORTS + 1);
	for (unsigned int i = 0; i < PEERS; i++)
		random_peer(m, r, i);
	for (unsigned int i = 0; i < PORTS; i++) {
		uint16_t a = random_port(m), b = one_in(m, 2) ? a : random_port(m);

		r->port[i] = (struct sl_port_match){
			one_in(m, 6) ? 0 : random_proto(m), !one_in(m, 5), a, b};
	}
}

/* The naive evaluator. */

static bool has_label(const struct sl_identity_def *id, const struct sl_label *want)
{
	for (size_t i = 0; i < id->n_labels; i++)
		if (strcmp(id->labels[i].key, want->key) == 0 &&
			strcmp(id->labels[i].value, want->value) == 0)
			return true;
	return false;
}

static bool selects(const struct model *m, const struct sl_selector *s, uint32_t identity)
{
	if (identity < SL_IDENTITY_MIN || s->n_labels == 0)
		return false;
	for (uint32_t i = 0; i < m->n_ids; i++) {
		size_t k = 0;

		if (m->id[i].id != identity)
			continue;
		while (k < s->n_labels && has_label(&m->id[i], &s->labels[k]))
			k++;
		return k == s->n_labels;
	}
	return false;
}

static bool contains(const struct sl_prefix *p, const struct sl_ip *ip)
{
	if ((p->len >= 96 && sl_ip_is_v4(&p->ip)) != sl_ip_is_v4(ip))
		return false;
	for (unsigned int bit = 0; bit < p->len; bit++)
		if ((p->ip.b[bit / 8] ^ ip->b[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

static bool is_peer(
	const struct model *m, const struct sl_peer_def *p, const struct sl_policy_query *q)
{
	switch (p->kind) {
	case SL_PEER_SELECTOR:
		return selects(m, &p->selector, q->peer);
	case SL_PEER_CIDR:
		for (size_t i = 0; i < p->n_except; i++)
			if (contains(&p->except[i], &q->peer_addr))
				return false;
		return contains(&p->cidr, &q->peer_addr);
	case SL_PEER_ENTITY:
		break;
	}
	return p->entity == SL_ENTITY_ANY ||
	       (p->entity == SL_ENTITY_HOST && q->peer == SL_IDENTITY_HOST) ||
	       (p->entity == SL_ENTITY_WORLD && !q->peer_is_endpoint);
}

static bool is_of(const struct sl_policy_def *d, uint32_t network)
{
	for (size_t i = 0; !d->any_network && i < d->n_networks; i++)
		if (d->networks[i] == network)
			return true;
	return d->any_network;
}

static bool concerns(
	const struct model *m, const struct sl_policy_def *d, const struct sl_policy_query *q)
{
	if (!is_of(d, q->network))
		return false;
	if (!selects(m, &d->subject, q->subject))
		return false;
	for (size_t i = 0; !d->any_peer && i < d->n_peers; i++)
		if (is_peer(m, &d->peers[i], q))
			return true;
	return d->any_peer;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static bool port_fits(const struct sl_port_match *p, const struct sl_policy_query *q)
{
	if (p->proto != 0 && p->proto != q->proto)
		return false;
	if (!p->has_port)
		return true;
	if (p->proto == 0 && !has_ports(q->proto))
		return false;
	return q->dport >= p->port && q->dport <= p->end;
}

static bool one_port_fits(const struct sl_policy_def *d, const struct sl_policy_query *q)
{
	for (size_t i = 0; !d->any_port && i < d->n_ports; i++)
		if (port_fits(&d->ports[i], q))
			return true;
	return d->any_port;
}

static struct sl_verdict reference_verdict(
	const struct model *m, enum sl_direction dir, const struct sl_policy_query *q)
{
	for (uint32_t i = 0; i < m->n_rules;) {
		const struct sl_policy_def *d = m->ranked[i++];

		if (d->direction != dir || !concerns(m, d, q) || !one_port_fits(d, q))
			continue;
		if (d->action == SL_RULE_DENY)
			return (struct sl_verdict){SL_VERDICT_DENY, d->slot};
		if (d->action == SL_RULE_ALLOW)
			return (struct sl_verdict){SL_VERDICT_ALLOW, d->slot};
		while (i < m->n_rules && m->ranked[i]->tier == d->tier)
			i++;
	}
	return (struct sl_verdict){SL_VERDICT_NONE, 0};
}

static int compare(const void *a, const void *b)
{
	const struct sl_policy_def *x = *(const struct sl_policy_def *const *)a;
	const struct sl_policy_def *y = *(const struct sl_policy_def *const *)b;

	if (x->tier != y->tier)
		return (int)x->tier - (int)y->tier;
	if (x->priority != y->priority)
		return x->priority - y->priority;
	if (x->action != y->action)
		return (int)x->action - (int)y->action;
	return (int)x->slot - (int)y->slot;
}

/* The definitions in random order, and in order of rank. */
static void arrange(struct model *m)
{
	for (uint32_t i = m->n_rules; i > 1; i--) {
		uint32_t k = below(m, i);
		struct sl_policy_def t = m->def[k];

		m->def[k] = m->def[i - 1];
		m->def[i - 1] = t;
	}
	for (uint32_t i = 0; i < m->n_rules; i++)
		m->ranked[i] = &m->def[i];
	qsort(m->ranked, m->n_rules, sizeof(m->ranked[0]), compare);
}

/* Few keys and values make crowded lists, many make sparse ones. */
static void randomise(struct model *m)
{
	static const uint32_t sizes[] = {3, 20, 80, RULES};

	m->n_ids = 1 + below(m, IDS);
	m->n_rules = below(m, sizes[below(m, 4)] + 1);
	m->n_keys = 1 + below(m, 3);
	m->n_values = 1 + below(m, 5);
	for (uint32_t i = 0; i < m->n_ids; i++) {
		m->id[i].id =
			i == 0 ? SL_IDENTITY_MASK
			       : SL_IDENTITY_MIN + i * (1 + i % 7) + (i % 3) * 65536 * (i % 128);
		for (uint32_t k = 0; k < i; k++)
			if (m->id[k].id == m->id[i].id)
				m->id[i].id = 0xf00000 + i;
		m->id[i].labels = m->id_label[i];
		m->id[i].n_labels = random_labels(m, m->id_label[i], ID_LABELS);
	}
	for (uint32_t i = 0; i < m->n_rules; i++) {
		random_rule(m, &m->rule[i], i + 1);
		m->def[i] = m->rule[i].def;
	}
	arrange(m);
}

static uint32_t random_identity(struct model *m)
{
	if (one_in(m, 8))
		return below(m, 5);
	return one_in(m, 16) ? below(m, SL_IDENTITY_MASK + 1) : m->id[below(m, m->n_ids)].id;
}

static struct sl_policy_query random_query(struct model *m)
{
	struct sl_policy_query q = {
		.network = one_in(m, 16) ? below(m, SL_NETWORKS_MAX) : random_network(m),
		.subject = random_identity(m),
		.peer = random_identity(m),
		.peer_is_endpoint = !one_in(m, 5),
		.proto = random_proto(m),
		.dport = random_port(m),
		.peer_addr = random_ip(m),
	};

	if (q.peer < SL_IDENTITY_MIN && one_in(m, 2))
		q.peer_is_endpoint = false;
	return q;
}

static void assert_same(const struct model *m, const struct sl_policy_set *set,
	enum sl_direction dir, const struct sl_policy_query *q)
{
	struct sl_verdict want = reference_verdict(m, dir, q),
			  got = sl_policy_evaluate(set, dir, q);

	if (want.kind != got.kind || want.policy != got.policy)
		print_error(
			"rules %u network %u subject %u peer %u endpoint %d proto %u dport %u\n",
			m->n_rules, q->network, q->subject, q->peer, q->peer_is_endpoint, q->proto,
			q->dport);
	assert_int_equal(got.kind, want.kind);
	assert_int_equal(got.policy, want.policy);
}

/* The explained rule that decided must be the one that evaluate names. */
static void assert_explained(
	const struct sl_policy_set *set, enum sl_direction dir, const struct sl_policy_query *q)
{
	struct sl_policy_step *step;
	uint32_t decided = 0;
	size_t n;

	assert_int_equal(sl_policy_explain(set, dir, q, &step, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (step[i].fate != SL_FATE_DECIDED)
			continue;
		assert_int_equal(decided, 0);
		decided = step[i].policy;
	}
	free(step);
	assert_int_equal(decided, sl_policy_evaluate(set, dir, q).policy);
}

static void run(uint64_t seed, unsigned int policies, unsigned int queries)
{
	struct model *m = calloc(1, sizeof(*m));

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_non_null(m);
	m->random = seed;
	while (policies-- > 0) {
		struct sl_policy_set *set;

		randomise(m);
		set = sl_policy_compile(m->def, m->n_rules, m->id, m->n_ids);
		assert_non_null(set);
		for (unsigned int i = 0; i < queries; i++) {
			enum sl_direction dir = one_in(m, 4) ? SL_EGRESS : SL_INGRESS;
			struct sl_policy_query q = random_query(m);

			assert_same(m, set, dir, &q);
			assert_explained(set, dir, &q);
		}
		sl_policy_set_destroy(set);
	}
	free(m);
}

/* Rules and identities are added, removed and changed in one compiler. Each version is compared
 * with everything that existed at its commit. */
struct changes {
	struct model m; /* those of rule[] that exist are in def[] */
	bool there[RULES], id_there[IDS];
	struct sl_identity_def all_ids[IDS];
	struct sl_policy_compiler *c;
};

#define OLD_QUERIES 30

static void change_identities(struct changes *ch, uint32_t n)
{
	struct model *m = &ch->m;

	while (n-- > 0) {
		uint32_t i = below(m, IDS);

		if (ch->id_there[i])
			sl_policy_identity_gone(ch->c, ch->all_ids[i].id);
		ch->id_there[i] = !one_in(m, 4);
		if (!ch->id_there[i])
			continue;
		ch->all_ids[i] =
			(struct sl_identity_def){.id = SL_IDENTITY_MIN + 7 * i + 65536 * (i % 5),
				.labels = m->id_label[i],
				.n_labels = random_labels(m, m->id_label[i], ID_LABELS)};
		sl_policy_identity_put(ch->c, &ch->all_ids[i]);
	}
	m->n_ids = 0;
	for (uint32_t i = 0; i < IDS; i++)
		if (ch->id_there[i])
			m->id[m->n_ids++] = ch->all_ids[i];
	if (m->n_ids == 0)
		m->id[0] = (struct sl_identity_def){.id = SL_IDENTITY_MIN};
}

static void change_rules(struct changes *ch, uint32_t n)
{
	struct model *m = &ch->m;
	bool picked[RULES] = {false};

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = below(m, RULES);

		if (!picked[i] && ch->there[i])
			sl_policy_rule_gone(ch->c, &m->rule[i].def);
		picked[i] = true;
		ch->there[i] = false;
	}
	for (uint32_t i = 0; i < RULES; i++) {
		if (!picked[i] || one_in(m, 3))
			continue;
		random_rule(m, &m->rule[i], i + 1);
		ch->there[i] = true;
		sl_policy_rule_put(ch->c, &m->rule[i].def);
	}
	m->n_rules = 0;
	for (uint32_t i = 0; i < RULES; i++)
		if (ch->there[i])
			m->def[m->n_rules++] = m->rule[i].def;
	arrange(m);
}

static void assert_version(struct changes *ch, const struct sl_policy_set *set)
{
	struct model *m = &ch->m;
	struct sl_policy_set *whole = sl_policy_compile(m->def, m->n_rules, m->id, m->n_ids);

	for (unsigned int i = 0; i < 60; i++) {
		enum sl_direction dir = one_in(m, 4) ? SL_EGRESS : SL_INGRESS;
		struct sl_policy_query q = random_query(m);
		struct sl_verdict a, b;

		assert_same(m, set, dir, &q);
		assert_explained(set, dir, &q);
		a = sl_policy_evaluate(set, dir, &q);
		b = sl_policy_evaluate(whole, dir, &q);
		assert_int_equal(a.kind, b.kind);
		assert_int_equal(a.policy, b.policy);
	}
	sl_policy_set_destroy(whole);
}

static void change_step(struct changes *ch, uint32_t size)
{
	const struct sl_policy_set *old, *new;
	struct sl_policy_query q[OLD_QUERIES];
	struct sl_verdict then[OLD_QUERIES], now;
	void *garbage;

	old = sl_policy_compiler_commit(ch->c, &garbage);
	assert_null(garbage);
	for (unsigned int i = 0; i < OLD_QUERIES; i++) {
		q[i] = random_query(&ch->m);
		then[i] = sl_policy_evaluate(old, SL_INGRESS, &q[i]);
	}
	change_identities(ch, one_in(&ch->m, 2) ? 1 + below(&ch->m, 5) : 0);
	change_rules(ch, one_in(&ch->m, 4) ? 0 : 1 + below(&ch->m, size));
	new = sl_policy_compiler_commit(ch->c, &garbage);
	/* Readers of the previous version see no change. */
	for (unsigned int i = 0; i < OLD_QUERIES; i++) {
		now = sl_policy_evaluate(old, SL_INGRESS, &q[i]);
		assert_int_equal(now.kind, then[i].kind);
		assert_int_equal(now.policy, then[i].policy);
	}
	sl_policy_garbage_free(garbage);
	assert_version(ch, new);
}

static void run_changes(uint64_t seed, unsigned int steps)
{
	static const uint32_t sizes[] = {1, 4, 40, RULES};
	struct changes *ch = calloc(1, sizeof(*ch));

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_non_null(ch);
	ch->m.random = seed;
	ch->m.n_keys = 1 + below(&ch->m, 3);
	ch->m.n_values = 1 + below(&ch->m, 5);
	ch->m.id[0].id = SL_IDENTITY_MIN;
	ch->m.n_ids = 1;
	ch->c = sl_policy_compiler_create();
	sl_policy_identity_put(ch->c, &ch->m.id[0]);
	ch->id_there[0] = true;
	ch->all_ids[0] = ch->m.id[0];
	while (steps-- > 0) {
		void *garbage;

		sl_policy_compiler_commit(ch->c, &garbage);
		sl_policy_garbage_free(garbage);
		change_step(ch, sizes[below(&ch->m, 4)]);
	}
	sl_policy_set_destroy((struct sl_policy_set *)(uintptr_t)sl_policy_compiler_destroy(ch->c));
	free(ch);
}

static void changed_policies_decide_like_those_compiled_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		run_changes(seed, 60);
}

static void changed_policies_of_a_new_seed_decide_like_those_compiled_at_once(void **state)
{
	(void)state;
	run_changes((uint64_t)time(NULL), 60);
}

static void random_policies_decide_like_the_design_says(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed, 60, 250);
}

static void random_policies_of_a_new_seed_decide_like_the_design_says(void **state)
{
	(void)state;
	run((uint64_t)time(NULL), 60, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_policies_decide_like_the_design_says),
		cmocka_unit_test(random_policies_of_a_new_seed_decide_like_the_design_says),
		cmocka_unit_test(changed_policies_decide_like_those_compiled_at_once),
		cmocka_unit_test(changed_policies_of_a_new_seed_decide_like_those_compiled_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
