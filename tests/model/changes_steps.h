/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The changes of test_changes_model.c: two networks with the same addresses, MACs and labels, and
 * random transactions on them.
 * Threads: one.
 * Ownership: static.
 */
#ifndef SL_TESTS_CHANGES_STEPS_H
#define SL_TESTS_CHANGES_STEPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* The published world and each endpoint in it, to compare with a reference. */
#include "ctrl/apply/apply_internal.h"
#include "ctrl/objects/tables.h"
#include "ctrl/objects/collections.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/pipeline_ctl.h"
#include "tests/lib/desired.h"
#include "tests/lib/engine.h"
#include "tests/lib/owners.h"
#include "tests/lib/packet.h"

#define STEPS	    1500
#define PAIRS	    12		/* endpoints of a network that have connections */
#define ENDS	    (2 * PAIRS) /* blue's, then red's */
#define CONNECTIONS 96
#define FLOWS	    1024
#define PROGRAMMED  8

/* The present contents of an endpoint's object. */
struct end {
	bool there, v6;
	unsigned int place; /* 0..2 port, 3..5 node */
	unsigned int mac, app;
};

struct connection {
	unsigned int end[2];
	bool v6, tcp;
	uint16_t sport, dport;
	struct end was[2]; /* when it was opened */
};

static struct sl_engine *g;
static struct sl_pipeline *product, *reference;
static struct sl_tunnel_table *tunnels;
static struct sl_underlay *underlay;
static struct sl_apply *apply;
static struct sl_store *store;
static struct sl_world reference_world;
static struct end ends[ENDS], committed[ENDS];
static struct connection connections[CONNECTIONS];
static unsigned int n_connections, n_quiet, n_raised;
static unsigned int seed;
static struct sl_frame inner, outer;

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static bool chance(unsigned int percent)
{
	return pick(100) < percent;
}

static bool is_red(unsigned int end)
{
	return end >= PAIRS;
}

/* Number of its address and MAC, which are the same for its twin in the other network. */
static unsigned int number_of(unsigned int end)
{
	return end % PAIRS;
}

/* Transactions. When a step is refused, the whole transaction is aborted. */

static int step(struct sl_txn *t, enum sl_txn_verb verb, const char *coll, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int step(struct sl_txn *t, enum sl_txn_verb verb, const char *coll, const char *fmt, ...)
{
	struct sl_err e = {0};
	char json[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(json, sizeof(json), fmt, ap);
	va_end(ap);
	return desired_step(t, verb, coll, json, &e);
}

static int put_end(struct sl_txn *t, unsigned int i)
{
	const struct end *x = &ends[i];
	unsigned int number = number_of(i);
	char v6[32] = "", place[32];

	if (x->place < 3)
		snprintf(
			place, sizeof(place), "\"port\":\"%c%u\"", is_red(i) ? 'r' : 'p', x->place);
	else
		snprintf(place, sizeof(place), "\"node\":\"n%u\"", x->place - 3);
	if (x->v6)
		snprintf(v6, sizeof(v6), ",\"fd00::%u\"", 10 + number);
	return step(t, SL_TXN_PUT, "endpoints",
		"{\"name\":\"e%u\",\"network\":\"%s\",%s,\"mac\":\"02:00:00:00:%02x:%02x\","
		"\"addresses\":[\"10.0.0.%u\"%s],\"labels\":{\"app\":\"a%u\",\"env\":\"x\"}}",
		i, is_red(i) ? "red" : "blue", place, x->mac, number, 10 + number, v6, x->app);
}

static int change_end(struct sl_txn *t)
{
	unsigned int i = pick(ENDS);
	struct end *x = &ends[i];
	char key[16];

	if (x->there && chance(15)) {
		struct sl_err e;

		x->there = false;
		snprintf(key, sizeof(key), "e%u", i);
		return sl_txn_del(t, SL_COLL_ENDPOINTS, key, &e);
	}
	if (!x->there || chance(25))
		x->place = pick(6);
	if (chance(20))
		x->mac = pick(3);
	if (chance(40))
		x->app = pick(4);
	if (chance(20))
		x->v6 = !x->v6;
	x->there = true;
	return put_end(t, i);
}

/* Endpoints without connections. */
static int change_stranger(struct sl_txn *t)
{
	unsigned int i = pick(60);

	return step(t, SL_TXN_PUT, "endpoints",
		"{\"name\":\"s%u\",\"network\":\"blue\",\"node\":\"n%u\","
		"\"mac\":\"02:00:00:00:99:%02x\",\"addresses\":[\"10.0.1.%u\",\"fd00:1::%u\"],"
		"\"labels\":{\"app\":\"s%u\"}}",
		i, pick(3), pick(256), i, i, pick(5));
}

static int change_policy(struct sl_txn *t)
{
	static const char *const tiers[] = {"admin", "team", "baseline"};
	static const char *const actions[] = {"allow", "allow", "allow", "deny", "pass"};
	static const char *const networks[] = {
		"\"blue\"", "\"red\"", "[\"red\",\"blue\"]", "[\"green\",\"blue\"]", "\"*\""};
	static const char *const subjects[] = {"\"app\":\"a0\"", "\"app\":\"a1\"",
		"\"app\":\"a2\",\"env\":\"x\"", "\"env\":\"x\"", "\"app\":\"nobody\""};
	char peers[128] = "", ports[96] = "", key[16];
	unsigned int i = pick(10);

	snprintf(key, sizeof(key), "pol%u", i);
	if (sl_store_find(store, SL_COLL_POLICIES, key) != NULL && chance(40)) {
		struct sl_err e;

		return sl_txn_del(t, SL_COLL_POLICIES, key, &e);
	}
	switch (pick(5)) {
	case 0:
		snprintf(peers, sizeof(peers), ",\"peers\":[{\"labels\":{\"app\":\"a%u\"}}]",
			pick(4));
		break;
	case 1:
		snprintf(peers, sizeof(peers),
			",\"peers\":[{\"cidr\":\"10.0.0.%u/%u\",\"except\":[\"10.0.0.%u/32\"]}]",
			pick(2) * 16, 28, 10 + pick(PAIRS));
		break;
	case 2:
		snprintf(peers, sizeof(peers), ",\"peers\":[{\"entity\":\"%s\"}]",
			chance(50) ? "any" : "world");
		break;
	default:
		break;
	}
	if (chance(40))
		snprintf(ports, sizeof(ports), ",\"ports\":[{\"protocol\":\"%s\",\"port\":%u}]",
			chance(50) ? "tcp" : "udp", 80 + pick(2));
	return step(t, SL_TXN_PUT, "policies",
		"{\"name\":\"%s\",\"network\":%s,\"tier\":\"%s\",\"priority\":%u,"
		"\"direction\":\"%s\",\"subject\":{\"labels\":{%s}}%s%s,\"action\":\"%s\"}",
		key, networks[pick(5)], tiers[pick(3)], pick(4) * 100,
		chance(50) ? "ingress" : "egress", subjects[pick(RTE_DIM(subjects))], peers, ports,
		actions[pick(5)]);
}

static int change_network(struct sl_txn *t)
{
	static const char *const modes[] = {"enforce", "enforce", "audit", "observe"};

	return step(t, SL_TXN_SET, "networks",
		"{%s,\"policy_mode\":\"%s\",\"mtu\":%u,"
		"\"policy_default\":{\"ingress\":\"%s\",\"egress\":\"%s\"}}",
		chance(50) ? "\"name\":\"blue\",\"vni\":100" : "\"name\":\"red\",\"vni\":200",
		modes[pick(4)], chance(50) ? 1400 : 1450, chance(70) ? "allow" : "deny",
		chance(70) ? "allow" : "deny");
}

static int change_node(struct sl_txn *t)
{
	unsigned int i = pick(3);

	return step(t, SL_TXN_SET, "nodes",
		"{\"name\":\"n%u\",\"address\":\"192.0.2.%u\",\"mtu\":%u,\"zone\":\"z%u\"}", i,
		2 + i, chance(50) ? 1500 : 1300, pick(2));
}

/* Endpoints with exactly these labels get another identity, or their old one again. */
static int change_identity(struct sl_txn *t)
{
	unsigned int i = pick(4), number = 1000 + i;
	char key[16];

	snprintf(key, sizeof(key), "%u", number);
	if (sl_store_find(store, SL_COLL_IDENTITIES, key) != NULL && chance(70)) {
		struct sl_err e;

		return sl_txn_del(t, SL_COLL_IDENTITIES, key, &e);
	}
	return step(t, SL_TXN_PUT, "identities",
		"{\"id\":%u,\"labels\":{\"app\":\"a%u\",\"env\":\"x\"}}", number, pick(4));
}

/* Let its port carry another network, or none. */
static int change_other_network(struct sl_txn *t)
{
	struct sl_err e;

	if (sl_store_find(store, SL_COLL_ENDPOINTS, "green-1") != NULL)
		return sl_txn_del(t, SL_COLL_ENDPOINTS, "green-1", &e);
	return step(t, SL_TXN_ADD, "endpoints",
		"{\"name\":\"green-1\",\"network\":\"green\",\"port\":\"p3\","
		"\"mac\":\"02:00:00:00:98:01\",\"addresses\":[\"10.0.0.10\"]}");
}

static int change(struct sl_txn *t)
{
	unsigned int dice = pick(100);

	if (dice < 3)
		return change_other_network(t);
	if (dice < 35)
		return change_stranger(t);
	if (dice < 60)
		return change_end(t);
	if (dice < 85)
		return change_policy(t);
	if (dice < 91)
		return change_identity(t);
	return dice < 96 ? change_node(t) : change_network(t);
}

static void transact(void)
{
	uint64_t generation = apply->world->generation, commit = apply->world->commit;
	struct sl_txn *t = sl_txn_begin(store);
	unsigned int n = chance(80) ? 1 : 1 + pick(4);
	struct sl_err e = {0};
	int ret = 0;

	for (unsigned int i = 0; i < n && ret == 0; i++)
		ret = change(t);
	if (ret != 0)
		sl_txn_abort(t);
	else
		ret = sl_txn_commit(t, &e);
	if (ret != 0)
		memcpy(ends, committed, sizeof(ends));
	memcpy(committed, ends, sizeof(ends));
	n_raised += apply->world->generation != generation;
	n_quiet += apply->world->generation == generation && apply->world->commit != commit;
	sl_engine_poll(g);
}

#endif
