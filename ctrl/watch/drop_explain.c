/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts a dropped packet into words: what is known of it, and what in it caused the drop. */
#include <stdarg.h>
#include <stdio.h>

#include "dp/lib/pmap.h"
#include "dp/lib/u32map.h"
#include "drop_facts.h"
#include "dp/lib/addr_map.h"
#include "pipelines/context/world.h"
#include "sluice/burst.h"
#include "sluice/encap.h"

void sl_drop_say(const struct sl_drop_facts *f, const char *fmt, ...)
{
	size_t len = strlen(f->e->detail);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->e->detail + len, SL_RECENT_DETAIL - len, fmt, ap);
	va_end(ap);
}

static void copy_name(char to[SL_NAME_LEN], const char *name)
{
	snprintf(to, SL_NAME_LEN, "%s", name);
}

static const char *origin_name(const struct sl_drop_facts *f, uint32_t origin)
{
	if (origin == SL_SAMPLE_NOWHERE)
		return "";
	if (origin & SL_ORIGIN_NODE)
		return f->names->node(f->names->ctx, origin & ~SL_ORIGIN_NODE);
	return f->names->port(f->names->ctx, (uint16_t)origin);
}

const char *sl_drop_endpoint_name(const struct sl_drop_facts *f, const struct sl_endpoint *ep)
{
	return f->names->endpoint(f->names->ctx, ep->id);
}

const char *sl_drop_origin_words(
	const struct sl_drop_facts *f, uint32_t origin, char buf[SL_DROP_ORIGIN_LEN])
{
	int len = snprintf(buf, SL_DROP_ORIGIN_LEN, "%s %s",
		origin & SL_ORIGIN_NODE ? "node" : "port", origin_name(f, origin));

	if (len > 0 && len < SL_DROP_ORIGIN_LEN && (origin & SL_ORIGIN_NODE) == 0 &&
		sl_origin_vlan(origin) != 0)
		snprintf(buf + len, (size_t)(SL_DROP_ORIGIN_LEN - len), " VLAN %u",
			sl_origin_vlan(origin));
	return buf;
}

uint32_t sl_drop_behind_ethernet(const struct sl_drop_facts *f)
{
	uint32_t eth = (uint32_t)(f->v.l3.p - f->v.frame.p);

	return f->v.l3.p != NULL && f->s->len > eth ? f->s->len - eth : 0;
}

uint32_t sl_drop_node_at(const struct sl_drop_facts *f, const struct sl_ip *ip)
{
	if (f->world->node_by_addr == NULL)
		return 0;
	return sl_addr_map_find(f->world->node_by_addr, ip);
}

/* Where it came from. For a tunnel packet that was refused early, only its own header says it. */
static uint32_t find_origin(const struct sl_drop_facts *f)
{
	uint32_t node;

	if (f->s->origin == SL_SAMPLE_NOWHERE || f->s->origin & SL_ORIGIN_NODE || !f->s->outer ||
		!f->v.has_outer || f->s->reason == SL_DROP_UPCALL_FULL)
		return f->s->origin;
	node = sl_drop_node_at(f, &f->v.outer_source);
	return node != 0 ? SL_ORIGIN_NODE | node : f->s->origin;
}

static uint32_t find_network(const struct sl_drop_facts *f)
{
	uint32_t id = f->s->network;

	if (id == 0 && f->v.has_vni && f->world->vni_to_network != NULL)
		id = sl_u32map_find(f->world->vni_to_network, f->v.vni);
	if (id == 0 && !f->v.has_outer && f->s->in_port < SL_PORTS_MAX)
		id = f->world->port_network[f->s->in_port];
	return id < f->world->n_networks && f->world->networks[id].present ? id : 0;
}

static const struct sl_endpoint *find_endpoint(
	const struct sl_drop_facts *f, uint32_t network, const struct sl_ip *ip)
{
	struct sl_pmap_key key = sl_pmap_addr_key(network, ip);

	if (network == 0 || !f->v.has_addresses)
		return NULL;
	return sl_pmap_find(f->world->endpoints, &key);
}

static bool is_sender(const struct sl_drop_facts *f)
{
	return f->src != NULL && sl_mac_equal(&f->src->mac, &f->v.source_mac) &&
	       (f->origin == SL_SAMPLE_NOWHERE || f->origin == f->src->origin);
}

static void fill_packet(struct sl_recent_entry *e, const struct sl_drop_view *v)
{
	e->has_macs = v->has_macs;
	e->source_mac = v->source_mac;
	e->destination_mac = v->destination_mac;
	e->ethertype = v->ethertype;
	e->has_addresses = v->has_addresses;
	e->source = v->source;
	e->destination = v->destination;
	e->is_arp = v->ethertype == SL_DROP_ETH_ARP;
	e->proto = v->proto;
	e->has_ports = v->has_ports;
	e->source_port = v->source_port;
	e->destination_port = v->destination_port;
	e->has_outer = v->has_outer;
	e->outer_source = v->outer_source;
	e->outer_destination = v->outer_destination;
	e->has_vni = v->has_vni;
	e->vni = v->vni;
}

static void fill_names(struct sl_drop_facts *f, uint32_t network)
{
	struct sl_recent_entry *e = f->e;
	const struct sl_drop_names *n = f->names;
	bool judged =
		f->s->reason == SL_DROP_POLICY_INGRESS || f->s->reason == SL_DROP_POLICY_EGRESS;

	copy_name(e->network, f->net != NULL ? n->network(n->ctx, f->net->id) : "");
	copy_name(e->from, origin_name(f, f->origin));
	if (f->s->in_port != SL_PORT_NONE)
		copy_name(e->port, n->port(n->ctx, f->s->in_port));
	if (f->s->out_port != SL_PORT_NONE)
		copy_name(e->out_port, n->port(n->ctx, f->s->out_port));
	if (judged)
		copy_name(e->policy, n->policy(n->ctx, f->s->detail));
	f->src = find_endpoint(f, network, &f->v.source);
	f->dst = find_endpoint(f, network, &f->v.destination);
	if (is_sender(f))
		copy_name(e->endpoint, sl_drop_endpoint_name(f, f->src));
	if (f->dst != NULL)
		copy_name(e->to, sl_drop_endpoint_name(f, f->dst));
}

void sl_drop_explain(struct sl_recent_entry *e, const struct sl_sample *s,
	const struct sl_world *world, const struct sl_drop_names *names)
{
	struct sl_drop_facts f = {.s = s, .world = world, .names = names, .e = e};
	uint32_t network;

	memset(e, 0, sizeof(*e));
	e->reason = s->reason;
	e->culprit = s->culprit;
	e->audited = s->audited;
	e->lost = s->skipped;
	e->length = s->len;
	sl_drop_view_read(&f.v, s);
	f.origin = find_origin(&f);
	network = find_network(&f);
	f.net = network != 0 ? &world->networks[network] : NULL;
	fill_packet(e, &f.v);
	fill_names(&f, network);
	if (!sl_drop_say_bytes(&f))
		sl_drop_say_objects(&f);
}
