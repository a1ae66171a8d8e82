/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig_internal.h"
#include "super.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "pipelines/flow/flow_ctl.h"
#include "pipelines/fragment/waiting_dp.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/pipeline_ctl.h"

#define MAX_FLOWS 4096

static void make_ports(struct sl_rig *r)
{
	sl_test_rows(&r->w->counters);
	for (uint16_t i = 0; i < SL_RIG_PORTS; i++) {
		r->w->counters.port[i] = &r->row[i];
		r->port[i] = (struct sl_port_dp){
			.id = i, .underlay = i == SL_RIG_UNDERLAY, .mtu = 1500, .n_txq = 1};
		r->port[i].mac = sl_test_mac("02:00:00:00:0a:01");
		atomic_store(&r->ports[i], &r->port[i]);
	}
}

struct sl_rig *sl_rig_create(void)
{
	return sl_rig_create_for(MAX_FLOWS);
}

struct sl_rig *sl_rig_create_for(uint32_t max_flows)
{
	struct sl_rig *r =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*r), RTE_CACHE_LINE_SIZE));

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->rcu = sl_rcu_create(1, SOCKET_ID_ANY);
	assert_non_null(r->rcu);
	r->w = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(struct sl_worker), RTE_CACHE_LINE_SIZE));
	assert_non_null(r->w);
	memset(r->w, 0, sizeof(*r->w));
	r->p = sl_pipeline_create(max_flows, 1, r->rcu);
	assert_non_null(r->p);
	r->tunnels = sl_tunnel_table_create(32, 1);
	assert_non_null(r->tunnels);
	make_ports(r);
	sl_rig_make_world(r);
	sl_rig_tunnel(r, true, true);
	r->tick = 100;
	r->w->pipeline = r->p;
	r->w->pool = sl_test_pool();
	r->w->ports = r->ports;
	r->w->tick = &r->tick;
	r->w->qsbr = sl_rcu_qsbr(r->rcu);
	assert_int_equal(sl_rings_init(&r->w->rings, 0, SOCKET_ID_ANY), 0);
	assert_int_equal(sl_samples_init(&r->w->samples, "sample", 0, SOCKET_ID_ANY, &r->tick,
				 &r->w->counters),
		0);
	return r;
}

static void check_sum(const struct sl_rig *r)
{
	const struct sl_counters *c = &r->w->counters;
	uint64_t dropped = 0;

	for (unsigned int i = 1; i < SL_DROP_COUNT; i++)
		dropped += c->drops[i];
	assert_int_equal(c->received + c->generated, c->sent + dropped + c->consumed);
}

void sl_rig_destroy(struct sl_rig *r)
{
	struct sl_upcall up;

	sl_rig_tick(r, SL_WAITING_TICKS);
	while (r->p->waiting[0]->n > 0)
		sl_pipeline_spare(r->w);
	sl_rig_discard(r);
	while (rte_ring_sc_dequeue_elem(r->w->rings.upcall, &up, sizeof(up)) == 0) {
		r->w->counters.consumed += sl_super_segments(up.m); /* the control thread's part */
		rte_pktmbuf_free(up.m);
	}
	check_sum(r);
	assert_int_equal(sl_test_pool_in_use(), 0);
	sl_rcu_drain(r->rcu);
	sl_pipeline_destroy(r->p);
	sl_tunnel_table_destroy(r->tunnels);
	sl_rig_free_world(r);
	sl_rings_fini(&r->w->rings);
	sl_samples_fini(&r->w->samples);
	free(r->w);
	sl_rcu_destroy(r->rcu);
	free(r);
}

struct sl_worker *sl_rig_worker(struct sl_rig *r)
{
	return r->w;
}

struct sl_pipeline *sl_rig_pipeline(struct sl_rig *r)
{
	return r->p;
}

struct sl_rcu *sl_rig_rcu(struct sl_rig *r)
{
	return r->rcu;
}

struct sl_policy_def sl_rig_rule(uint32_t slot, enum sl_tier tier, enum sl_direction direction,
	enum sl_rule_action action, const struct sl_label *subject)
{
	return (struct sl_policy_def){.slot = slot,
		.any_network = true,
		.tier = tier,
		.direction = direction,
		.action = action,
		.subject = {subject, 1},
		.any_peer = true,
		.any_port = true};
}

void sl_rig_program(struct sl_rig *r, enum sl_programmed_kind kind, uint32_t target)
{
	struct sl_flow_program p = {.v4 = true, .kind = kind, .target = target};
	struct sl_ip src = sl_test_ip("10.0.0.5"), dst = sl_test_ip("10.0.0.6");

	memcpy(p.key.src, src.b, 16);
	memcpy(p.key.dst, dst.b, 16);
	p.key.sport_be = htons(40000);
	p.key.dport_be = htons(53);
	p.key.net_proto = sl_key_net_proto(1, IPPROTO_UDP);
	assert_int_equal(sl_flow_program_add(r->p->flows, &p, 100), 0);
}

void sl_rig_offloads(struct sl_rig *r, uint16_t port)
{
	r->port[port].offloads_in = true;
}

void sl_rig_supers(struct sl_rig *r, uint32_t bytes)
{
	r->super_bytes = bytes;
	for (uint16_t port = 0; port < SL_RIG_PORTS; port++)
		sl_rig_offloads(r, port);
}

uint32_t sl_rig_segments(const struct sl_rig *r)
{
	return r->segments;
}

void sl_rig_port_refuses(struct sl_rig *r, uint16_t port, enum sl_drop why)
{
	r->port[port].refuse = (uint8_t)why;
}

void sl_rig_mac(struct sl_rig *r, uint16_t port, const char *mac)
{
	r->port[port].mac = sl_test_mac(mac);
}

void sl_rig_tick(struct sl_rig *r, uint32_t ticks)
{
	atomic_fetch_add(&r->tick, ticks);
}

void sl_rig_burst(struct sl_rig *r, uint16_t port, struct rte_mbuf **pkts, unsigned int n)
{
	struct sl_burst *b = &r->w->burst;

	memset(b->meta, 0xa5, sizeof(b->meta)); /* no stage may rely on what was there */
	memcpy(b->pkt, pkts, n * sizeof(*pkts));
	b->n = (uint16_t)n;
	b->in_port = port;
	r->w->counters.received += n;
	if (r->port[port].offloads_in)
		sl_note_offloads(r->w, pkts, n);
	sl_pipeline_run(r->w, &r->port[port], b);
}

static enum sl_drop counted_since(const struct sl_rig *r, const struct sl_counters *before)
{
	for (unsigned int i = 1; i < SL_DROP_COUNT; i++)
		if (r->w->counters.drops[i] != before->drops[i])
			return i;
	return SL_KEEP;
}

enum sl_drop sl_rig_send_mbuf(struct sl_rig *r, uint16_t port, struct rte_mbuf *m)
{
	struct sl_counters before = r->w->counters;

	if (r->super_bytes != 0)
		m = sl_super_grown(m, r->super_bytes, 1000);
	r->segments = sl_super_segments(m);
	sl_rig_burst(r, port, &m, 1);
	return counted_since(r, &before);
}

enum sl_drop sl_rig_spare(struct sl_rig *r)
{
	struct sl_counters before = r->w->counters;

	sl_pipeline_spare(r->w);
	return counted_since(r, &before);
}

enum sl_drop sl_rig_send_in_vain(struct sl_rig *r, uint16_t port, const struct sl_frame *f)
{
	assert_int_equal(sl_rig_send(r, port, f), SL_KEEP);
	assert_int_equal(sl_rig_spare(r), SL_KEEP);
	sl_rig_tick(r, SL_WAITING_TICKS);
	return sl_rig_spare(r);
}

enum sl_drop sl_rig_flush(struct sl_rig *r, uint16_t port)
{
	struct sl_counters before = r->w->counters;

	assert_int_not_equal(r->port[port].refuse, SL_KEEP);
	sl_tx_flush_port(r->w, port);
	return counted_since(r, &before);
}

enum sl_drop sl_rig_flush_dry(struct sl_rig *r, uint16_t port)
{
	struct rte_mempool *dry = rte_pktmbuf_pool_create("dry", 1, 0, 0, 2048, SOCKET_ID_ANY);
	struct sl_counters before = r->w->counters;
	struct rte_mbuf *last;

	assert_non_null(dry);
	last = rte_pktmbuf_alloc(dry);
	r->w->pool = dry;
	r->w->offloads = true;
	sl_tx_flush_port(r->w, port);
	r->w->offloads = false;
	r->w->pool = sl_test_pool();
	rte_pktmbuf_free(last);
	rte_mempool_free(dry);
	return counted_since(r, &before);
}

enum sl_drop sl_rig_send(struct sl_rig *r, uint16_t port, const struct sl_frame *f)
{
	return sl_rig_send_mbuf(r, port, sl_frame_mbuf(f));
}

struct rte_mbuf *sl_rig_sent(struct sl_rig *r, uint16_t port)
{
	struct sl_tx_buffer *t = sl_tx_buffer(r->w, port);
	struct rte_mbuf *m;

	if (t->n == 0)
		return NULL;
	m = t->pkt[0];
	t->n--;
	memmove(t->pkt, t->pkt + 1, t->n * sizeof(t->pkt[0]));
	r->w->counters.sent += sl_super_segments(m);
	return m;
}

bool sl_rig_sent_frame(struct sl_rig *r, uint16_t port, struct sl_frame *f)
{
	struct rte_mbuf *m = sl_rig_sent(r, port);

	if (m == NULL)
		return false;
	sl_frame_start(f);
	f->len = sl_test_mbuf_bytes(m, f->b, sizeof(f->b));
	rte_pktmbuf_free(m);
	return true;
}

void sl_rig_discard(struct sl_rig *r)
{
	struct rte_mbuf *m;

	for (uint16_t p = 0; p < SL_RIG_PORTS; p++)
		while ((m = sl_rig_sent(r, p)) != NULL)
			rte_pktmbuf_free(m);
	r->w->n_dirty = 0;
}

static void wrap_ip(struct sl_frame *outer, enum sl_family family, uint8_t proto)
{
	if (family == SL_FAMILY_IP6)
		sl_frame_ip6(outer, .src = "2001:db8::2", .dst = "2001:db8::1", .proto = proto);
	else
		sl_frame_ip4(outer, .src = "192.0.2.2", .dst = "192.0.2.1", .proto = proto);
}

void sl_rig_wrap_as(struct sl_frame *outer, const struct sl_frame *inner, enum sl_encap_id encap,
	enum sl_family family)
{
	static const uint8_t geneve[16] = {
		2, 0, 0x65, 0x58, 0, 0, 100, 0, 0xff, 1, 1, 1, 0, 0, 1003 >> 8, 1003 & 0xff};
	bool routed = encap == SL_ENCAP_IPIP;

	sl_frame_start(outer);
	sl_frame_eth(outer, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	wrap_ip(outer, family, !routed ? 0 : inner->b[12] == 0x86 ? 41 : 4);
	if (!routed)
		sl_frame_udp(outer, .sport = 50000, .dport = encap == SL_ENCAP_GENEVE ? 6081 : 4789,
			.no_checksum = true);
	if (encap == SL_ENCAP_GENEVE)
		sl_frame_bytes(outer, geneve, sizeof(geneve));
	else if (encap == SL_ENCAP_VXLAN_GBP)
		sl_frame_vxlan(outer, .vni = 100, .flags = 0x88, .group = 1003);
	else if (!routed)
		sl_frame_vxlan(outer, .vni = 100);
	sl_frame_copy(outer, inner, routed ? 14 : 0);
	sl_frame_end(outer);
}

void sl_rig_wrap(struct sl_frame *outer, const struct sl_frame *inner)
{
	sl_rig_wrap_as(outer, inner, SL_ENCAP_VXLAN, SL_FAMILY_IP4);
}
