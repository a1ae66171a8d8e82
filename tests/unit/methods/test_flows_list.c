/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flows.list over connections that the test installs: what their packets become is listed, and they are
 * found by what they are on either side.
 */
#include "tests/lib/engine.h"

#include <stdlib.h>

#include "ctrl/methods/ctrl.h"
#include "ctrl/methods/methods.h"
#include "pipelines/pipeline_ctl.h"
#include "tests/lib/desired.h"
#include "tests/unit/flow/flow_test.h"

static struct sl_ctrl ctrl;
static struct fake_applier applier;
static const struct sl_method *const rows[] = {&sl_method_flows_list};
static const struct sl_rpc rpc = {.ctrl = &ctrl, .methods = rows, .n_methods = 1};
static struct flow_fixture x;

static uint32_t network(const char *name)
{
	return sl_store_find(ctrl.store, SL_COLL_NETWORKS, name)->id;
}

static int setup(void **state)
{
	(void)state;
	ctrl.engine = sl_test_engine();
	if (ctrl.engine == NULL)
		return -1;
	ctrl.pipeline = sl_pipeline_create(4096, 1, sl_engine_rcu(ctrl.engine));
	fake_applier_init(&applier);
	ctrl.store = sl_store_create(&applier.applier, NULL);
	desired_must(ctrl.store, SL_TXN_ADD, "networks", "{\"name\":\"blue\",\"vni\":100}");
	desired_must(ctrl.store, SL_TXN_ADD, "networks", "{\"name\":\"red\",\"vni\":200}");
	x.t = ctrl.pipeline->flows;
	x.rcu = sl_engine_rcu(ctrl.engine);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sl_rcu_drain(x.rcu);
	sl_pipeline_destroy(ctrl.pipeline);
	sl_store_destroy(ctrl.store);
	sl_engine_destroy(ctrl.engine);
	return 0;
}

/* From blue into red: 10.0.0.5 to 10.9.9.9 becomes 10.8.8.8 to 10.0.1.7. */
static struct sl_key4 key(void)
{
	return (struct sl_key4){.src_be = sl_test_ip4("10.0.0.5"),
		.dst_be = sl_test_ip4("10.9.9.9"),
		.sport_be = htons(4000),
		.dport_be = htons(80),
		.net_proto = sl_key_net_proto(network("blue"), IPPROTO_UDP)};
}

static void open_one(bool two)
{
	const uint16_t both = SL_REWRITE_SRC | SL_REWRITE_DST;
	struct sl_rewrite r = {.what = (uint16_t)(SL_REWRITE_MACS | SL_REWRITE_HOP |
						  (two ? both : 0)),
				  .src = sl_test_ip("10.8.8.8"),
				  .dst = sl_test_ip("10.0.1.7"),
				  .sport_be = htons(50000),
				  .dport_be = htons(8080)},
			  back = {.what = SL_REWRITE_MACS};
	struct sl_key4 k = key(), reply;
	struct flow_packet p = {.id = 1};
	struct sl_flow_install in;

	r.network = network(two ? "red" : "blue");
	sl_rewrite_finish4(&r, &k);
	sl_rewrite_back4(&r, &k, &back);
	reply = sl_rewrite_reply4(&r, IPPROTO_UDP);
	flow_clear(&x);
	flow_add(&x, &p);
	x.b.key4[0] = k;
	in = flow_resolution(&x, 0);
	in.generation = 0; /* names of ports are not of interest */
	in.policy_ingress = in.policy_egress = SL_FLOW_NOT_JUDGED;
	in.rewrite[0] = &r;
	in.rewrite[1] = &back;
	in.reply = two ? &reply : NULL;
	assert_non_null(sl_flow_install(x.t, 0, &x.b, 0, &in));
}

static void close_it(void)
{
	struct sl_key4 k = key();
	struct sl_key6 k6 = sl_key6_from4(&k);

	assert_int_equal(sl_flow_del(x.t, &k6, true), 0);
	sl_rcu_drain(x.rcu);
}

/* The answer to flows.list with these parameters; the caller frees it. */
static char *list(const char *params)
{
	char text[256];
	size_t len;
	char *answer;

	snprintf(text, sizeof(text),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"flows.list\",\"params\":{%s}}", params);
	answer = sl_rpc_answer(&rpc, text, strlen(text), SL_RPC_ROOT, &len);
	assert_non_null(answer);
	return answer;
}

static bool lists(const char *params, const char *piece)
{
	char *answer = list(params);
	bool has = strstr(answer, piece) != NULL;

	free(answer);
	return has;
}

static void translated_flow_is_listed_with_both_tuples(void **state)
{
	(void)state;
	open_one(true);
	assert_true(lists("", "\"source\":\"10.0.0.5\""));
	assert_true(lists("", "\"destination\":\"10.9.9.9\""));
	assert_true(lists("", "\"routed\":true"));
	assert_true(lists("", "\"rewritten\":{\"network\":\"red\",\"source\":\"10.8.8.8\","
			      "\"source_port\":50000,\"destination\":\"10.0.1.7\","
			      "\"destination_port\":8080}"));
	close_it();
}

static void translated_flow_is_found_by_either_tuple(void **state)
{
	static const char *const found[] = {"\"address\":\"10.0.0.5\"", "\"address\":\"10.9.9.9\"",
		"\"address\":\"10.8.8.8\"", "\"address\":\"10.0.1.7\"", "\"network\":\"blue\"",
		"\"network\":\"red\"", "\"network\":\"red\",\"address\":\"10.8.8.8\"",
		"\"network\":\"blue\",\"address\":\"10.9.9.9\""};
	static const char *const absent[] = {"\"address\":\"10.0.0.6\"",
		"\"network\":\"blue\",\"address\":\"10.8.8.8\"",
		"\"network\":\"red\",\"address\":\"10.0.0.5\""};

	(void)state;
	open_one(true);
	for (unsigned int i = 0; i < RTE_DIM(found); i++)
		assert_true(lists(found[i], "10.0.0.5\""));
	for (unsigned int i = 0; i < RTE_DIM(absent); i++)
		assert_true(lists(absent[i], "\"flows\":[]"));
	close_it();
}

static void routed_flow_has_one_tuple(void **state)
{
	(void)state;
	open_one(false);
	assert_true(lists("", "\"routed\":true"));
	assert_false(lists("", "rewritten"));
	assert_true(lists("\"network\":\"red\"", "\"flows\":[]"));
	close_it();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translated_flow_is_listed_with_both_tuples),
		cmocka_unit_test(translated_flow_is_found_by_either_tuple),
		cmocka_unit_test(routed_flow_has_one_tuple),
	};

	return cmocka_run_group_tests_name("flows.list", tests, setup, teardown);
}
