/* SPDX-License-Identifier: BSD-3-Clause */
#include "neighbor_link.h"

static bool on_send(void *ctx, uint16_t port, struct rte_mbuf *m)
{
	struct link *l = ctx;

	assert_int_equal(port, PORT);
	assert_true(l->n_sent < RTE_DIM(l->sent));
	l->sent[l->n_sent++] = m;
	return true;
}

static struct rte_mbuf *on_alloc(void *ctx)
{
	(void)ctx;
	return rte_pktmbuf_alloc(sl_test_pool());
}

static void on_changed(void *ctx, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	struct link *l = ctx;

	assert_true(l->many || (port == PORT && sl_ip_equal(ip, &l->hop)));
	l->n_changed++;
	l->has_mac = mac != NULL;
	if (mac != NULL)
		l->mac = *mac;
}

static bool on_source(
	void *ctx, uint16_t port, const struct sl_ip *to, struct sl_mac *mac, struct sl_ip *from)
{
	(void)ctx;
	(void)port;
	*mac = sl_test_mac("02:00:00:00:0a:01");
	*from = sl_test_ip(sl_ip_is_v4(to) ? "192.0.2.1" : "2001:db8::1");
	return true;
}

static bool on_ask(void *ctx, uint16_t port, const struct sl_ip *ip)
{
	struct link *l = ctx;

	assert_true(port == PORT && sl_ip_equal(ip, &l->hop));
	l->n_asked += l->by_kernel;
	return l->by_kernel;
}

static bool is_at(const struct sl_ip *ip, const char *text)
{
	struct sl_ip other = sl_test_ip(text);

	return sl_ip_equal(ip, &other);
}

static bool is_ours(void *ctx, uint16_t port, const struct sl_ip *ip)
{
	(void)ctx;
	return port == PORT && (is_at(ip, "192.0.2.1") || is_at(ip, "2001:db8::1"));
}

/* Another port has one more. */
static bool is_own(void *ctx, const struct sl_ip *ip)
{
	return is_ours(ctx, PORT, ip) || is_at(ip, "198.51.100.1");
}

static bool is_own_mac(void *ctx, const struct sl_mac *mac)
{
	const struct sl_mac own = sl_test_mac("02:00:00:00:0a:01");

	(void)ctx;
	return sl_mac_equal(mac, &own);
}

static void on_report(void *ctx, const struct sl_neighbor_event *ev)
{
	struct link *l = ctx;

	l->n_reported++;
	l->reported = *ev;
}

void forget_sent(struct link *l)
{
	rte_pktmbuf_free_bulk(l->sent, l->n_sent);
	l->n_sent = 0;
}

int setup(void **state)
{
	struct link *l = calloc(1, sizeof(*l));
	struct sl_neighbor_ops ops = {.ctx = l,
		.send = on_send,
		.alloc = on_alloc,
		.changed = on_changed,
		.source = on_source,
		.ask = on_ask,
		.is_ours = is_ours,
		.is_own = is_own,
		.is_own_mac = is_own_mac,
		.report = on_report,
		.counters = &l->counters,
		.samples = sl_test_samples()};

	assert_non_null(l);
	sl_test_rows(&l->counters);
	l->t = sl_neighbors_create(&ops);
	l->hop = sl_test_ip("192.0.2.2");
	l->tick = 1000;
	*state = l;
	return 0;
}

int teardown(void **state)
{
	struct link *l = *state;

	forget_sent(l);
	sl_neighbors_destroy(l->t);
	assert_int_equal(sl_test_pool_in_use(), 0);
	free(l);
	return 0;
}

struct rte_mbuf *data_packet(void)
{
	static struct sl_frame f;

	sl_frame_udp4(&f, 20);
	return sl_frame_mbuf(&f);
}

void hear_arp(struct link *l, uint16_t op, const char *mac, const char *sender, const char *target)
{
	static struct sl_frame f;

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:0a:01", .src = mac);
	sl_frame_arp(&f, .op = op, .sender_mac = mac, .sender = sender, .target = target);
	sl_frame_end(&f);
	sl_neighbor_hear(l->t, PORT, sl_frame_mbuf(&f), l->tick);
}

void pass(struct link *l, uint32_t ticks)
{
	while (ticks-- > 0)
		sl_neighbors_tick(l->t, ++l->tick);
}

const struct rte_arp_hdr *sent_arp(const struct link *l, unsigned int i)
{
	return rte_pktmbuf_mtod_offset(
		l->sent[i], const struct rte_arp_hdr *, sizeof(struct rte_ether_hdr));
}

void resolve(struct link *l)
{
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	hear_arp(l, RTE_ARP_OP_REPLY, OLD, "192.0.2.2", "192.0.2.1");
	forget_sent(l);
	l->n_changed = 0;
	pass(l, 2 * SECOND);
}

static void view_it(const struct sl_neighbor_view *v, void *ctx)
{
	*(struct sl_neighbor_view *)ctx = *v;
}

struct sl_neighbor_view view(struct link *l)
{
	struct sl_neighbor_view v = {0};

	sl_neighbors_walk(l->t, l->tick, view_it, &v);
	return v;
}

void assert_sent_to(const struct link *l, unsigned int i, const char *mac)
{
	const struct sl_mac to = sl_test_mac(mac);

	assert_true(l->n_sent > i);
	assert_int_equal(sent_arp(l, i)->arp_opcode, rte_cpu_to_be_16(RTE_ARP_OP_REQUEST));
	assert_bytes_equal(rte_pktmbuf_mtod(l->sent[i], const uint8_t *), 6, to.b, 6);
}
