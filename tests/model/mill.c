/* SPDX-License-Identifier: BSD-3-Clause */
#include "mill.h"

#include <netinet/in.h>

#include <sched.h>
#include <stdio.h>

#include <rte_lcore.h>

#include "tests/lib/packet.h"

#define PORT_BASE 1000 /* the first of the ports that epochs allow */
#define PORT_ANY  4000 /* allowed in every epoch */
#define PORT_NONE 5000 /* allowed in no epoch */
#define CLIENTS	  32
#define BURST	  48

enum far_host { FAR_1, FAR_2, N_FAR };

/* Of one worker; no other thread writes it. */
struct source {
	uint64_t random;
	uint64_t since; /* epochs done before the present burst was made */
	struct mill_counts n;
} __rte_cache_aligned;

static struct source sources[MILL_WORKERS];
static struct rte_mempool *buffers;
static _Atomic(bool) flowing;
static _Atomic(uint64_t) begun, done; /* epochs */
static struct sl_frame access_frame[2][N_FAR], underlay_frame[2][N_FAR][N_NODES];

uint16_t mill_port_of(uint64_t epoch)
{
	return (uint16_t)(PORT_BASE + epoch % MILL_MOVING);
}

unsigned int mill_place_of(uint64_t epoch)
{
	return epoch / 2 % MILL_PLACES;
}

static bool allowed(uint16_t port, uint64_t since, uint64_t until)
{
	if (port == PORT_ANY)
		return true;
	for (uint64_t e = since; e <= until; e++)
		if (mill_port_of(e) == port)
			return true;
	return false;
}

static bool was_at(enum far_host host, unsigned int node, uint64_t since, uint64_t until)
{
	if (host == FAR_1)
		return node == NODE_B;
	for (uint64_t e = since; e <= until; e++)
		if (mill_place_of(e) == node)
			return true;
	return false;
}

/* Packets: copies of templates, with ports and one byte of payload set. */

static const char *const far_mac[] = {"02:00:00:00:00:07", "02:00:00:00:00:08"};
static const char *const far_ip[] = {"10.0.0.7", "10.0.0.8"};
static const char *const node_ip[] = {"192.0.2.2", "192.0.2.3"};

static void start_frame(struct sl_frame *f, bool tcp)
{
	if (tcp)
		sl_frame_tcp(f, .sport = 1);
	else
		sl_frame_udp(f, .sport = 1, .no_checksum = true);
	sl_frame_payload(f, 18);
	sl_frame_end(f);
}

static void make_frames(bool tcp, enum far_host host)
{
	struct sl_frame *f = &access_frame[tcp][host], inner;

	sl_frame_start(f);
	sl_frame_eth(f, .dst = far_mac[host], .src = "02:00:00:00:00:05");
	sl_frame_ip4(f, .src = "10.0.0.5", .dst = far_ip[host]);
	start_frame(f, tcp);
	sl_frame_start(&inner);
	sl_frame_eth(&inner, .dst = "02:00:00:00:00:05", .src = far_mac[host]);
	sl_frame_ip4(&inner, .src = far_ip[host], .dst = "10.0.0.5");
	start_frame(&inner, tcp);
	for (unsigned int n = 0; n < N_NODES; n++) {
		f = &underlay_frame[tcp][host][n];
		sl_frame_start(f);
		sl_frame_eth(f, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
		sl_frame_ip4(f, .src = node_ip[n], .dst = "192.0.2.1");
		sl_frame_udp(f, .sport = 50000, .dport = 4789, .no_checksum = true);
		sl_frame_vxlan(f, .vni = 100);
		sl_frame_copy(f, &inner, 0);
		sl_frame_end(f);
	}
}

enum {
	IP = 14,    /* of a frame without VLAN tags */
	INNER = 50, /* of a VXLAN frame over IPv4 */
};

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void store16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static bool is_tcp(const uint8_t *eth)
{
	return eth[IP + 9] == IPPROTO_TCP;
}

static uint8_t *payload(uint8_t *eth)
{
	return eth + IP + 20 + (is_tcp(eth) ? 20 : 8);
}

static enum far_host far_of(const uint8_t *addr)
{
	return addr[3] == 7 ? FAR_1 : FAR_2;
}

static uint16_t random_port(uint64_t *random)
{
	uint32_t i = mill_below(random, MILL_MOVING + 3);

	if (i < MILL_MOVING)
		return (uint16_t)(PORT_BASE + i);
	return i == MILL_MOVING ? PORT_NONE : PORT_ANY;
}

static void fill(struct source *s, struct rte_mbuf *m, bool underlay)
{
	static const uint8_t flags[] = {SL_TCP_SYN, SL_TCP_ACK, SL_TCP_ACK, SL_TCP_ACK,
		SL_TCP_SYN | SL_TCP_ACK, SL_TCP_FIN | SL_TCP_ACK, SL_TCP_RST};
	bool tcp = mill_below(&s->random, 3) == 0;
	enum far_host host = mill_below(&s->random, N_FAR);
	enum mill_node node = mill_below(&s->random, N_NODES);
	const struct sl_frame *f =
		underlay ? &underlay_frame[tcp][host][node] : &access_frame[tcp][host];
	uint16_t port = random_port(&s->random);
	uint16_t client = (uint16_t)(40000 + mill_below(&s->random, CLIENTS));
	uint8_t *eth = rte_pktmbuf_mtod(m, uint8_t *);

	memcpy(eth, f->b, f->len);
	m->data_len = (uint16_t)f->len;
	m->pkt_len = f->len;
	if (underlay)
		eth += INNER;
	store16(eth + IP + 20, underlay ? port : client);
	store16(eth + IP + 22, underlay ? client : port);
	if (tcp)
		eth[IP + 33] = flags[mill_below(&s->random, RTE_DIM(flags))];
	*payload(eth) = (uint8_t)node;
	s->n.always_in += !underlay && host == FAR_1 && port == PORT_ANY && !tcp;
}

static struct source *mine(void)
{
	return &sources[rte_lcore_id() - 1];
}

static bool is_uplink(const struct sl_port_device *d)
{
	return strcmp(d->device, "mill1") == 0;
}

static uint16_t receive(void *queue, struct rte_mbuf **pkts, uint16_t max)
{
	struct source *s = mine();

	if (!atomic_load(&flowing) || max < BURST)
		return 0;
	if (mill_below(&s->random, 4) == 0)
		sched_yield(); /* the control thread may be on the same core */
	s->since = atomic_load(&done);
	if (rte_pktmbuf_alloc_bulk(buffers, pkts, BURST) != 0)
		return 0;
	for (unsigned int i = 0; i < BURST; i++)
		fill(s, pkts[i], is_uplink(queue));
	s->n.in += BURST;
	return BURST;
}

/* Packets that leave towards other nodes. */
static void check_tunnel(struct source *s, uint8_t *outer, uint64_t until)
{
	uint8_t *eth = outer + INNER;
	enum far_host host = far_of(eth + IP + 16);
	uint16_t port = load16(eth + IP + 22);
	unsigned int node = outer[IP + 19] == 2 ? NODE_B : NODE_C;

	s->n.wrong_policy += !allowed(port, s->since, until);
	s->n.wrong_place += !was_at(host, node, s->since, until);
	s->n.always_out += host == FAR_1 && port == PORT_ANY && !is_tcp(eth);
}

/* Packets that leave towards web-1. */
static void check_reply(struct source *s, uint8_t *eth, uint64_t until)
{
	s->n.wrong_policy += !allowed(load16(eth + IP + 20), s->since, until);
	s->n.wrong_place += !was_at(far_of(eth + IP + 12), *payload(eth), s->since, until);
}

static uint16_t transmit(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct source *s = mine();
	bool uplink = is_uplink(queue);
	uint64_t until = atomic_load(&begun);

	s->n.out += n;
	for (unsigned int i = 0; i < n; i++) {
		uint8_t *eth = rte_pktmbuf_mtod(pkts[i], uint8_t *);

		if (uplink && load16(eth + IP + 22) == 4789)
			check_tunnel(s, eth, until);
		else if (!uplink && load16(eth + 12) == 0x0800)
			check_reply(s, eth, until);
		else
			s->n.strangers++;
	}
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static bool serves(const char *devargs)
{
	return strncmp(devargs, "mill", 4) == 0;
}

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	(void)port;
	(void)e;
	snprintf(name, size, "%s", devargs);
	return 0;
}

static int open_mill(struct sl_port_device *d, struct sl_err *e)
{
	(void)e;
	for (unsigned int q = 0; q < d->n_rxq; q++)
		d->rxq[q] = d;
	d->n_txq = d->n_workers;
	for (unsigned int q = 0; q < d->n_txq; q++)
		d->txq[q] = d;
	d->mac = d->mac_asked;
	d->mtu = 1500;
	d->keeps = SL_KEEPS_NOTHING;
	return 0;
}

static void close_mill(struct sl_port_device *d)
{
	(void)d;
}

static const struct sl_port_driver mill = {
	.name = "mill",
	.serves = serves,
	.parse = parse,
	.open = open_mill,
	.close = close_mill,
	.receive = receive,
	.transmit = transmit,
};
static const struct sl_port_driver *const mills[] = {&mill, NULL};

void mill_register(void)
{
	sl_port_drivers_register(mills);
}

void mill_epoch_begin(uint64_t epoch)
{
	atomic_store(&begun, epoch);
}

void mill_epoch_end(uint64_t epoch)
{
	atomic_store(&done, epoch);
}

uint64_t mill_epochs_done(void)
{
	return atomic_load(&done);
}

void mill_start(struct rte_mempool *pool, uint64_t seed)
{
	buffers = pool;
	for (unsigned int i = 0; i < 2 * N_FAR; i++)
		make_frames(i % 2, i / 2);
	for (unsigned int w = 0; w < MILL_WORKERS; w++)
		sources[w].random = seed + w + 1;
	atomic_store(&flowing, true);
}

void mill_stop(void)
{
	atomic_store(&flowing, false);
}

void mill_counts(struct mill_counts *sum)
{
	*sum = (struct mill_counts){0};
	for (unsigned int w = 0; w < MILL_WORKERS; w++) {
		const struct mill_counts *n = &sources[w].n;

		sum->in += n->in;
		sum->out += n->out;
		sum->always_in += n->always_in;
		sum->always_out += n->always_out;
		sum->wrong_policy += n->wrong_policy;
		sum->wrong_place += n->wrong_place;
		sum->strangers += n->strangers;
	}
}
