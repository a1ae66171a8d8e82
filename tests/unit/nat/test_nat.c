/* SPDX-License-Identifier: BSD-3-Clause */
/* Which address and port of this node a connection to the world gets. */
#include "tests/unit/flow/flow_test.h"

#include <pthread.h>

#include "pipelines/nat/nat_dp.h"

#define WORKERS 2
#define REMOTE	0xcb007101 /* 203.0.113.1 */

static struct flow_fixture shared;
static struct sl_pipeline pipeline;
static struct sl_worker worker[WORKERS];
static struct sl_nat_counts counts[WORKERS];
static struct sl_way_out out;
static const struct sl_world world; /* tunnels have the standard ports */

static int setup(void **state)
{
	(void)state;
	flow_setup(&shared, 65536, WORKERS);
	memset(counts, 0, sizeof(counts));
	pipeline = (struct sl_pipeline){.flows = shared.t};
	for (unsigned int w = 0; w < WORKERS; w++) {
		worker[w].id = w;
		pipeline.nat[w] = &counts[w];
	}
	out = (struct sl_way_out){.kind = SL_OUTSIDE_NAT,
		.n4 = 1,
		.port = SL_PORT_NONE,
		.first = 40000,
		.last = 40003,
		.address = {sl_ip_from_v4(htonl(0xc0000201))},
		.address_port = {SL_PORT_NONE}};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	flow_teardown(&shared);
	return 0;
}

/* The first packet of a connection from a workload; 0 in any field but network: a default. */
struct opener {
	uint32_t network, src, dst;
	uint16_t sport, dport;
	uint8_t proto;
};

static void put_packet(struct flow_fixture *x, const struct opener *o)
{
	const struct flow_packet p = {.proto = o->proto};
	unsigned int i;

	flow_clear(x);
	i = flow_add(x, &p);
	x->b.key4[i] = (struct sl_key4){.src_be = htonl(0x0a000000 | o->src),
		.dst_be = htonl(o->dst != 0 ? o->dst : REMOTE),
		.sport_be = htons(o->sport),
		.dport_be = htons(o->dport != 0 ? o->dport : 443),
		.net_proto = sl_key_net_proto(o->network, o->proto != 0 ? o->proto : IPPROTO_UDP)};
	x->b.meta[i].proto = sl_key_proto(x->b.key4[i].net_proto);
	x->b.meta[i].network = o->network;
	x->b.meta[i].hash = sl_key4_hash(&x->b.key4[i]);
	if (o->proto == IPPROTO_ICMP)
		x->b.meta[i].flags |= SL_P_ICMP_ECHO;
}

/* Chooses a source and installs the connection, as the miss path does. */
static enum sl_drop open_on(
	struct flow_fixture *x, unsigned int w, const struct opener *o, struct sl_nat_source *src)
{
	struct sl_trip t = {
		.w = &worker[w], .p = &pipeline, .world = &world, .b = &x->b, .tick = 7};
	enum sl_drop d;

	put_packet(x, o);
	for (unsigned int k = 0; k < 4; k++) {
		struct sl_flow_install in = flow_resolution(x, 0);

		d = sl_nat_choose(&t, 0, &out, 2, src);
		if (d != SL_KEEP)
			return d;
		in.reply = &src->reply4;
		if (sl_flow_install(shared.t, w, &x->b, 0, &in) != NULL)
			return SL_KEEP;
	}
	return SL_DROP_FLOW_TABLE_FULL;
}

static enum sl_drop open_one(const struct opener *o, struct sl_nat_source *src)
{
	return open_on(&shared, 0, o, src);
}

static void keeps_the_port_of_the_workload_when_it_is_free(void **state)
{
	const struct opener o = {.network = 1, .src = 5, .sport = 40002};
	struct sl_nat_source src;

	(void)state;
	assert_int_equal(open_one(&o, &src), SL_KEEP);
	assert_int_equal(ntohs(src.port_be), 40002);
	assert_true(sl_ip_equal(&src.ip, &out.address[0]));
	assert_int_equal(src.reply4.src_be, htonl(REMOTE));
	assert_int_equal(sl_key_network(src.reply4.net_proto), SL_NETWORK_UNDERLAY);
}

static void gives_two_workloads_with_one_port_two_ports(void **state)
{
	const struct opener a = {.network = 1, .src = 5, .sport = 40002},
			    b = {.network = 1, .src = 6, .sport = 40002};
	struct sl_nat_source x, y;

	(void)state;
	assert_int_equal(open_one(&a, &x), SL_KEEP);
	assert_int_equal(open_one(&b, &y), SL_KEEP);
	assert_int_not_equal(x.port_be, y.port_be);
	assert_in_range(ntohs(y.port_be), out.first, out.last);
}

static void uses_a_port_once_for_each_remote(void **state)
{
	struct opener o = {.network = 1, .src = 5, .sport = 1000};
	struct sl_nat_source src;

	(void)state;
	out.first = out.last = 40000;
	for (uint32_t k = 0; k < 100; k++) {
		o.dst = REMOTE + k;
		o.dport = (uint16_t)(80 + k % 2);
		assert_int_equal(open_one(&o, &src), SL_KEEP);
		assert_int_equal(ntohs(src.port_be), 40000);
	}
	o = (struct opener){.network = 1, .src = 6, .sport = 1000, .dst = REMOTE + 99, .dport = 81};
	assert_int_equal(open_one(&o, &src), SL_DROP_NAT_EXHAUSTED);
	o.proto = IPPROTO_TCP;
	assert_int_equal(open_one(&o, &src), SL_KEEP);
}

static void is_exhausted_by_exactly_as_many_connections_as_ports(void **state)
{
	struct opener o = {.network = 3, .sport = 1000};
	struct sl_nat_source src;
	bool used[4] = {false};
	struct sl_key6 key;

	(void)state;
	for (o.src = 1; o.src <= 4; o.src++) {
		assert_int_equal(open_one(&o, &src), SL_KEEP);
		assert_false(used[ntohs(src.port_be) - out.first]);
		used[ntohs(src.port_be) - out.first] = true;
	}
	assert_int_equal(open_one(&o, &src), SL_DROP_NAT_EXHAUSTED);
	assert_int_equal(counts[0].exhausted, 1);
	assert_int_equal(counts[0].exhausted_network, 3);
	assert_int_equal(counts[0].exhausted_tick, 7);
	/* The first connection ends. */
	o.src = 1;
	put_packet(&shared, &o);
	key = sl_key6_from4(&shared.b.key4[0]);
	assert_int_equal(sl_flow_del(shared.t, &key, true), 0);
	sl_rcu_drain(shared.rcu);
	o.src = 5;
	assert_int_equal(open_one(&o, &src), SL_KEEP);
}

static void takes_a_second_address_when_the_first_has_no_port_left(void **state)
{
	struct opener o = {.network = 1, .src = 5};
	unsigned int of[2] = {0};
	struct sl_nat_source src;

	(void)state;
	out.n4 = 2;
	out.address[1] = sl_ip_from_v4(htonl(0xc0000202));
	out.address_port[1] = SL_PORT_NONE;
	for (o.sport = 1; o.sport <= 8; o.sport++) {
		assert_int_equal(open_one(&o, &src), SL_KEEP);
		of[sl_ip_equal(&src.ip, &out.address[1])]++;
		/* The same workload keeps one address as long as it has ports. */
		if (o.sport == 4)
			assert_true(of[0] == 4 || of[1] == 4);
	}
	assert_int_equal(open_one(&o, &src), SL_DROP_NAT_EXHAUSTED);
}

static void does_not_take_an_address_of_another_port(void **state)
{
	const struct opener o = {.network = 1, .src = 5};
	struct sl_nat_source src;

	(void)state;
	out.address_port[0] = 3;
	assert_int_equal(open_one(&o, &src), SL_DROP_ROUTE_NONE);
}

/* One network opens all it can, then another one comes. */
static void a_network_takes_half_of_shared_ports_and_leaves_the_other_some(void **state)
{
	struct opener o = {.network = 1};
	unsigned int first = 0, second = 0;
	struct sl_nat_source src;

	(void)state;
	out.first = 1024;
	out.last = 1024 + 63;
	out.shared = true;
	for (o.src = 1; o.src <= 100; o.src++)
		first += open_one(&o, &src) == SL_KEEP;
	assert_int_equal(first, 32);
	o.network = 2;
	for (o.src = 1; o.src <= 100; o.src++)
		second += open_one(&o, &src) == SL_KEEP;
	assert_in_range(second, 4, 28);
}

static void translates_the_identifier_of_a_ping(void **state)
{
	const struct opener a = {
		.network = 1, .src = 5, .sport = 40001, .dport = 8 << 8, .proto = IPPROTO_ICMP};
	struct opener b = a;
	struct sl_nat_source x, y;

	(void)state;
	b.src = 6;
	assert_int_equal(open_one(&a, &x), SL_KEEP);
	assert_int_equal(ntohs(x.port_be), 40001);
	assert_int_equal(x.reply4.sport_be, htons(8 << 8));
	assert_int_equal(x.reply4.dport_be, htons(40001));
	assert_int_equal(open_one(&b, &y), SL_KEEP);
	assert_int_not_equal(y.port_be, x.port_be);
}

/* Replies to such a port would be taken for tunnel packets. */
static void never_takes_a_port_where_tunnel_packets_are_received(void **state)
{
	struct opener o = {.network = 1, .src = 5, .sport = 4789};
	struct sl_nat_source src;

	(void)state;
	out.first = out.last = 4789;
	assert_int_equal(open_one(&o, &src), SL_DROP_NAT_EXHAUSTED);
	o.proto = IPPROTO_TCP;
	assert_int_equal(open_one(&o, &src), SL_KEEP);
}

#define EACH 1500 /* connections of each thread */

struct thread {
	pthread_t id;
	struct flow_fixture x;
	unsigned int worker, opened;
	uint16_t port[EACH];
};

static void *open_many(void *arg)
{
	struct thread *th = arg;
	struct opener o = {.network = 1, .src = 100 * (th->worker + 1)};
	struct sl_nat_source src;

	if (rte_thread_register() != 0)
		return NULL;
	for (unsigned int k = 0; k < EACH; k++) {
		o.sport = (uint16_t)(1024 + k);
		if (open_on(&th->x, th->worker, &o, &src) == SL_KEEP)
			th->port[th->opened++] = ntohs(src.port_be);
	}
	rte_thread_unregister();
	return NULL;
}

/* All workloads want the same ports, to the same remote, at the same time. */
static void two_workers_never_give_one_port_twice(void **state)
{
	static struct thread th[WORKERS];
	static bool used[UINT16_MAX + 1];
	unsigned int opened = 0;

	(void)state;
	out.first = 1024;
	out.last = 1024 + 3999;
	memset(used, 0, sizeof(used));
	for (unsigned int w = 0; w < WORKERS; w++) {
		th[w] = (struct thread){.worker = w};
		th[w].x.t = shared.t;
		th[w].x.tick = 1000;
		th[w].x.generation = GENERATION;
		assert_int_equal(pthread_create(&th[w].id, NULL, open_many, &th[w]), 0);
	}
	for (unsigned int w = 0; w < WORKERS; w++) {
		pthread_join(th[w].id, NULL);
		for (unsigned int k = 0; k < th[w].opened; k++) {
			assert_in_range(th[w].port[k], out.first, out.last);
			assert_false(used[th[w].port[k]]);
			used[th[w].port[k]] = true;
		}
		opened += th[w].opened;
	}
	/* Three quarters of the ports are in use at the end: a search fails once in 10^7 times. */
	assert_int_equal(opened, WORKERS * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(keeps_the_port_of_the_workload_when_it_is_free),
		T(gives_two_workloads_with_one_port_two_ports),
		T(uses_a_port_once_for_each_remote),
		T(is_exhausted_by_exactly_as_many_connections_as_ports),
		T(takes_a_second_address_when_the_first_has_no_port_left),
		T(does_not_take_an_address_of_another_port),
		T(a_network_takes_half_of_shared_ports_and_leaves_the_other_some),
		T(translates_the_identifier_of_a_ping),
		T(never_takes_a_port_where_tunnel_packets_are_received),
		T(two_workers_never_give_one_port_twice),
#undef T
	};

	return cmocka_run_group_tests_name("nat", tests, sl_test_eal, NULL);
}
