/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does every commit affect the connections that it concerns, and no others? Two pipelines
 * carry the same packets through the same worlds. One is the product's, with the world as the
 * applier publishes it. In the other everything is stale at every step, so that each packet is
 * resolved from scratch. After every random transaction each connection must have the same
 * result in both. Half of the connections are in blue, half in red, between ends of equal
 * addresses, MACs and labels.
 */
#include <netinet/in.h>

#include "changes_steps.h"
#include "ctrl/objects/endpoints.h"

/* Owners: who is billed in the product's table. */
static struct billed {
	uint32_t owner, origin, network;
} billed[65536]; /* by endpoint id, as it was */

static unsigned int n_moved, n_open;

static void check_place(uint32_t number, uint32_t origin)
{
	struct sl_owner_view v;

	assert_true(sl_owner_view_next(product->flows, number, &v) && v.number == number);
	assert_false(v.closed);
	assert_int_equal(v.id, origin & ~SL_ORIGIN_NODE);
	assert_int_equal(v.kind, origin & SL_ORIGIN_NODE ? SL_OWNER_NODE : SL_OWNER_PORT);
}

/* The owner keeps its number while the endpoint stays in its place; a move gives it another. */
static bool check_owner(const struct sl_object *o, void *arg)
{
	const struct sl_endpoint *ep = apply->endpoint[o->id];
	struct billed now = {ep->owner, ep->origin, ep->network}, *was = &billed[o->id];
	struct sl_owner_view v;

	(void)arg;
	assert_true(o->id < RTE_DIM(billed));
	assert_true(sl_owner_view_next(product->flows, ep->owner, &v));
	assert_int_equal(v.number, ep->owner);
	assert_int_equal(v.kind, SL_OWNER_ENDPOINT);
	assert_false(v.closed);
	assert_int_equal(v.id, o->id);
	check_place(v.place, ep->origin);
	if (was->owner != 0) {
		bool moved = was->origin != now.origin || was->network != now.network;

		assert_int_equal(was->owner != now.owner, moved);
		n_moved += moved;
	}
	*was = now;
	n_open++;
	return true;
}

static void check_owners(void)
{
	struct sl_owner_view v = {.number = 0};
	unsigned int n = 0;

	for (uint32_t id = 0; id < RTE_DIM(billed); id++)
		if (sl_apply_endpoint_owner(apply, id) == 0)
			billed[id].owner = 0;
	n_open = 0;
	sl_store_walk(store, SL_COLL_ENDPOINTS, check_owner, NULL);
	while (sl_owner_view_next(product->flows, v.number + 1, &v))
		n += v.kind == SL_OWNER_ENDPOINT && !v.closed;
	assert_int_equal(n, n_open); /* no aborted transaction has left one behind */
	sl_test_bills_balance(product->flows);
}

/* Packets */

static void mac_of(const struct end *x, unsigned int i, char mac[18])
{
	snprintf(mac, 18, "02:00:00:00:%02x:%02x", x->mac, number_of(i));
}

static void build(const struct connection *c, unsigned int side, const struct end now[2])
{
	const unsigned int src = c->end[side], dst = c->end[!side];
	char mac[2][18], ip[2][32];
	uint16_t sport = side == 0 ? c->sport : c->dport, dport = side == 0 ? c->dport : c->sport;

	mac_of(&now[side], src, mac[0]);
	mac_of(&now[!side], dst, mac[1]);
	snprintf(ip[0], sizeof(ip[0]), c->v6 ? "fd00::%u" : "10.0.0.%u", 10 + number_of(src));
	snprintf(ip[1], sizeof(ip[1]), c->v6 ? "fd00::%u" : "10.0.0.%u", 10 + number_of(dst));
	sl_frame_start(&inner);
	sl_frame_eth(&inner, .dst = mac[1], .src = mac[0]);
	if (c->v6)
		sl_frame_ip6(&inner, .src = ip[0], .dst = ip[1]);
	else
		sl_frame_ip4(&inner, .src = ip[0], .dst = ip[1]);
	if (c->tcp)
		sl_frame_tcp(&inner, .sport = sport, .dport = dport,
			.flags = chance(90)   ? SL_TCP_ACK
				 : chance(80) ? SL_TCP_SYN
				 : chance(50) ? SL_TCP_FIN | SL_TCP_ACK
					      : SL_TCP_RST);
	else
		sl_frame_udp(&inner, .sport = sport, .dport = dport);
	sl_frame_payload(&inner, chance(90) ? 18 : 1340);
	sl_frame_end(&inner);
}

static void wrap(unsigned int node, uint32_t vni)
{
	char from[32];

	snprintf(from, sizeof(from), "192.0.2.%u", 2 + node);
	sl_frame_start(&outer);
	sl_frame_eth(&outer, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	sl_frame_ip4(&outer, .src = from, .dst = "192.0.2.1");
	sl_frame_udp(&outer, .sport = 50000, .dport = 4789, .no_checksum = true);
	sl_frame_vxlan(&outer, .vni = vni);
	sl_frame_copy(&outer, &inner, 0);
	sl_frame_end(&outer);
}

static void discard(struct sl_worker *w)
{
	struct sl_upcall up;

	for (unsigned int p = 0; p < SL_PORTS_MAX; p++) {
		struct sl_tx_buffer *t = sl_tx_buffer(w, (uint16_t)p);

		rte_pktmbuf_free_bulk(t->pkt, t->n);
		t->n = 0;
	}
	w->n_dirty = 0;
	while (sl_engine_upcalls(g, &up, 1) > 0)
		rte_pktmbuf_free(up.m);
}

struct fate {
	uint8_t verdict;
	struct sl_action act;
};

static struct fate carry(struct sl_pipeline *p, const char *port, const struct sl_frame *f)
{
	struct sl_worker *w = sl_engine_worker(g, 0);
	struct sl_burst *b = &w->burst;
	int id = sl_apply_port_id(apply, port);
	struct fate r = {0};

	assert_true(id >= 0);
	w->pipeline = p;
	b->n = 1;
	b->in_port = (uint16_t)id;
	b->pkt[0] = rte_pktmbuf_alloc(sl_engine_pool(g));
	memcpy(rte_pktmbuf_append(b->pkt[0], (uint16_t)f->len), f->b, f->len);
	sl_pipeline_run(w, sl_port_dp(g, (uint16_t)id), b);
	r.verdict = b->verdict[0];
	if (r.verdict == SL_SENT || r.verdict == SL_DROP_MTU_EXCEEDED) {
		r.act = b->meta[0].act;
		r.act.flags = 0;
	}
	discard(w);
	return r;
}

/* Sends the packet through both pipelines, which must agree. Returns the result. */
static struct fate compare(const struct connection *c, unsigned int side, const struct end now[2])
{
	static const char *const ports[2][6] = {
		{"p0", "p1", "p2", "up0", "up0", "up0"}, {"r0", "r1", "r2", "up0", "up0", "up0"}};
	bool red = is_red(c->end[0]);
	unsigned int place = now[side].place;
	const struct sl_frame *f = &inner;
	struct fate is, should;

	build(c, side, now);
	if (place >= 3) {
		wrap(place - 3, red ? 200 : 100);
		f = &outer;
	}
	reference_world = *apply->world;
	reference_world.commit = atomic_load(&reference->changes->all) + 1;
	reference_world.generation = reference_world.commit;
	atomic_store(&reference->changes->all, reference_world.commit);
	atomic_store(&reference->world, &reference_world);
	is = carry(product, ports[red][place], f);
	should = carry(reference, ports[red][place], f);
	if (is.verdict != should.verdict || memcmp(&is.act, &should.act, sizeof(is.act)) != 0)
		fail_msg("e%u:%u to e%u:%u, side %u: %u kind %u out %u mtu %u id %u, should be "
			 "%u kind %u out %u mtu %u id %u",
			c->end[0], c->sport, c->end[1], c->dport, side, is.verdict, is.act.kind,
			is.act.out, is.act.mtu, is.act.identity, should.verdict, should.act.kind,
			should.act.out, should.act.mtu, should.act.identity);
	return is;
}

/* Every second one is in red, and most of these have the five-tuple of the
 * previous one, in blue. */
static void open_connection(unsigned int i)
{
	struct connection *c = &connections[i];
	unsigned int first = i % 2 * PAIRS;
	struct end now[2];

	*c = (struct connection){.end = {pick(PAIRS), 0},
		.v6 = chance(40),
		.tcp = chance(50),
		.sport = (uint16_t)(40000 + pick(20000)),
		.dport = (uint16_t)(80 + pick(3))};
	c->end[1] = (c->end[0] + 1 + pick(PAIRS - 1)) % PAIRS;
	if (i % 2 == 1 && i >= PROGRAMMED && chance(70))
		*c = connections[i - 1];
	for (unsigned int k = 0; k < 2; k++)
		c->end[k] = first + number_of(c->end[k]);
	for (unsigned int k = 0; k < 2; k++)
		c->was[k] = now[k] = ends[c->end[k]];
	for (unsigned int k = 0; k < 4; k++)
		compare(c, k & 1, now);
	if (n_connections <= i)
		n_connections = i + 1;
}

static unsigned int check_connections(void)
{
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n_connections; i++) {
		const struct connection *c = &connections[i];
		struct end now[2];

		for (unsigned int k = 0; k < 2; k++)
			now[k] = chance(90) ? ends[c->end[k]] : c->was[k];
		sent += compare(c, pick(2), now).verdict == SL_SENT;
	}
	return sent;
}

/* Programmed entries, in both tables. */
static void program(unsigned int i)
{
	struct sl_flow_program p = {.v4 = true, .kind = pick(4)};
	struct connection *c = &connections[i];
	struct sl_ip ip;
	char text[32];

	c->tcp = c->v6 = false;
	p.target = p.kind == SL_PROGRAM_PORT
			   ? (uint32_t)sl_apply_port_id(apply, chance(50) ? "p0" : "p3")
			   : sl_store_find(store, SL_COLL_NODES, "n1")->id;
	for (unsigned int k = 0; k < 2; k++) {
		snprintf(text, sizeof(text), "10.0.0.%u", 10 + number_of(c->end[k]));
		ip = sl_test_ip(text);
		memcpy(k == 0 ? p.key.src : p.key.dst, ip.b, 16);
	}
	p.key.sport_be = rte_cpu_to_be_16(c->sport);
	p.key.dport_be = rte_cpu_to_be_16(c->dport);
	p.key.net_proto = sl_key_net_proto(
		sl_store_find(store, SL_COLL_NETWORKS, is_red(c->end[0]) ? "red" : "blue")->id,
		IPPROTO_UDP);
	assert_int_equal(sl_flow_program_add(product->flows, &p, 1), 0);
	assert_int_equal(sl_flow_program_add(reference->flows, &p, 1), 0);
}

static uint64_t hits(const struct sl_pipeline *p)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < p->n_policy_hits; i++)
		sum += p->policy_hits[0][i];
	return sum;
}

static void every_connection_feels_every_commit_that_concerns_it(void **state)
{
	unsigned int sent = 0;

	(void)state;
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		open_connection(i);
	for (unsigned int i = 0; i < PROGRAMMED; i++)
		program(i);
	for (unsigned int i = 0; i < STEPS; i++) {
		transact();
		if (chance(20)) {
			unsigned int which = PROGRAMMED + pick(CONNECTIONS - PROGRAMMED);

			open_connection(which);
		}
		sent += check_connections();
		sl_rcu_drain(sl_engine_rcu(g));
		check_owners();
	}
	assert_true(n_moved > STEPS / 20);
	print_message("%u sent, judged %" PRIu64 " and %" PRIu64
		      " times; %u commits concerned some, %u none\n",
		sent, hits(product), hits(reference), n_raised, n_quiet);
	assert_true(sent > STEPS * CONNECTIONS / 20);
	assert_true(
		hits(product) * 3 < hits(reference) * 2); /* denied packets are judged each time */
	assert_true(n_quiet > STEPS / 20);
	assert_true(n_raised > STEPS / 20);
}

/* A programmed entry: 0, or -EEXIST if the previous one is still there. */
static int redirect(uint32_t network, enum sl_programmed_kind kind, uint32_t target, uint16_t sport)
{
	struct sl_flow_program p = {.v4 = true, .kind = kind, .target = target};
	struct sl_ip src = sl_test_ip("10.9.0.1"), dst = sl_test_ip("10.9.0.2");

	memcpy(p.key.src, src.b, 16);
	memcpy(p.key.dst, dst.b, 16);
	p.key.sport_be = rte_cpu_to_be_16(sport);
	p.key.dport_be = rte_cpu_to_be_16(80);
	p.key.net_proto = sl_key_net_proto(network, IPPROTO_UDP);
	return sl_flow_program_add(product->flows, &p, 1);
}

static uint32_t id_of(enum sl_collection_id c, const char *key)
{
	return sl_store_find(store, c, key)->id;
}

static void entries_that_name_what_was_deleted_go_and_the_others_stay(void **state)
{
	uint32_t blue = id_of(SL_COLL_NETWORKS, "blue"), net, node, stays, port;

	(void)state;
	desired_must(store, SL_TXN_ADD, "networks", "{\"name\":\"violet\",\"vni\":400}");
	desired_must(store, SL_TXN_ADD, "nodes", "{\"name\":\"m\",\"address\":\"192.0.2.9\"}");
	desired_must(store, SL_TXN_ADD, "nodes", "{\"name\":\"s\",\"address\":\"192.0.2.8\"}");
	desired_must(store, SL_TXN_ADD, "ports",
		"{\"name\":\"p9\",\"role\":\"access\",\"devargs\":\"net_null27\"}");
	net = id_of(SL_COLL_NETWORKS, "violet");
	node = id_of(SL_COLL_NODES, "m");
	stays = id_of(SL_COLL_NODES, "s");
	port = (uint32_t)sl_apply_port_id(apply, "p9");
	for (unsigned int round = 0; round < 2; round++) {
		bool kept = round == 1;

		/* In the second round those that were removed can be added; the
		 * others still exist. */
		assert_int_equal(redirect(net, SL_PROGRAM_DENY, 0, 1), 0);
		assert_int_equal(redirect(blue, SL_PROGRAM_NODE, node, 2), 0);
		assert_int_equal(redirect(blue, SL_PROGRAM_PORT, port, 3), 0);
		assert_int_equal(redirect(blue, SL_PROGRAM_DENY, node, 4), kept ? -EEXIST : 0);
		assert_int_equal(redirect(blue, SL_PROGRAM_NODE, stays, 5), kept ? -EEXIST : 0);
		if (kept)
			break;
		desired_must_del(store, SL_COLL_NODES, "m");
		desired_must_del(store, SL_COLL_PORTS, "p9");
		desired_must_del(store, SL_COLL_NETWORKS, "violet");
		sl_rcu_drain(sl_engine_rcu(g));
		while (!sl_purge_turn(apply->purge, 1))
			;
	}
}

static uint64_t stamp_of(uint32_t network, uint32_t identity)
{
	return atomic_load(&product->changes->stamp[sl_change_of_identity(network, identity)]);
}

static void set_policy_of(const char *network)
{
	static unsigned int priority;
	char json[256];

	snprintf(json, sizeof(json),
		"{\"name\":\"scope\",\"network\":%s,\"priority\":%u,\"direction\":\"egress\","
		"\"subject\":{\"labels\":{\"env\":\"x\"}},\"action\":\"pass\"}",
		network, ++priority);
	desired_must(store, SL_TXN_PUT, "policies", json);
}

static void large_identity_is_not_one_of_another_network(void **state)
{
	(void)state;
	for (uint32_t network = 1; network < 100; network++)
		assert_int_not_equal(sl_change_of_identity(0, network << 16 | 300),
			sl_change_of_identity(network, 300));
}

static void policy_concerns_the_flows_of_its_networks_alone(void **state)
{
	static const char *const of[] = {"\"blue\"", "\"red\"", "\"*\""};
	const uint32_t network[] = {
		id_of(SL_COLL_NETWORKS, "blue"), id_of(SL_COLL_NETWORKS, "red"), 0};
	const struct sl_object *o;
	uint32_t identity;

	(void)state;
	desired_must(store, SL_TXN_ADD, "endpoints",
		"{\"name\":\"subject\",\"network\":\"blue\",\"node\":\"n0\",\"mac\":"
		"\"02:00:00:00:97:01\",\"addresses\":[\"10.0.2.1\"],\"labels\":{\"env\":\"x\"}}");
	o = sl_store_find(store, SL_COLL_ENDPOINTS, "subject");
	identity = sl_store_identity_of(store, &((const struct sl_endpoint_obj *)o)->labels);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t before[3];

		/* Only the second time: at first it leaves its former network. */
		set_policy_of(of[i]);
		for (unsigned int k = 0; k < 3; k++)
			before[k] = stamp_of(network[k], identity);
		set_policy_of(of[i]);
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(stamp_of(network[k], identity) > before[k], i == k);
	}
}

static void make_objects(void)
{
	desired_must(store, SL_TXN_ADD, "ports",
		"{\"name\":\"up0\",\"role\":\"underlay\",\"devargs\":\"net_null9\","
		"\"addresses\":[\"192.0.2.1/24\"],\"mac\":\"02:00:00:00:0a:01\"}");
	for (unsigned int i = 0; i < 7; i++) {
		char json[256];

		snprintf(json, sizeof(json),
			"{\"name\":\"%c%u\",\"role\":\"access\",\"devargs\":\"net_null%u\"}",
			i < 4 ? 'p' : 'r', i < 4 ? i : i - 4, 10 + i);
		desired_must(store, SL_TXN_ADD, "ports", json);
	}
	desired_must(store, SL_TXN_ADD, "networks", "{\"name\":\"blue\",\"vni\":100}");
	desired_must(store, SL_TXN_ADD, "networks", "{\"name\":\"red\",\"vni\":200}");
	desired_must(store, SL_TXN_ADD, "networks", "{\"name\":\"green\",\"vni\":300}");
	for (unsigned int i = 0; i < 3; i++) {
		char json[256];

		snprintf(json, sizeof(json), "{\"name\":\"n%u\",\"address\":\"192.0.2.%u\"}", i,
			2 + i);
		desired_must(store, SL_TXN_ADD, "nodes", json);
		snprintf(json, sizeof(json),
			"{\"port\":\"up0\",\"address\":\"192.0.2.%u\","
			"\"mac\":\"02:00:00:00:0b:01\"}",
			2 + i);
		desired_must(store, SL_TXN_ADD, "neighbors", json);
	}
	for (unsigned int i = 0; i < ENDS; i++) {
		struct sl_txn *t = sl_txn_begin(store);
		struct sl_err e;

		ends[i] = (struct end){true, true, i % 6, 0, i % 4};
		assert_int_equal(put_end(t, i), 0);
		assert_int_equal(sl_txn_commit(t, &e), 0);
	}
	memcpy(committed, ends, sizeof(ends));
}

static int start(void **state)
{
	static const struct sl_node_self self;
	struct sl_applier applier;
	const struct sl_table_ops *rows[SL_TABLE_ROWS_MAX];
	struct sl_apply_env env;

	(void)state;
	seed = getenv("SEED") != NULL ? (unsigned int)atoi(getenv("SEED"))
				      : (unsigned int)time(NULL);
	print_message("seed %u\n", seed);
	g = sl_test_engine();
	if (g == NULL)
		return -1;
	product = sl_pipeline_create(FLOWS, 1, sl_engine_rcu(g));
	reference = sl_pipeline_create(FLOWS, 1, sl_engine_rcu(g));
	tunnels = sl_tunnel_table_create(16, 1);
	underlay = sl_underlay_create(g, tunnels, self.tunnel_addresses.items,
		self.tunnel_addresses.n, sl_test_ignore_line);
	env = (struct sl_apply_env){g, product, tunnels, underlay, &self};
	apply = sl_apply_create(&env, rows, sl_table_rows(rows));
	applier = sl_apply_applier(apply);
	store = sl_store_create(&applier, NULL);
	make_objects();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sl_store_destroy(store);
	sl_apply_destroy(apply);
	sl_underlay_destroy(underlay);
	sl_tunnel_table_destroy(tunnels);
	sl_rcu_drain(sl_engine_rcu(g));
	sl_pipeline_destroy(product);
	sl_pipeline_destroy(reference);
	sl_engine_destroy(g);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_connection_feels_every_commit_that_concerns_it),
		cmocka_unit_test(entries_that_name_what_was_deleted_go_and_the_others_stay),
		cmocka_unit_test(large_identity_is_not_one_of_another_network),
		cmocka_unit_test(policy_concerns_the_flows_of_its_networks_alone),
	};

	return cmocka_run_group_tests_name("changes", tests, start, stop);
}
