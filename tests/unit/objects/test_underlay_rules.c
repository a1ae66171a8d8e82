/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Underlay configurations that can never work. Each is refused, or accepted with a notice of a
 * stated code; and that verdict is the same whichever way the configuration comes in: as a file,
 * object by object in either order, as one transaction or config.replace on top of a right one. A
 * state directory that has it is read, with the notice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

/* The tables are built here without an engine, so the applier is made by hand. */
#include "ctrl/apply/apply_internal.h"
#include "ctrl/objects/tables.h"
#include "dp/lib/addr_map.h"
#include "underlay_ways.h"

static void judge(size_t i, size_t way)
{
	const struct fault *f = &faults[i];
	struct verdict o = {0};
	char code[64];

	if (ways[way].reads_state && f->code == NULL)
		return;
	ways[way].go(f, &o);
	if (o.refused != (f->refused && !ways[way].reads_state))
		fail_msg("fault %zu (%s), %s: %s %s %s", i, given(f->code, ""), ways[way].name,
			o.refused ? "refused" : "accepted", o.e.path, o.e.message);
	if (!o.refused) {
		snprintf(code, sizeof(code), " %s ", f->code);
		if (strstr(o.codes, code) == NULL || strstr(o.words, f->word) == NULL)
			fail_msg("fault %zu (%s, \"%s\"), %s: %s", i, f->code, f->word,
				ways[way].name, o.words);
	} else if (strstr(o.e.message, f->word) == NULL || o.e.path[0] == '\0') {
		fail_msg("fault %zu, %s: \"%s\" is not in %s: %s", i, ways[way].name, f->word,
			o.e.path, o.e.message);
	}
}

static void verdict_is_the_same_whichever_way_a_fault_comes_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FAULTS; i++)
		for (size_t way = 0; way < N_WAYS; way++)
			judge(i, way);
}

static void right_configuration_has_no_notice(void **state)
{
	(void)state;
	for (size_t way = 0; way < N_WAYS; way++) {
		struct verdict o = {0};

		ways[way].go(&right, &o);
		if (o.refused || o.n > 0)
			fail_msg("%s: %s%s", ways[way].name, o.e.message, o.words);
	}
}

static void look_at_file(const struct sl_store *s, const struct sl_config *c)
{
	struct verdict o = {0};

	look(&o, s, c);
	if (o.n > 0)
		fail_msg("%s", o.words);
}

static void ready_configurations_have_no_notice(void **state)
{
	static const char *const names[] = {"null.json", "two-nodes-a.json", "two-nodes-b.json",
		"geneve-ipv6-a.json", "geneve-ipv6-b.json", "nat-gateway.json",
		"routed-fabric.json", "trunk.json"};
	char path[300];
	struct sl_err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/configs/%s", SL_SOURCE_ROOT, names[i]);
		assert_int_equal(sl_config_check(path, look_at_file, &e), 0);
	}
}

/* What a store holds, as changes of a transaction that adds it. */
struct everything {
	struct sl_change change[16];
	size_t n;
	enum sl_collection_id coll;
};

static bool add_one(const struct sl_object *o, void *ctx)
{
	struct everything *all = ctx;

	assert_true(all->n < 16);
	all->change[all->n++] = (struct sl_change){.coll = all->coll, .new_obj = o};
	return true;
}

static void add_all(struct everything *all, const struct sl_store *s, enum sl_collection_id coll)
{
	all->coll = coll;
	sl_store_walk(s, coll, add_one, all);
}

/* A node that has this node's address is in the state directory: nothing is taken as from it. */
static void own_address_is_no_senders_in_the_packet_path(void **state)
{
	static const struct fault own = {
		.nodes = "[" B "," NODE("tunnel", "203.0.113.1") "," NODE("port", "192.0.2.1") "]",
		.node = SELF("\"203.0.113.1\"")};
	struct sl_config *c = config_of(&own);
	struct verdict o = {0};
	static const struct sl_table_ops *const rows[] = {
		&sl_local_addresses_tables, &sl_node_addresses_tables};
	struct sl_pipeline pipeline = {0};
	struct sl_apply_env env = {.pipeline = &pipeline, .self = &c->node};
	struct sl_apply *apply = sl_apply_create(&env, rows, 2);
	struct sl_applier applier = sl_apply_applier(apply);
	const struct sl_addr_map *nodes;
	struct everything all = {0};
	struct loaded l;

	(void)state;
	load_state(&own, c, &l, &o);
	assert_false(o.refused);
	add_all(&all, l.store, SL_COLL_PORTS);
	add_all(&all, l.store, SL_COLL_NODES);
	assert_int_equal(applier.prepare(apply, l.store, all.change, all.n, &o.e), 0);
	nodes = apply->p.txn.world->node_by_addr;
	assert_int_not_equal(sl_addr_map_find4(nodes, inet_addr("192.0.2.2")), 0);
	assert_int_equal(sl_addr_map_find4(nodes, inet_addr("192.0.2.1")), 0);
	assert_int_equal(sl_addr_map_find4(nodes, inet_addr("203.0.113.1")), 0);
	applier.abort(apply);
	sl_apply_destroy(apply);
	unload_state(&l);
	sl_config_free(c);
}

/* A gateway outside all prefixes is on the link of the port that its route names. */
static void gateway_behind_a_named_port_is_on_its_link(void **state)
{
	static const struct fault named = {
		.ports = "[" UPLINK(ADDRESSES("\"192.0.2.1/32\"")) "," WEB "]",
		.nodes = "[" NODE("b", "198.51.100.2") "]",
		.neighbors = "[" NEIGHBOR("169.254.1.1") "]",
		.routes = "[{\"prefix\":\"0.0.0.0/0\",\"via\":\"169.254.1.1\",\"port\":"
			  "\"uplink\"}]"};

	(void)state;
	for (size_t way = 0; way < N_WAYS; way++) {
		struct verdict o = {0};

		ways[way].go(&named, &o);
		if (o.refused || o.n > 0)
			fail_msg("%s: %s%s", ways[way].name, o.e.message, o.words);
	}
}

/* Devices that look alike and do not meet. */
static const struct fault apart[] = {
	{DEVICES("net_af_xdp0,iface=x", "net_af_xdp1,iface=x,start_queue=1")},
	{DEVICES("net_af_xdp0,iface=x,start_queue=2,queue_count=2",
		"net_af_xdp1,iface=x,queue_count=2")},
	{DEVICES("net_af_packet7,iface=e0", "net_af_packet8,iface=E0")},
	{DEVICES("net_vhost0,iface=/run/v", "net_vhost1,iface=/run/V")},
	{DEVICES("net_vhost0,iface=/run/v", "net_virtio_user0,path=/run/v")},
	{DEVICES("net_virtio_user0,path=/dev/vhost-net", "net_virtio_user1,path=/dev/vhost-net")},
	{DEVICES("net_memif0", "net_memif1,id=1")},
	{DEVICES("net_memif0", "net_memif1,socket=/run/m")},
	{DEVICES("net_pcap0,rx_pcap=/tmp/a.pcap", "net_pcap1,rx_pcap=/tmp/a.pcap")},
	{DEVICES("net_pcap0,rx_pcap=/tmp/a.pcap", "net_af_packet7,iface=/tmp/a.pcap")},
	{DEVICES("0000:0a:00.0", "0000:0b:00.0")},
};

static void devices_that_only_look_alike_are_two_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
		struct verdict o = {0};

		by_file(&apart[i], &o);
		if (o.refused)
			fail_msg("%zu: %s", i, o.e.message);
	}
}

/* Of a network's own endpoints, those on other nodes, and their nodes only. */
static const struct fault roomy[] = {
	{.networks = "[" BLUE(",\"mtu\":9000") "]",
		.endpoints = "[" EP("web", "\"port\":\"web\"", "10.0.0.5") "]"},
	{.networks = "[" BLUE(",\"mtu\":1451") "]",
		.nodes = "[" B ",{\"name\":\"c\",\"address\":\"192.0.2.3\",\"mtu\":1500}]"},
	{.networks = "[" BLUE(",\"mtu\":1450") ",{\"name\":\"red\",\"vni\":7,\"mtu\":9000}]"},
};

static void ways_that_a_network_does_not_take_are_not_its_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(roomy) / sizeof(roomy[0]); i++) {
		struct verdict o = {0};

		by_file(&roomy[i], &o);
		if (o.refused || o.n > 0)
			fail_msg("%zu: %s%s", i, o.e.message, o.words);
	}
}

/* A fault in the state directory is no reason to refuse other changes. */
static void change_is_judged_by_what_it_brings(void **state)
{
	static const struct fault old = {
		.ports = "[" UP_RIGHT "," ACCESS("web", "net_pcap0,tx_pcap=/t") "," ACCESS(
			"w2", "net_pcap1,tx_pcap=/t") "]",
		.nodes = "[" NODE("me", "192.0.2.1") "," NODE("b", "192.0.2.2") "]"};
	static const struct {
		const char *port, *word; /* NULL: accepted */
	} changes[] = {
		{UPLINK(",\"mtu\":1700,\"addresses\":[\"192.0.2.1/24\"]"), NULL},
		{UPLINK(",\"mtu\":1700,\"addresses\":[\"192.0.2.1/24\",\"192.0.2.2/24\"]"),
			"192.0.2.2"},
		{"{\"name\":\"web\",\"role\":\"access\",\"mtu\":1400,\"devargs\":"
		 "\"net_pcap0,tx_pcap=/t\"}",
			NULL},
		{ACCESS("web", "net_pcap2,tx_pcap=/t"), "file /t"},
	};
	struct sl_config *c = config_of(&old);
	struct verdict o = {0};
	struct loaded l;

	(void)state;
	load_state(&old, c, &l, &o);
	assert_false(o.refused);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct sl_err e = {0};
		int ret = desired_do(l.store, SL_TXN_SET, "ports", changes[i].port, &e);

		if ((ret == 0) != (changes[i].word == NULL) ||
			(ret != 0 && strstr(e.message, changes[i].word) == NULL))
			fail_msg("change %zu: %s", i, ret == 0 ? "accepted" : e.message);
	}
	unload_state(&l);
	sl_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_configuration_has_no_notice),
		cmocka_unit_test(ready_configurations_have_no_notice),
		cmocka_unit_test(verdict_is_the_same_whichever_way_a_fault_comes_in),
		cmocka_unit_test(own_address_is_no_senders_in_the_packet_path),
		cmocka_unit_test(gateway_behind_a_named_port_is_on_its_link),
		cmocka_unit_test(devices_that_only_look_alike_are_two_ports),
		cmocka_unit_test(ways_that_a_network_does_not_take_are_not_its_limit),
		cmocka_unit_test(change_is_judged_by_what_it_brings),
	};

	return cmocka_run_group_tests_name("underlay_rules", tests, NULL, NULL);
}
