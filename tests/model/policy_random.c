/* SPDX-License-Identifier: BSD-3-Clause */
/* Random identities, policies and queries. */
#include "policy_model.h"

#include <netinet/in.h>
#include <stdlib.h>

uint32_t below(struct policy_model *m, uint32_t n)
{
	m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((m->random >> 33) % n);
}

bool one_in(struct policy_model *m, uint32_t n)
{
	return below(m, n) == 0;
}

size_t random_labels(struct policy_model *m, struct sl_label *label, uint32_t max)
{
	static const char *const key[] = {"app", "env", "team"};
	static const char *const value[] = {"a", "b", "c", "d", "e"};
	uint32_t n = below(m, max + 1);

	for (uint32_t i = 0; i < n; i++)
		label[i] =
			(struct sl_label){key[below(m, m->n_keys)], value[below(m, m->n_values)]};
	return n;
}

static struct sl_ip random_ip(struct policy_model *m)
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

static struct sl_prefix random_prefix(struct policy_model *m)
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

static uint8_t random_proto(struct policy_model *m)
{
	static const uint8_t proto[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP,
		IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, 47};

	return proto[below(m, sizeof(proto))];
}

static uint16_t random_port(struct policy_model *m)
{
	static const uint16_t port[] = {0, 1, 79, 80, 81, 443, 8 << 8, 65534, 65535};

	return one_in(m, 4) ? below(m, SL_IDENTITY_MASK + 1) : port[below(m, 9)];
}

static void random_peer(struct policy_model *m, struct model_rule *r, unsigned int i)
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
static uint32_t random_network(struct policy_model *m)
{
	static const uint32_t network[NETWORKS] = {1, 2, 700, SL_NETWORKS_MAX - 1};

	return network[below(m, NETWORKS)];
}

/* All, or some; sometimes none, which matches nothing. */
static void random_networks(struct policy_model *m, struct model_rule *r)
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

void random_rule(struct policy_model *m, struct model_rule *r, uint32_t slot)
{
	*r = (struct model_rule){.def = {
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

void arrange(struct policy_model *m)
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
void randomise(struct policy_model *m)
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

static uint32_t random_identity(struct policy_model *m)
{
	if (one_in(m, 8))
		return below(m, 5);
	return one_in(m, 16) ? below(m, SL_IDENTITY_MASK + 1) : m->id[below(m, m->n_ids)].id;
}

struct sl_policy_query random_query(struct policy_model *m)
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
