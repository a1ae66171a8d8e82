/* SPDX-License-Identifier: BSD-3-Clause */
/* The underlay's side of the neighbour table: struct sl_neighbor_ops. */
#include <stdio.h>

#include "ctrl/shape/shape.h"
#include "neighbor_proto.h"
#include "sluice/link_local.h"
#include "sluice/super.h"
#include "underlay_impl.h"

/* A next hop's MAC became known, changed or was lost: updates every tunnel that uses it. */
static void changed(void *ctx, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	struct sl_underlay *u = ctx;
	struct sl_hop *h = sl_hop_find(u, port, ip);
	struct sl_member *m;

	if (h == NULL)
		return;
	h->resolved = mac != NULL;
	if (mac != NULL)
		h->mac = *mac;
	DL_FOREACH (h->members, m)
		sl_leg_publish(u, m->leg);
}

/* The tunnel of a packet that has waited for its next hop; NULL: it is no tunnel packet. */
static const struct sl_tunnel *tunnel_of(const struct sl_underlay *u, const struct rte_mbuf *m)
{
	uint32_t id = sl_parked_tunnel(m);

	if (sl_neighbor_proto_of(m) != NULL || id >= u->tunnels->n_slots)
		return NULL;
	return sl_tunnel_find(u->tunnels, id);
}

static bool send_frame(void *ctx, uint16_t port, struct rte_mbuf *m)
{
	struct sl_underlay *u = ctx;
	const struct sl_tunnel *t = tunnel_of(u, m);
	uint32_t packets = sl_super_segments(m), bytes = sl_super_bytes(m, packets);

	if (!sl_engine_inject(u->engine, port, m))
		return false;
	if (t != NULL)
		sl_tunnel_count_sent(u->tunnels, SL_TUNNEL_SEEN_CONTROL, t->id, packets,
			bytes - packets * t->hdr_len);
	return true;
}

static struct rte_mbuf *alloc(void *ctx)
{
	struct sl_underlay *u = ctx;

	return sl_engine_packet_new(u->engine);
}

/* Of the port itself: it follows from its MAC, and is not in the configuration. */
static bool is_link_local_of(const struct sl_uport *p, const struct sl_ip *ip)
{
	const struct sl_ip own = sl_ip_link_local(&p->mac);

	return sl_ip_equal(&own, ip);
}

/* RFC 4861 section 7.2.2: any address of the interface will do. */
static bool source(
	void *ctx, uint16_t port, const struct sl_ip *to, struct sl_mac *mac, struct sl_ip *from)
{
	const struct sl_underlay *u = ctx;
	const struct sl_uport *p = sl_uport_find(u, port);
	const struct sl_link *l = sl_reach_find_link(&u->reach, port);
	const struct sl_prefix *own = l != NULL ? sl_link_source(l, to) : NULL;

	if (p == NULL || (own == NULL && sl_ip_is_v4(to)))
		return false;
	*mac = p->mac;
	*from = own != NULL && !sl_ip_is_link_local(to) ? own->ip : sl_ip_link_local(&p->mac);
	return true;
}

static bool ask_host(void *ctx, uint16_t port, const struct sl_ip *ip)
{
	return sl_host_ask(ctx, port, ip);
}

static bool is_ours(void *ctx, uint16_t port, const struct sl_ip *ip)
{
	const struct sl_underlay *u = ctx;
	const struct sl_link *l = sl_reach_find_link(&u->reach, port);

	return l != NULL && (sl_link_has(l, ip) || is_link_local_of(sl_uport_find(u, port), ip));
}

static bool is_own(void *ctx, const struct sl_ip *ip)
{
	const struct sl_underlay *u = ctx;

	if (sl_reach_is_own(&u->reach, ip))
		return true;
	for (const struct sl_uport *p = u->ports; p != NULL && sl_ip_is_link_local(ip);
		p = p->hh.next)
		if (is_link_local_of(p, ip))
			return true;
	return false;
}

static bool is_own_mac(void *ctx, const struct sl_mac *mac)
{
	const struct sl_underlay *u = ctx;

	for (const struct sl_uport *p = u->ports; p != NULL; p = p->hh.next)
		if (sl_mac_equal(&p->mac, mac))
			return true;
	return false;
}

static void report(void *ctx, const struct sl_neighbor_event *ev)
{
	static const char *const words[] = {
		[SL_NEIGHBOR_MOVED] = "next hop %s on port %s moved from %s to %s",
		[SL_NEIGHBOR_CLAIMED] =
			"next hop %s on port %s is still at %s, and %s claimed to be it",
		[SL_NEIGHBOR_CONFLICT] =
			"address %s on port %s is this node's own%.0s, and %s claims it",
	};
	char ip[SL_IP_STR_LEN], mac[SL_MAC_STR_LEN], other[SL_MAC_STR_LEN], text[SL_NAME_LEN + 320];
	const struct sl_underlay *u = ctx;
	const struct sl_link *l = sl_reach_find_link(&u->reach, ev->port);
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), words[ev->kind], sl_format_ip(&ev->ip, ip),
		l != NULL ? l->name : "", sl_format_mac(&ev->mac, mac),
		sl_format_mac(&ev->other, other));
	if (ev->left_out > 0)
		snprintf(text + n, sizeof(text) - n, " (%u such lines were left out before)",
			ev->left_out);
	u->log(text);
}

struct sl_neighbor_ops sl_underlay_neighbor_ops(struct sl_underlay *u)
{
	return (struct sl_neighbor_ops){.ctx = u,
		.send = send_frame,
		.alloc = alloc,
		.changed = changed,
		.source = source,
		.ask = ask_host,
		.is_ours = is_ours,
		.is_own = is_own,
		.is_own_mac = is_own_mac,
		.report = report,
		.counters = sl_engine_control_counters(u->engine),
		.samples = sl_engine_control_samples(u->engine)};
}
