/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole daemon except its socket, with two workers. The two directions of every connection are
 * on different workers, while the control thread commits: each epoch allows another destination
 * port and moves the endpoint far-2, and from time to time receive queues move to the other worker.
 * A port driver of this test generates and checks packets in place of a device.
 *
 * A worker notes the epochs that were done before it made a burst (since), and those begun when it
 * transmits. Each packet that leaves must be right in one epoch from the first to the second. So it
 * must be allowed by the present policy or one since the packet arrived, and it must go to a node
 * that has had its endpoint since then. Packets that every epoch allows must all leave.
 *
 * EPOCHS=n runs for longer, SEED=n repeats. Also meant for the thread sanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "ctrl/daemon/daemon.h"
#include "ctrl/rpc/rpc.h"
#include "dp/lib/hash.h"
#include "dp/device/port_driver.h"
#include "pipelines/flow/flow_ctl.h"
#include "tests/lib/packet.h"

#define WORKERS	  2
#define MOVING	  4    /* destination ports; each epoch allows one */
#define PORT_BASE 1000 /* the first of them */
#define PORT_ANY  4000 /* allowed in every epoch */
#define PORT_NONE 5000 /* allowed in no epoch */
#define CLIENTS	  32
#define BURST	  48
#define SECONDS	  8 /* at most, however few the epochs, because machines can be slow and busy */
#define PLACES	  3 /* of far-2: node-b, node-c, nowhere */

enum far_host { FAR_1, FAR_2, N_FAR };
enum node { NODE_B, NODE_C, N_NODES };

struct source {
	uint64_t random;
	uint64_t since; /* epochs done before the present burst was made */
	uint64_t in, out, always_in, always_out, wrong_policy, wrong_place, strangers;
} __rte_cache_aligned;

static struct sl_ctrl *c;
static struct source sources[WORKERS];
static _Atomic(bool) flowing;
static _Atomic(uint64_t) begun, done; /* epochs */
static struct sl_frame access_frame[2][N_FAR], underlay_frame[2][N_FAR][N_NODES];

static uint32_t below(uint64_t *random, uint32_t n)
{
	*random += SL_HASH_K0;
	return (uint32_t)(sl_hash_fold(*random, *random ^ SL_HASH_K1) % n);
}

/* The contents of an epoch. */
static uint16_t port_of(uint64_t epoch)
{
	return (uint16_t)(PORT_BASE + epoch % MOVING);
}

static unsigned int place_of(uint64_t epoch)
{
	return epoch / 2 % PLACES;
}

static bool allowed(uint16_t port, uint64_t since, uint64_t until)
{
	if (port == PORT_ANY)
		return true;
	for (uint64_t e = since; e <= until; e++)
		if (port_of(e) == port)
			return true;
	return false;
}

static bool was_at(enum far_host host, unsigned int node, uint64_t since, uint64_t until)
{
	if (host == FAR_1)
		return node == NODE_B;
	for (uint64_t e = since; e <= until; e++)
		if (place_of(e) == node)
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
	uint32_t i = below(random, MOVING + 3);

	if (i < MOVING)
		return (uint16_t)(PORT_BASE + i);
	return i == MOVING ? PORT_NONE : PORT_ANY;
}

static void fill(struct source *s, struct rte_mbuf *m, bool underlay)
{
	static const uint8_t flags[] = {SL_TCP_SYN, SL_TCP_ACK, SL_TCP_ACK, SL_TCP_ACK,
		SL_TCP_SYN | SL_TCP_ACK, SL_TCP_FIN | SL_TCP_ACK, SL_TCP_RST};
	bool tcp = below(&s->random, 3) == 0;
	enum far_host host = below(&s->random, N_FAR);
	enum node node = below(&s->random, N_NODES);
	const struct sl_frame *f =
		underlay ? &underlay_frame[tcp][host][node] : &access_frame[tcp][host];
	uint16_t port = random_port(&s->random);
	uint16_t client = (uint16_t)(40000 + below(&s->random, CLIENTS));
	uint8_t *eth = rte_pktmbuf_mtod(m, uint8_t *);

	memcpy(eth, f->b, f->len);
	m->data_len = (uint16_t)f->len;
	m->pkt_len = f->len;
	if (underlay)
		eth += INNER;
	store16(eth + IP + 20, underlay ? port : client);
	store16(eth + IP + 22, underlay ? client : port);
	if (tcp)
		eth[IP + 33] = flags[below(&s->random, RTE_DIM(flags))];
	*payload(eth) = (uint8_t)node;
	s->always_in += !underlay && host == FAR_1 && port == PORT_ANY && !tcp;
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
	if (below(&s->random, 4) == 0)
		sched_yield(); /* the control thread may be on the same core */
	s->since = atomic_load(&done);
	if (rte_pktmbuf_alloc_bulk(sl_engine_pool(c->engine), pkts, BURST) != 0)
		return 0;
	for (unsigned int i = 0; i < BURST; i++)
		fill(s, pkts[i], is_uplink(queue));
	s->in += BURST;
	return BURST;
}

/* Packets that leave towards other nodes. */
static void check_tunnel(struct source *s, uint8_t *outer, uint64_t until)
{
	uint8_t *eth = outer + INNER;
	enum far_host host = far_of(eth + IP + 16);
	uint16_t port = load16(eth + IP + 22);
	unsigned int node = outer[IP + 19] == 2 ? NODE_B : NODE_C;

	s->wrong_policy += !allowed(port, s->since, until);
	s->wrong_place += !was_at(host, node, s->since, until);
	s->always_out += host == FAR_1 && port == PORT_ANY && !is_tcp(eth);
}

/* Packets that leave towards web-1. */
static void check_reply(struct source *s, uint8_t *eth, uint64_t until)
{
	s->wrong_policy += !allowed(load16(eth + IP + 20), s->since, until);
	s->wrong_place += !was_at(far_of(eth + IP + 12), *payload(eth), s->since, until);
}

static uint16_t transmit(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct source *s = mine();
	bool uplink = is_uplink(queue);
	uint64_t until = atomic_load(&begun);

	s->out += n;
	for (unsigned int i = 0; i < n; i++) {
		uint8_t *eth = rte_pktmbuf_mtod(pkts[i], uint8_t *);

		if (uplink && load16(eth + IP + 22) == 4789)
			check_tunnel(s, eth, until);
		else if (!uplink && load16(eth + 12) == 0x0800)
			check_reply(s, eth, until);
		else
			s->strangers++;
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

/* The control thread. */

static const char config[] =
	"{\"node\": {\"name\": \"node-a\", \"tunnel_addresses\": [\"192.0.2.1\"]},"
	" \"workers\": {\"cores\": [%u, %u], \"idle\": \"adaptive\", \"hugepages\": \"off\","
	"   \"memory_mb\": 384, \"max_flows\": 4096, \"packet_buffers\": 2048},"
	" \"ports\": ["
	"  {\"name\": \"web\", \"role\": \"access\", \"devargs\": \"mill0\","
	"   \"queues\": 2, \"workers\": [0, 1]},"
	"  {\"name\": \"uplink\", \"role\": \"underlay\", \"devargs\": \"mill1\","
	"   \"mac\": \"02:00:00:00:0a:01\", \"addresses\": [\"192.0.2.1/24\"],"
	"   \"queues\": 2, \"workers\": [1, 0]}],"
	" \"networks\": [{\"name\": \"blue\", \"vni\": 100, \"encap\": \"vxlan\","
	"   \"policy_default\": {\"ingress\": \"deny\", \"egress\": \"deny\"}}],"
	" \"nodes\": [{\"name\": \"node-b\", \"address\": \"192.0.2.2\"},"
	"  {\"name\": \"node-c\", \"address\": \"192.0.2.3\"}],"
	" \"neighbors\": ["
	"  {\"port\": \"uplink\", \"address\": \"192.0.2.2\", \"mac\": \"02:00:00:00:0b:01\"},"
	"  {\"port\": \"uplink\", \"address\": \"192.0.2.3\", \"mac\": \"02:00:00:00:0c:01\"}],"
	" \"endpoints\": ["
	"  {\"name\": \"web-1\", \"network\": \"blue\", \"port\": \"web\","
	"   \"mac\": \"02:00:00:00:00:05\", \"addresses\": [\"10.0.0.5\"],"
	"   \"labels\": {\"app\": \"web\"}},"
	"  {\"name\": \"far-1\", \"network\": \"blue\", \"node\": \"node-b\","
	"   \"mac\": \"02:00:00:00:00:07\", \"addresses\": [\"10.0.0.7\"],"
	"   \"labels\": {\"app\": \"far\"}},"
	"  {\"name\": \"far-2\", \"network\": \"blue\", \"node\": \"node-b\","
	"   \"mac\": \"02:00:00:00:00:08\", \"addresses\": [\"10.0.0.8\"],"
	"   \"labels\": {\"app\": \"far\"}}],"
	" \"policies\": ["
	"  {\"name\": \"always\", \"network\": \"blue\", \"tier\": \"team\", \"priority\": 1, "
	"\"direction\": \"egress\","
	"   \"subject\": {\"labels\": {\"app\": \"web\"}},"
	"   \"peers\": [{\"labels\": {\"app\": \"far\"}}], \"action\": \"allow\","
	"   \"ports\": [{\"protocol\": \"udp\", \"port\": 4000},"
	"    {\"protocol\": \"tcp\", \"port\": 4000}]},"
	"  {\"name\": \"moving\", \"network\": \"blue\", \"tier\": \"team\", \"priority\": 2, "
	"\"direction\": \"egress\","
	"   \"subject\": {\"labels\": {\"app\": \"web\"}},"
	"   \"peers\": [{\"labels\": {\"app\": \"far\"}}], \"action\": \"allow\","
	"   \"ports\": [{\"protocol\": \"udp\", \"port\": 1000},"
	"    {\"protocol\": \"tcp\", \"port\": 1000}]}]}";

static void call(const char *method, const char *params)
{
	const struct sl_method *m = sl_rpc_find(&c->rpc, method);
	cJSON *json = cJSON_Parse(params), *result = NULL;
	struct sl_session session;
	struct sl_stream *stream;
	struct sl_err e = {0};

	assert_non_null(m);
	assert_non_null(json);
	sl_session_local(&session, &c->rpc, SL_RPC_WRITE);
	if (sl_rpc_invoke(&session, m, json, NULL, &result, &stream, &e) != 0)
		fail_msg("%s: %s (%s)", method, e.message, e.path);
	cJSON_Delete(result);
	cJSON_Delete(json);
}

/* The operation on far-2 that leads from an epoch's place to the next one's; "" when it stays. */
static void far_2_operation(uint64_t epoch, char *text, size_t len)
{
	unsigned int from = place_of(epoch - 1), to = place_of(epoch);

	text[0] = '\0';
	if (from == to)
		return;
	if (to == PLACES - 1)
		snprintf(text, len,
			", {\"method\": \"endpoints.del\", \"params\": {\"name\": \"far-2\"}}");
	else
		snprintf(text, len,
			", {\"method\": \"endpoints.%s\", \"params\": {\"name\": \"far-2\","
			" \"network\": \"blue\", \"node\": \"node-%c\","
			" \"mac\": \"02:00:00:00:00:08\", \"addresses\": [\"10.0.0.8\"],"
			" \"labels\": {\"app\": \"far\"}}}",
			from == PLACES - 1 ? "add" : "set", to == NODE_B ? 'b' : 'c');
}

static void commit(uint64_t epoch)
{
	char far_2[400], text[1600];

	far_2_operation(epoch, far_2, sizeof(far_2));
	snprintf(text, sizeof(text),
		"{\"operations\": [{\"method\": \"policies.set\", \"params\": {\"name\": "
		"\"moving\", \"network\": \"blue\","
		" \"tier\": \"team\", \"priority\": 2, \"direction\": \"egress\","
		" \"subject\": {\"labels\": {\"app\": \"web\"}},"
		" \"peers\": [{\"labels\": {\"app\": \"far\"}}], \"action\": \"allow\","
		" \"ports\": [{\"protocol\": \"udp\", \"port\": %u},"
		" {\"protocol\": \"tcp\", \"port\": %u}]}}%s]}",
		port_of(epoch), port_of(epoch), far_2);
	atomic_store(&begun, epoch);
	call("txn.apply", text);
	atomic_store(&done, epoch);
}

static void turn(void)
{
	const struct sl_flow_timeouts to = {.tcp_new = 1,
		.udp_new = 1,
		.tcp_established = 2,
		.udp_established = 2,
		.tcp_closing = 1};
	struct sl_upcall up[64];
	static struct sl_sample sample[64];
	unsigned int n = sl_engine_upcalls(c->engine, up, RTE_DIM(up));

	for (unsigned int i = 0; i < n; i++)
		sl_underlay_upcall(c->underlay, &up[i]);
	sl_engine_samples(c->engine, sample, RTE_DIM(sample));
	sl_engine_poll(c->engine);
	sl_flow_age(c->pipeline->flows, &to, sl_engine_tick(c->engine), 64);
}

static uint64_t bursts_of(unsigned int worker)
{
	return sl_counter_read(&sl_engine_worker(c->engine, worker)->counters.bursts);
}

/* Waits until every worker has had some more bursts. */
static void let_flow(uint64_t bursts)
{
	uint64_t from[WORKERS];

	for (unsigned int w = 0; w < WORKERS; w++)
		from[w] = bursts_of(w);
	for (unsigned int w = 0; w < WORKERS; w++)
		while (bursts_of(w) - from[w] < bursts) {
			turn();
			sched_yield();
		}
}

/*
 * Each worker gets one of a port's two queues, so both always have some. Fails if a worker has not
 * run since the last move; then the next call tries again.
 */
static void move_queues(uint64_t *random)
{
	uint16_t port = (uint16_t)below(random, 2);
	unsigned int worker = below(random, WORKERS);
	struct sl_queue_move m[2] = {{port, 0, worker}, {port, 1, !worker}};

	sl_queues_move(c->engine, m, 2, NULL);
}

static unsigned int cores(unsigned int core[WORKERS])
{
	cpu_set_t all;
	unsigned int n = 0;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return 0;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && n < WORKERS; cpu--)
		if (CPU_ISSET(cpu, &all))
			core[n++] = (unsigned int)cpu;
	return n;
}

static void start_daemon(const unsigned int core[WORKERS])
{
	char dir[] = "/tmp/sluice-threads-XXXXXX", path[64], sock[64];
	char *argv[] = {NULL};
	struct sl_options o = {.config = path, .socket = sock, .argv = argv};
	struct sl_err e = {0};
	FILE *f;

	sl_port_drivers_register(mills);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/config", dir);
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, config, core[0], core[1]);
	assert_int_equal(fclose(f), 0);
	c = calloc(1, sizeof(*c));
	assert_non_null(c);
	if (sl_daemon_start(c, &o, &e) != 0)
		fail_msg("%s (%s)", e.message, e.path);
	unlink(path);
	unlink(sock);
	rmdir(dir);
}

static uint64_t summed(size_t offset)
{
	uint64_t v = 0;

	for (unsigned int w = 0; w < WORKERS; w++)
		v += *(const uint64_t *)(const void *)((const char *)&sources[w] + offset);
	return v;
}
#define sum(field) summed(offsetof(struct source, field))

static void add_counters(const struct sl_counters *n, uint64_t *in, uint64_t *out)
{
	*in += n->received + n->generated;
	*out += n->sent + n->consumed;
	for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
		*out += n->drops[r];
}

/* EAL waits for the workers without the thread sanitizer's knowledge; but it sees their
 * last RCU report. */
static void stop_workers(void)
{
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(sl_engine_rcu(c->engine));

	sl_engine_stop(c->engine);
	rte_rcu_qsbr_check(q, rte_rcu_qsbr_start(q), true);
}

/* Workers have stopped, so no packet is in flight. */
static void check_all_accounted_for(void)
{
	uint64_t in = 0, out = 0, received = 0, sent = 0;

	turn();
	add_counters(sl_engine_control_counters(c->engine), &in, &out);
	for (unsigned int w = 0; w < WORKERS; w++) {
		const struct sl_counters *n = &sl_engine_worker(c->engine, w)->counters;

		add_counters(n, &in, &out);
		received += n->received;
		sent += n->sent;
	}
	assert_int_equal(in, out);
	assert_int_equal(received, sum(in));
	assert_int_equal(sent, sum(out));
}

static void no_packet_leaves_that_policy_or_place_forbid(void **state)
{
	const char *epochs = getenv("EPOCHS"), *seed_given = getenv("SEED");
	uint64_t last = epochs != NULL ? strtoull(epochs, NULL, 0) : 200;
	uint64_t seed = seed_given != NULL ? strtoull(seed_given, NULL, 0) : (uint64_t)time(NULL);
	uint64_t random = seed, until;
	unsigned int core[WORKERS];

	(void)state;
	if (cores(core) < WORKERS) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
	printf("seed %llu\n", (unsigned long long)seed);
	start_daemon(core);
	for (unsigned int i = 0; i < 2 * N_FAR; i++)
		make_frames(i % 2, i / 2);
	for (unsigned int w = 0; w < WORKERS; w++)
		sources[w].random = seed + w + 1;
	atomic_store(&flowing, true);
	until = rte_rdtsc() + rte_get_tsc_hz() * SECONDS;
	for (uint64_t epoch = 1; epoch <= last && (epochs != NULL || rte_rdtsc() < until);
		epoch++) {
		let_flow(below(&random, 8));
		if (below(&random, 4) == 0)
			move_queues(&random);
		commit(epoch);
	}
	let_flow(8);
	atomic_store(&flowing, false);
	stop_workers();
	printf("%llu packets in, %llu out\n", (unsigned long long)sum(in),
		(unsigned long long)sum(out));
	assert_true(atomic_load(&done) >= MOVING);
	assert_int_equal(sum(wrong_policy), 0);
	assert_int_equal(sum(wrong_place), 0);
	assert_int_equal(sum(strangers), 0);
	assert_true(sum(always_in) > 0);
	assert_int_equal(sum(always_in), sum(always_out));
	assert_true(sum(out) > sum(always_out) * 2); /* replies, and what the epochs allow */
	check_all_accounted_for();
	sl_daemon_stop(c);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_packet_leaves_that_policy_or_place_forbid),
	};

	return cmocka_run_group_tests_name("pipeline threads", tests, NULL, NULL);
}
