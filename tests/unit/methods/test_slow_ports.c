/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that add ports whose devices take long to open: they wait, everybody else goes on, and no
 * device stays open that no port was made of. The store, the applier and the engine are the real
 * ones; the devices are stubs (stub_driver.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "ctrl/methods/objects.h"
#include "ctrl/model/store.h"
#include "ctrl/objects/tables.h"
#include "ctrl/rpc/reply.h"
#include "ctrl/rpc/session.h"
#include "dp/device/port_driver.h"
#include "pipelines/pipeline_ctl.h"
#include "tests/lib/engine.h"
#include "tests/unit/dp/stub_driver.h"

enum {
	DEADLINE_S = 20,
	TURN_MS_MOST = SLOW_MS * 2 / 3, /* of wall clock: the machine may be busy */
};

#define PORT(name, devargs) \
	"{\"name\":\"" name "\",\"role\":\"access\",\"devargs\":\"" devargs "\"}"
#define CALL(method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}"
#define ADD(name, devargs)	  CALL("ports.add", PORT(name, devargs))
#define DEL(name)		  CALL("ports.del", "{\"name\":\"" name "\"}")
#define OPERATION(method, params) "{\"method\":\"" method "\",\"params\":" params "}"
#define APPLY(operations)	  CALL("txn.apply", "{\"operations\":[" operations "]}")
#define NETWORK(name, vni)	  "{\"name\":\"" name "\",\"vni\":" vni "}"
#define REPLACE(config)		  CALL("config.replace", "{\"config\":" config "}")

struct sl_ctrl {
	struct sl_engine *engine;
	struct sl_pipeline *pipeline;
	struct sl_tunnel_table *tunnels;
	struct sl_underlay *underlay;
	struct sl_apply *apply;
	struct sl_store *store;
	struct sl_waiting_calls waiting_calls;
};

static struct sl_ctrl ctrl;
static const struct sl_method *rows[64];
static struct sl_rpc rpc = {.ctrl = &ctrl, .methods = rows};
static uint64_t longest; /* turn, in cycles */

struct sl_store *sl_ctrl_store(struct sl_ctrl *c)
{
	return c->store;
}

const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c)
{
	(void)c;
	return NULL;
}

void sl_ctrl_report(struct sl_ctrl *c, struct sl_report_ctx *ctx)
{
	*ctx = (struct sl_report_ctx){.engine = c->engine, .apply = c->apply, .store = c->store};
}

struct sl_waiting_calls *sl_ctrl_waiting_calls(struct sl_ctrl *c)
{
	return &c->waiting_calls;
}

static int start(void **state)
{
	static const struct sl_node_self self;
	const struct sl_table_ops *tables[SL_TABLE_ROWS_MAX];
	struct sl_apply_env env;
	struct sl_applier applier;
	const struct sl_method *all;

	(void)state;
	sl_port_drivers_register(stub_drivers);
	ctrl.engine = sl_test_engine();
	if (ctrl.engine == NULL)
		return -1;
	ctrl.pipeline = sl_pipeline_create(4096, 1, sl_engine_rcu(ctrl.engine));
	sl_engine_worker(ctrl.engine, 0)->pipeline = ctrl.pipeline;
	ctrl.tunnels = sl_tunnel_table_create(SL_NODES_MAX, 1);
	ctrl.underlay = sl_underlay_create(ctrl.engine, ctrl.tunnels, NULL, 0, sl_test_ignore_line);
	env = (struct sl_apply_env){ctrl.engine, ctrl.pipeline, ctrl.tunnels, ctrl.underlay, &self};
	ctrl.apply = sl_apply_create(&env, tables, sl_table_rows(tables));
	ctrl.waiting_calls.apply = ctrl.apply;
	applier = sl_apply_applier(ctrl.apply);
	ctrl.store = sl_store_create(&applier, NULL);
	rpc.n_methods = sl_object_methods(&all);
	for (size_t i = 0; i < rpc.n_methods; i++)
		rows[i] = &all[i];
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sl_store_destroy(ctrl.store);
	sl_apply_destroy(ctrl.apply);
	sl_underlay_destroy(ctrl.underlay);
	sl_tunnel_table_destroy(ctrl.tunnels);
	sl_rcu_drain(sl_engine_rcu(ctrl.engine));
	sl_pipeline_destroy(ctrl.pipeline);
	sl_engine_destroy(ctrl.engine);
	return 0;
}

/* A client with one message. */
struct client {
	struct sl_session session;
	struct sl_reply reply;
	struct sl_text out;
	bool over;
};

static void note_turn(uint64_t began)
{
	uint64_t took = rte_rdtsc() - began;

	if (took > longest)
		longest = took;
}

/* As far as the message goes without waiting. */
static void go_on(struct client *c)
{
	uint64_t began = rte_rdtsc();

	c->over = !sl_reply_more(&c->reply, &c->out, &sl_turn_endless);
	note_turn(began);
}

static void send_message(struct client *c, const char *text)
{
	memset(c, 0, sizeof(*c));
	sl_session_local(&c->session, &rpc, SL_RPC_ROOT);
	sl_reply_begin(&c->reply, &c->session, text, strlen(text), true);
	go_on(c);
}

static void leave(struct client *c)
{
	sl_reply_end(&c->reply);
	sl_session_fini(&c->session);
	sl_text_fini(&c->out);
}

/* What the daemon's loop does in a turn that concerns ports. */
static void turn(void)
{
	uint64_t began = rte_rdtsc();

	sl_engine_poll(ctrl.engine);
	sl_engine_follow(ctrl.engine);
	sl_apply_turn(ctrl.apply);
	sl_waiting_calls_turn(&ctrl.waiting_calls);
	note_turn(began);
	rte_delay_us_sleep(500);
}

#define turn_until(condition)                                                 \
	do {                                                                  \
		uint64_t until = rte_rdtsc() + rte_get_tsc_hz() * DEADLINE_S; \
		while (!(condition) && rte_rdtsc() < until)                   \
			turn();                                               \
		assert_true(condition);                                       \
	} while (0)

static void finish(struct client *c)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() * DEADLINE_S;

	while (!c->over && rte_rdtsc() < until) {
		turn();
		go_on(c);
	}
	assert_true(c->over);
}

static void answers(struct client *c, const char *part)
{
	finish(c);
	if (c->out.p == NULL || strstr(c->out.p, part) == NULL)
		fail_msg("%s\nis not in %s", part, c->out.p);
	leave(c);
}

#define fails_with(c, name, path) answers(c, "{\"name\":\"" name "\",\"path\":\"" path "\"")
#define succeeds(c)		  answers(c, "\"result\"")

/* A call of somebody else's, which must be answered at once. */
static void at_once(const char *text, const char *part)
{
	struct client other;

	send_message(&other, text);
	assert_true(other.over);
	answers(&other, part);
}

static void removed(const char *message)
{
	at_once(message, "\"result\"");
	turn_until(stubs_open == 0);
}

static uint64_t ms(uint64_t cycles)
{
	return cycles / (rte_get_tsc_hz() / 1000);
}

static void others_go_on_while_a_device_is_opened(void **state)
{
	unsigned int n = 0;
	struct client c;

	(void)state;
	longest = 0;
	send_message(&c, ADD("p", "stub1,slow"));
	assert_false(c.over);
	for (uint64_t began = rte_rdtsc(); ms(rte_rdtsc() - began) < SLOW_MS / 2; n++) {
		turn();
		at_once(CALL("networks.put", NETWORK("n", "7")), "\"result\"");
		at_once(CALL("networks.del", NETWORK("n", "7")), "params"); /* vni is no key */
		at_once(CALL("networks.del", "{\"name\":\"n\"}"), "\"vni\":7");
		at_once(CALL("ports.get", "{\"name\":\"p\"}"), "not_found");
	}
	assert_true(n > 10);
	answers(&c, "\"state\":\"up\"");
	assert_int_equal(stubs_open, 1);
	removed(DEL("p"));
	print_message("longest turn: %.1f ms\n", (double)longest * 1e3 / (double)rte_get_tsc_hz());
	assert_true(ms(longest) < TURN_MS_MOST);
}

static void what_is_wrong_is_said_before_a_device_is_opened(void **state)
{
	(void)state;
	at_once(CALL("ports.add", "{\"name\":\"p\",\"role\":\"access\",\"devargs\":\"stub1,slow\","
				  "\"queues\":2,\"workers\":[0,9]}"),
		"\"path\":\"");
	at_once(APPLY(OPERATION("ports.add", PORT("p", "stub1,slow")) "," OPERATION(
			"networks.del", "{\"name\":\"none\"}")),
		"\"path\":\"operations[1].params.name\"");
	at_once(CALL("config.replace",
			"{\"dry_run\":true,\"config\":{\"ports\":[" PORT("p", "stub1,slow") "]}}"),
		"\"added\":[{\"collection\":\"ports\",\"key\":\"p\"}]");
	assert_null(ctrl.waiting_calls.first);
	assert_int_equal(stubs_open, 0);
}

static void device_that_does_not_open_is_the_operation_s_error(void **state)
{
	struct client c;

	(void)state;
	stub_fails = true;
	send_message(&c, APPLY(OPERATION("networks.add", NETWORK("n", "7")) "," OPERATION(
				 "ports.add", PORT("p", "stub1,slow"))));
	assert_false(c.over);
	fails_with(&c, "device", "operations[1].params.devargs");
	send_message(&c, ADD("p", "stub1,slow"));
	fails_with(&c, "device", "devargs");
	send_message(&c, REPLACE("{\"ports\":[" PORT("p", "stub1,slow") "]}"));
	fails_with(&c, "device", "config.ports[0].devargs");
	stub_fails = false;
	at_once(CALL("networks.get", "{\"name\":\"n\"}"), "not_found");
	assert_null(ctrl.waiting_calls.first);
}

static void client_that_leaves_has_its_device_closed(void **state)
{
	struct client c;

	(void)state;
	send_message(&c, ADD("p", "stub1,slow"));
	assert_false(c.over);
	leave(&c); /* while the device is being opened */
	assert_null(ctrl.waiting_calls.first);
	send_message(&c, ADD("p", "stub1,slow"));
	assert_false(c.over);
	turn_until(stubs_open == 1 && c.reply.parked.resumed);
	leave(&c); /* it is open, and the call has not gone on yet */
	assert_null(ctrl.waiting_calls.first);
	turn_until(stubs_open == 0);
	at_once(CALL("ports.get", "{\"name\":\"p\"}"), "not_found");
}

static void transaction_that_fails_in_the_end_leaves_no_device_open(void **state)
{
	struct client c;

	(void)state;
	send_message(&c, APPLY(OPERATION("ports.add", PORT("p", "stub1,slow")) "," OPERATION(
				 "networks.add", NETWORK("n", "7"))));
	assert_false(c.over);
	at_once(CALL("networks.add", NETWORK("n", "8")), "\"result\"");
	fails_with(&c, "exists", "operations[1].params.name");
	at_once(CALL("ports.get", "{\"name\":\"p\"}"), "not_found");
	turn_until(stubs_open == 0);

	/* A rule over the whole result, which comes after all steps. */
	send_message(&c, APPLY(OPERATION("ports.add", PORT("p", "stub1,slow")) "," OPERATION(
				 "networks.add", NETWORK("m", "9"))));
	at_once(CALL("networks.add", NETWORK("l", "9")), "\"result\"");
	fails_with(&c, "exists", "operations[1].params.vni");
	turn_until(stubs_open == 0);
	at_once(APPLY(OPERATION("networks.del", "{\"name\":\"n\"}") "," OPERATION(
			"networks.del", "{\"name\":\"l\"}")),
		"\"applied\":2");
}

static void two_clients_cannot_add_the_same_port(void **state)
{
	struct client first, second;

	(void)state;
	send_message(&first, ADD("p", "stub1,slow"));
	send_message(&second, ADD("p", "stub1,slow"));
	assert_false(first.over || second.over);
	succeeds(&first);
	fails_with(&second, "exists", "name");
	removed(DEL("p"));

	send_message(&first, ADD("p", "stub1,slow"));
	send_message(&second, ADD("p", "stub2,slow"));
	succeeds(&first);
	fails_with(&second, "exists", "name");
	removed(DEL("p"));
}

static void device_goes_to_who_has_asked_for_it_first(void **state)
{
	struct client first, second, third;

	(void)state;
	send_message(&first, ADD("p", "stub1,slow"));
	send_message(&second, ADD("q", "stub1,slow"));
	succeeds(&first);
	fails_with(&second, "exists", "devargs");
	removed(DEL("p"));

	/* Who comes behind a client that leaves gets it, in their order. */
	send_message(&first, ADD("p", "stub1,slow"));
	send_message(&second, ADD("q", "stub1,slow"));
	send_message(&third, ADD("r", "stub1,slow"));
	leave(&first);
	succeeds(&second);
	fails_with(&third, "exists", "devargs");
	removed(DEL("q"));
}

static void calls_that_want_each_other_s_devices_come_to_an_end(void **state)
{
	struct client first, second;

	(void)state;
	send_message(&first, APPLY(OPERATION("ports.add", PORT("p", "stub1,slow")) "," OPERATION(
				     "ports.add", PORT("q", "stub2"))));
	send_message(&second, APPLY(OPERATION("ports.add", PORT("r", "stub2,slow")) "," OPERATION(
				      "ports.add", PORT("s", "stub1"))));
	succeeds(&first);
	fails_with(&second, "exists", "operations[0].params.devargs");
	assert_int_equal(stubs_open, 2);
	removed(APPLY(OPERATION("ports.del", "{\"name\":\"p\"}") "," OPERATION(
		"ports.del", "{\"name\":\"q\"}")));
}

static void device_of_a_port_that_was_removed_is_waited_for(void **state)
{
	struct client c;

	(void)state;
	send_message(&c, ADD("p", "stub1,slow"));
	succeeds(&c);
	at_once(DEL("p"), "\"result\"");
	send_message(&c, ADD("p", "stub1,slow"));
	assert_false(c.over);
	answers(&c, "\"state\":\"up\"");
	assert_int_equal(stubs_open, 1);
	removed(DEL("p"));
}

/* What was to be a change is an addition when the call goes on. */
static void port_that_went_in_the_meantime_is_opened_too(void **state)
{
	struct client c;

	(void)state;
	send_message(&c, ADD("p", "stub1"));
	succeeds(&c);
	send_message(&c, APPLY(OPERATION("ports.put", PORT("p", "stub2,slow")) "," OPERATION(
				 "ports.put", PORT("q", "stub3,slow"))));
	assert_false(c.over);
	at_once(DEL("p"), "\"result\"");
	longest = 0;
	answers(&c, "\"applied\":2");
	assert_true(ms(longest) < TURN_MS_MOST);
	turn_until(stubs_open == 2);
	removed(APPLY(OPERATION("ports.del", "{\"name\":\"p\"}") "," OPERATION(
		"ports.del", "{\"name\":\"q\"}")));
}

static void batch_is_answered_in_its_order(void **state)
{
	struct client c;
	const char *at;

	(void)state;
	send_message(
		&c, "[" ADD("p", "stub1,slow") "," CALL("networks.add", NETWORK("n", "7")) "," ADD(
			    "q", "stub2,slow") "," CALL("networks.del", "{\"name\":\"n\"}") "]");
	assert_false(c.over);
	at_once(CALL("networks.get", "{\"name\":\"n\"}"), "not_found");
	finish(&c);
	at = strstr(c.out.p, "\"name\":\"p\"");
	assert_non_null(at);
	at = strstr(at, "\"name\":\"n\"");
	assert_non_null(at);
	at = strstr(at, "\"name\":\"q\"");
	assert_non_null(at);
	assert_non_null(strstr(at, "\"name\":\"n\""));
	assert_null(strstr(c.out.p, "error"));
	leave(&c);
	removed(REPLACE("{}"));
}

static void whole_configuration_gets_its_devices(void **state)
{
	struct client c;

	(void)state;
	send_message(&c, REPLACE("{\"ports\":[" PORT("p", "stub1,slow") "," PORT(
				 "q", "stub2,slow") "],\"networks\":[" NETWORK("n", "7") "]}"));
	assert_false(c.over);
	at_once(CALL("networks.list", "{}"), "\"result\":[]");
	answers(&c, "{\"collection\":\"ports\",\"key\":\"q\"}");
	assert_int_equal(stubs_open, 2);
	at_once(CALL("ports.list", "{}"), "\"state\":\"up\"");
	/* A device goes from one port to another. */
	send_message(&c, REPLACE("{\"ports\":[" PORT("r", "stub1,slow") "]}"));
	succeeds(&c);
	turn_until(stubs_open == 1);
	send_message(&c, CALL("ports.list", "{}"));
	answers(&c, "\"name\":\"r\"");
	removed(REPLACE("{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_go_on_while_a_device_is_opened),
		cmocka_unit_test(what_is_wrong_is_said_before_a_device_is_opened),
		cmocka_unit_test(device_that_does_not_open_is_the_operation_s_error),
		cmocka_unit_test(client_that_leaves_has_its_device_closed),
		cmocka_unit_test(transaction_that_fails_in_the_end_leaves_no_device_open),
		cmocka_unit_test(two_clients_cannot_add_the_same_port),
		cmocka_unit_test(device_goes_to_who_has_asked_for_it_first),
		cmocka_unit_test(calls_that_want_each_other_s_devices_come_to_an_end),
		cmocka_unit_test(device_of_a_port_that_was_removed_is_waited_for),
		cmocka_unit_test(port_that_went_in_the_meantime_is_opened_too),
		cmocka_unit_test(batch_is_answered_in_its_order),
		cmocka_unit_test(whole_configuration_gets_its_devices),
	};

	return cmocka_run_group_tests_name("calls that open slow devices", tests, start, stop);
}
