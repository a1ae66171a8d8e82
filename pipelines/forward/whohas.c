/* SPDX-License-Identifier: BSD-3-Clause */
#include "whohas.h"

#include "advert.h"
#include "dp/pmap.h"

#include <rte_ether.h>

static const struct sl_endpoint *find(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *ip)
{
	struct sl_pmap_key key = sl_pmap_addr_key(t->b->meta[i].network, ip);

	return sl_pmap_find(t->world->endpoints, &key);
}

/* 169.254.0.0/16, fe80::/10: no endpoint has one, and it means nothing behind another port. */
static bool is_link_local(const struct sl_ip *ip)
{
	if (sl_ip_is_v4(ip))
		return ip->b[12] == 169 && ip->b[13] == 254;
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

static bool is_at(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *ep)
{
	return ep->origin == t->b->meta[i].origin;
}

static bool is_sender(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	const struct sl_endpoint *ep)
{
	return ep != NULL && is_at(t, i, ep) && sl_mac_equal(&ep->mac, &q->mac);
}

/* The answer goes to the sender's MAC, which must be that of a host. */
static bool has_host_mac(const struct sl_whohas *q)
{
	return rte_is_valid_assigned_ether_addr(
		(const struct rte_ether_addr *)(const void *)q->mac.b);
}

/* A link-local source is of no endpoint; IPv6 stacks ask from it. */
static bool is_honest(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q)
{
	if (!sl_ip_is_v4(&q->sender) && is_link_local(&q->sender))
		return true;
	return is_sender(t, i, q, find(t, i, &q->sender));
}

/* One more announcement from where packet i came from? */
static bool within_rate(const struct sl_trip *t, unsigned int i)
{
	struct sl_announce_rate *r = &t->p->announce_rate[t->w->id];
	const struct sl_meta *m = &t->b->meta[i];
	uint32_t slot =
		m->origin & SL_ORIGIN_NODE ? sl_culprit_hash(m->origin, m->network) : m->origin;

	if (r->tick != t->tick) {
		memset(r->sent, 0, sizeof(r->sent));
		r->tick = t->tick;
	}
	if (r->sent[slot] >= SL_ANNOUNCEMENTS_PER_TICK)
		return false;
	r->sent[slot]++;
	return true;
}

/* Made anew from the table: no byte of the sender's reaches others. */
static void announce(const struct sl_trip *t, uint16_t port, const struct sl_whohas *q)
{
	struct rte_mbuf *m = sl_packet_new(t->w);
	char *frame = m != NULL ? rte_pktmbuf_append(m, SL_ANNOUNCEMENT_MAX) : NULL;
	unsigned int len;

	if (frame == NULL) {
		rte_pktmbuf_free(m);
		return;
	}
	len = sl_announcement_write(frame, &q->address, &q->mac);
	rte_pktmbuf_trim(m, (uint16_t)(SL_ANNOUNCEMENT_MAX - len));
	sl_count(&t->w->counters.generated, 1);
	sl_tx_put(t->w, port, m);
}

static enum sl_drop pass_on(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q)
{
	const struct sl_meta *m = &t->b->meta[i];

	if (!within_rate(t, i))
		return SL_DROP_ANNOUNCE_RATE;
	for (uint16_t port = 0; port < SL_PORTS_MAX; port++)
		if (t->world->port_network[port] == m->network && port != m->origin)
			announce(t, port, q);
	return SL_CONSUMED;
}

enum sl_drop sl_whohas_judge(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	const struct sl_endpoint **holder)
{
	const struct sl_endpoint *ep;

	if (!has_host_mac(q))
		return SL_DROP_SPOOFED;
	if (q->kind == SL_WHOHAS_QUESTION && !is_honest(t, i, q))
		return SL_DROP_SPOOFED;
	ep = find(t, i, &q->address);
	if (q->kind == SL_WHOHAS_ANNOUNCEMENT) {
		if (ep == NULL && is_link_local(&q->address))
			return SL_CONSUMED;
		return is_sender(t, i, q, ep) ? pass_on(t, i, q) : SL_DROP_SPOOFED;
	}
	if (ep != NULL && q->kind == SL_WHOHAS_PROBE && is_at(t, i, ep))
		return SL_CONSUMED;
	/* What came by tunnel is answered by the node where the holder lives. */
	if (ep == NULL || ((t->b->meta[i].origin & SL_ORIGIN_NODE) && !ep->local))
		return SL_DROP_ARP_UNANSWERED;
	if (is_sender(t, i, q, ep))
		return SL_CONSUMED; /* it asks for its own address */
	*holder = ep;
	return SL_KEEP;
}
