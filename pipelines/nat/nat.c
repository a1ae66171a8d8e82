/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat_dp.h"

#include <netinet/in.h>
#include <rte_byteorder.h>

#include "pipelines/flow/flow_dp.h"
#include "sluice/encap.h"

/* A connection that looks for a source, and the addresses and ports that it may have. */
struct search {
	const struct sl_trip *t;
	const struct sl_way_out *out;
	uint32_t network;
	bool v4, has_ports;
	uint8_t proto;
	uint16_t sport_be, dport_be;
	struct sl_ip dst;
	uint64_t random;
	uint32_t span; /* ports in the range */
	uint8_t n;     /* addresses */
	uint8_t address[SL_OUTSIDE_ADDRESSES];
};

static void write_reply(const struct search *s, struct sl_nat_source *src)
{
	const uint32_t net_proto = sl_key_net_proto(SL_NETWORK_UNDERLAY, s->proto);

	src->v4 = s->v4;
	if (s->v4) {
		src->reply4 = (struct sl_key4){sl_ip_v4_be(&s->dst), sl_ip_v4_be(&src->ip),
			s->dport_be, src->port_be, net_proto};
		return;
	}
	src->reply6 = (struct sl_key6){
		.sport_be = s->dport_be, .dport_be = src->port_be, .net_proto = net_proto};
	memcpy(src->reply6.src, s->dst.b, 16);
	memcpy(src->reply6.dst, src->ip.b, 16);
}

static bool is_free(const struct search *s, struct sl_nat_source *src)
{
	const struct sl_flow_table *flows = s->t->p->flows;

	write_reply(s, src);
	return s->v4 ? !sl_flow_is_taken4(flows, &src->reply4)
		     : !sl_flow_is_taken6(flows, &src->reply6);
}

/* The position that the network may use of the pair that has pos. */
static uint32_t own_position(const struct search *s, uint32_t pos)
{
	uint32_t bit;

	if (!s->out->shared)
		return pos;
	bit = sl_hash_fold(
		      sl_hash_fold(s->network ^ SL_HASH_K0, SL_HASH_K1) ^ pos >> 1, SL_HASH_K2) >>
		      17 &
	      1;
	pos = (pos & ~1u) | bit;
	return RTE_MIN(pos, s->span - 1);
}

/* UDP to a port where this node listens for tunnel packets is taken for one. */
static bool is_tunnels_port(const struct search *s, uint16_t port_be)
{
	return s->proto == IPPROTO_UDP &&
	       sl_encap_find_at(s->t->world->encap_ports, IPPROTO_UDP, port_be) != SL_ENCAP_COUNT;
}

static bool try_position(const struct search *s, uint32_t pos, struct sl_nat_source *src)
{
	src->port_be = rte_cpu_to_be_16((uint16_t)(s->out->first + own_position(s, pos)));
	return !is_tunnels_port(s, src->port_be) && is_free(s, src);
}

static bool try_own_port(const struct search *s, struct sl_nat_source *src)
{
	uint32_t pos = (uint32_t)rte_be_to_cpu_16(s->sport_be) - s->out->first;

	return pos < s->span && own_position(s, pos) == pos && try_position(s, pos, src);
}

/* Long searches cost as much as hundreds of packets: a worker makes few. */
static bool may_search_on(const struct search *s)
{
	struct sl_nat_counts *c = s->t->p->nat[s->t->w->id];

	if (c->budget_tick != s->t->tick) {
		c->budget_tick = s->t->tick;
		c->budget_used = 0;
	}
	return c->budget_used++ < SL_NAT_BUDGET;
}

static bool search_ports(const struct search *s, struct sl_nat_source *src)
{
	const bool all = s->span <= SL_NAT_TRIES;
	const uint32_t tries = all ? s->span : SL_NAT_TRIES;
	uint64_t random = s->random;

	if (try_own_port(s, src))
		return true;
	for (uint32_t k = 0; k < tries; k++) {
		if (k == SL_NAT_TRIES_CHEAP && !may_search_on(s))
			return false;
		if (!all)
			random = sl_hash_fold(random, SL_HASH_K0 + k);
		if (try_position(s, (uint32_t)((random >> 8) + (all ? k : 0)) % s->span, src))
			return true;
	}
	return false;
}

/* A workload keeps its address while there are ports: peers may compare addresses. */
static bool search(const struct search *s, struct sl_nat_source *src, uint32_t first)
{
	for (uint32_t k = 0; k < s->n; k++) {
		src->ip = s->out->address[s->address[(first + k) % s->n]];
		src->port_be = 0;
		if (s->has_ports ? search_ports(s, src) : is_free(s, src))
			return true;
	}
	return false;
}

static void find_addresses(struct search *s, uint16_t port)
{
	const struct sl_way_out *out = s->out;
	unsigned int begin = s->v4 ? 0 : out->n4, end = s->v4 ? out->n4 : out->n4 + out->n6;

	s->n = 0;
	for (unsigned int k = begin; k < end; k++)
		if (out->address_port[k] == SL_PORT_NONE || out->address_port[k] == port)
			s->address[s->n++] = (uint8_t)k;
}

static void note_exhausted(const struct search *s)
{
	struct sl_nat_counts *c = s->t->p->nat[s->t->w->id];

	sl_count(&c->exhausted, 1);
	__atomic_store_n(&c->exhausted_network, s->network, __ATOMIC_RELAXED);
	__atomic_store_n(&c->exhausted_tick, s->t->tick, __ATOMIC_RELEASE);
}

enum sl_drop sl_nat_choose(const struct sl_trip *t, unsigned int i, const struct sl_way_out *out,
	uint16_t port, struct sl_nat_source *source)
{
	const struct sl_burst *b = t->b;
	const struct sl_meta *m = &b->meta[i];
	struct search s = {.t = t, .out = out, .network = m->network, .proto = m->proto};
	struct sl_ip src;

	s.v4 = m->flags & SL_P_IP4;
	s.sport_be = s.v4 ? b->key4[i].sport_be : b->key6[i].sport_be;
	s.dport_be = s.v4 ? b->key4[i].dport_be : b->key6[i].dport_be;
	s.has_ports = m->proto == IPPROTO_TCP || m->proto == IPPROTO_UDP ||
		      m->proto == IPPROTO_SCTP || (m->flags & SL_P_ICMP_ECHO) != 0;
	if ((m->proto == IPPROTO_ICMP || m->proto == IPPROTO_ICMPV6) && !s.has_ports)
		return SL_DROP_NAT_UNKNOWN;
	s.span = (uint32_t)out->last - out->first + 1;
	sl_key_addresses(b, i, &src, &s.dst);
	find_addresses(&s, port);
	if (s.n == 0)
		return SL_DROP_ROUTE_NONE;
	/* The same after a restart: connections go on where their port is free then. */
	s.random = sl_hash_bytes(src.b, sizeof(src.b),
		sl_hash_bytes(s.dst.b, sizeof(s.dst.b),
			(uint64_t)m->network << 40 | (uint64_t)s.sport_be << 16 | s.dport_be));
	if (search(&s, source, (uint32_t)sl_hash_bytes(src.b, sizeof(src.b), m->network))) {
		sl_count(&t->p->nat[t->w->id]->made, 1);
		return SL_KEEP;
	}
	note_exhausted(&s);
	return SL_DROP_NAT_EXHAUSTED;
}
