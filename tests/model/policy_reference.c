/* SPDX-License-Identifier: BSD-3-Clause */
/* The evaluator that follows the design rule by rule, and the comparisons with it. */
#include "policy_model.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool has_label(const struct sl_identity_def *id, const struct sl_label *want)
{
	for (size_t i = 0; i < id->n_labels; i++)
		if (strcmp(id->labels[i].key, want->key) == 0 &&
			strcmp(id->labels[i].value, want->value) == 0)
			return true;
	return false;
}

static bool selects(const struct policy_model *m, const struct sl_selector *s, uint32_t identity)
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
	const struct policy_model *m, const struct sl_peer_def *p, const struct sl_policy_query *q)
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

static bool concerns(const struct policy_model *m, const struct sl_policy_def *d,
	const struct sl_policy_query *q)
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
	const struct policy_model *m, enum sl_direction dir, const struct sl_policy_query *q)
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

void assert_same(const struct policy_model *m, const struct sl_policy_set *set,
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

void assert_explained(
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
