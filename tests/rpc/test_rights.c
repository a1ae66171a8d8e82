/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way in which a port reaches the daemon, with callers of each right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/objects/ports.h"
#include "ctrl/shape/json.h"
#include "ctrl/methods/objects.h"
#include "ctrl/model/store.h"
#include "tests/lib/desired.h"

#define HOST   "{\"name\":\"p\",\"role\":\"access\",\"devargs\":\"net_pcap7,tx_pcap=/etc/passwd\"}"
#define OTHER  "{\"name\":\"p\",\"role\":\"access\",\"devargs\":\"net_tap0,iface=t\"}"
#define PLAIN  "{\"name\":\"p\",\"role\":\"access\",\"devargs\":\"net_null0\"}"
#define LISTED "{\"name\":\"p\",\"role\":\"access\",\"devargs\":\"net_af_packet0,iface=sl-web\"}"
#define LIST                                                      \
	"{\"devices\":{\"allow\":[{\"driver\":\"net_af_packet\"," \
	"\"interfaces\":[\"sl-*\"]}]}}"

struct sl_ctrl {
	struct sl_store *store;
	struct sl_config *conf;
	struct fake_applier applier;
};

static struct sl_ctrl ctrl;
static const struct sl_method *rows[64];
static struct sl_rpc rpc = {.ctrl = &ctrl, .methods = rows, .caller = sl_object_caller};

struct sl_store *sl_ctrl_store(struct sl_ctrl *c)
{
	return c->store;
}

const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c)
{
	return c->conf;
}

void sl_ctrl_report(struct sl_ctrl *c, struct sl_report_ctx *ctx)
{
	ctx->store = c->store;
}

struct sl_waiting_calls *sl_ctrl_waiting_calls(struct sl_ctrl *c)
{
	(void)c;
	return NULL;
}

static int setup_with(const char *config)
{
	const struct sl_method *all;
	struct sl_err e = {0};

	rpc.n_methods = sl_object_methods(&all);
	for (size_t i = 0; i < rpc.n_methods; i++)
		rows[i] = &all[i];
	fake_applier_init(&ctrl.applier);
	ctrl.store = sl_store_create(&ctrl.applier.applier, NULL);
	ctrl.conf = sl_config_parse(config, strlen(config), &e);
	return ctrl.conf != NULL ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return setup_with("{}");
}

static int setup_list(void **state)
{
	(void)state;
	return setup_with(LIST);
}

static int teardown(void **state)
{
	(void)state;
	sl_store_destroy(ctrl.store);
	sl_config_free(ctrl.conf);
	ctrl.conf = NULL;
	return 0;
}

/* The error's name ("" when it succeeded), with its path behind a space. */
static const char *said(enum sl_rpc_right granted, const char *method, const char *params)
{
	static char text[300];
	struct sl_err e = {0};
	const cJSON *data;
	char request[2048];
	size_t len;
	char *line;
	cJSON *json;

	snprintf(request, sizeof(request),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	line = sl_rpc_answer(&rpc, request, strlen(request), granted, &len);
	json = sl_json_parse(line, len, &e);
	assert_non_null(json);
	data = sl_json_get(sl_json_get(json, "error"), "data");
	text[0] = '\0';
	if (data != NULL)
		snprintf(text, sizeof(text), "%s %s", sl_json_get(data, "name")->valuestring,
			sl_json_get(data, "path")->valuestring);
	cJSON_Delete(json);
	free(line);
	return text;
}

static void is(enum sl_rpc_right granted, const char *method, const char *params, const char *what)
{
	const char *got = said(granted, method, params);

	if (strcmp(got, what) != 0)
		fail_msg("%s %s: \"%s\" and not \"%s\"", method, params, got, what);
}

static const char *devargs_of(const char *name)
{
	const struct sl_object *o = sl_store_find(ctrl.store, SL_COLL_PORTS, name);

	return o != NULL ? ((const struct sl_port_obj *)o)->devargs : NULL;
}

/* Every way to add a port, in each method, with the path that its error must have. */
static const struct {
	const char *method, *head, *tail, *path;
	bool exists; /* there is a port p before */
} ways[] = {
	{"ports.add", "", "", "devargs", false},
	{"ports.set", "", "", "devargs", true},
	{"txn.apply", "{\"operations\":[{\"method\":\"ports.add\",\"params\":", "}]}",
		"operations[0].params.devargs", false},
	{"txn.apply", "{\"operations\":[{\"method\":\"ports.set\",\"params\":", "}]}",
		"operations[0].params.devargs", true},
	{"txn.apply",
		"{\"operations\":[{\"method\":\"ports.del\",\"params\":{\"name\":\"p\"}},"
		"{\"method\":\"ports.add\",\"params\":",
		"}]}", "operations[1].params.devargs", true},
	{"config.replace", "{\"config\":{\"ports\":[", "]}}", "config.ports[0].devargs", false},
	{"config.replace", "{\"config\":{\"ports\":[", "]}}", "config.ports[0].devargs", true},
	{"config.replace", "{\"dry_run\":true,\"config\":{\"ports\":[", "]}}",
		"config.ports[0].devargs", false},
};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static const char *through(size_t i, const char *port)
{
	static char params[1024];

	snprintf(params, sizeof(params), "%s%s%s", ways[i].head, port, ways[i].tail);
	return params;
}

/* As it was before the way was taken. */
static void prepare(size_t i)
{
	said(SL_RPC_ROOT, "ports.del", "{\"name\":\"p\"}");
	if (ways[i].exists)
		is(SL_RPC_ROOT, "ports.add", PLAIN, "");
	ctrl.applier.prepared = 0;
}

static void every_way_for_a_port_is_denied_to_the_group(void **state)
{
	char what[128];

	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		prepare(i);
		snprintf(what, sizeof(what), "denied %s", ways[i].path);
		is(SL_RPC_WRITE, ways[i].method, through(i, HOST), what);
		is(SL_RPC_WRITE, ways[i].method, through(i, LISTED), what);
		/* nobody saw it */
		assert_int_equal(ctrl.applier.prepared, 0);
		if (ways[i].exists)
			assert_string_equal(devargs_of("p"), "net_null0");
		else
			assert_null(devargs_of("p"));
		is(SL_RPC_READ, ways[i].method, through(i, HOST), "denied ");
	}
}

static void every_way_is_open_to_root(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		prepare(i);
		is(SL_RPC_ROOT, ways[i].method, through(i, HOST), "");
		if (strstr(ways[i].head, "dry_run") == NULL)
			assert_string_equal(devargs_of("p"), "net_pcap7,tx_pcap=/etc/passwd");
	}
}

static void every_way_is_open_for_what_is_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		prepare(i);
		is(SL_RPC_WRITE, ways[i].method, through(i, LISTED), "");
		prepare(i);
		is(SL_RPC_WRITE, ways[i].method, through(i, PLAIN), "");
	}
}

/* A new method must be among the ways, or be known to add no port. */
static void no_method_is_another_way(void **state)
{
	static const char *const none[] = {"ports.del"};

	(void)state;
	for (size_t i = 0; i < rpc.n_methods; i++) {
		const char *name = rpc.methods[i]->name;
		bool known = rpc.methods[i]->right == SL_RPC_READ ||
			     (strncmp(name, "ports.", 6) != 0 && strncmp(name, "config.", 7) != 0 &&
				     strncmp(name, "txn.", 4) != 0);

		for (size_t k = 0; k < N_WAYS; k++)
			known |= strcmp(name, ways[k].method) == 0;
		for (size_t k = 0; k < sizeof(none) / sizeof(none[0]); k++)
			known |= strcmp(name, none[k]) == 0;
		/* The verbs of ports are alike; those of other collections are them again. */
		known |= strncmp(name, "ports.", 6) == 0 &&
			 strcmp(said(SL_RPC_WRITE, name, HOST), "denied devargs") == 0;
		if (!known)
			fail_msg("%s: does it bring ports?", name);
	}
}

static void what_a_port_has_already_may_stay(void **state)
{
	static const char changed[] = "{\"name\":\"p\",\"role\":\"access\",\"mtu\":1400,"
				      "\"devargs\":\"net_pcap7,tx_pcap=/etc/passwd\"}";

	(void)state;
	is(SL_RPC_ROOT, "ports.add", HOST, "");
	is(SL_RPC_WRITE, "ports.set", changed, "");
	is(SL_RPC_WRITE, "config.replace", "{\"config\":{\"ports\":[" HOST "]}}", "");
	is(SL_RPC_WRITE, "ports.set", OTHER, "denied devargs");
	/* but once it is gone, only root may add it again */
	is(SL_RPC_WRITE, "ports.del", "{\"name\":\"p\"}", "");
	is(SL_RPC_WRITE, "ports.add", HOST, "denied devargs");
}

static void device_does_not_pass_to_another_port(void **state)
{
	(void)state;
	is(SL_RPC_ROOT, "ports.add", HOST, "");
	is(SL_RPC_WRITE, "txn.apply",
		"{\"operations\":[{\"method\":\"ports.del\",\"params\":{\"name\":\"p\"}},"
		"{\"method\":\"ports.add\",\"params\":{\"name\":\"q\",\"role\":\"access\","
		"\"devargs\":\"net_pcap7,tx_pcap=/etc/passwd\"}}]}",
		"denied operations[1].params.devargs");
	assert_non_null(devargs_of("p"));
}

static void one_denied_port_stops_the_whole_transaction(void **state)
{
	(void)state;
	is(SL_RPC_WRITE, "txn.apply",
		"{\"operations\":[{\"method\":\"networks.add\",\"params\":{\"name\":\"n\",\"vni\":"
		"7}},"
		"{\"method\":\"ports.add\",\"params\":" HOST "}]}",
		"denied operations[1].params.devargs");
	assert_null(sl_store_find(ctrl.store, SL_COLL_NETWORKS, "n"));
}

static void right_of_one_call_is_not_the_next_ones(void **state)
{
	struct sl_err e = {0};

	(void)state;
	is(SL_RPC_WRITE, "ports.add", HOST, "denied devargs");
	is(SL_RPC_ROOT, "ports.add", HOST, "");
	is(SL_RPC_WRITE, "ports.set", OTHER, "denied devargs");
	/* changes of the daemon itself have no caller */
	assert_int_equal(desired_do(ctrl.store, SL_TXN_SET, "ports", OTHER, &e), 0);
}

static void section_cannot_be_changed_over_the_socket(void **state)
{
	static const char wider[] = "{\"config\":{\"devices\":{\"allow\":[{\"driver\":\"net_pcap\","
				    "\"directories\":[\"/etc\"]}]}}}";

	(void)state;
	is(SL_RPC_WRITE, "config.replace", wider, "unsupported config.devices");
	is(SL_RPC_ROOT, "config.replace", wider, "unsupported config.devices");
	is(SL_RPC_WRITE, "config.replace", "{\"config\":" LIST "}", "");
}

static void section_is_shown(void **state)
{
	cJSON *json = sl_config_get(ctrl.store, ctrl.conf);
	char *text = cJSON_PrintUnformatted(sl_json_get(json, "devices"));

	(void)state;
	assert_string_equal(
		text, "{\"allow\":[{\"driver\":\"net_af_packet\",\"interfaces\":[\"sl-*\"]}]}");
	free(text);
	cJSON_Delete(json);
}

/* Objects in the state directory were accepted before. */
static void replay_needs_no_right(void **state)
{
	static const struct sl_devices_conf none;
	char *dir = temp_dir();
	struct sl_err e = {0};
	struct sl_journal *j = sl_journal_open(dir, NULL, &e);
	struct sl_store *s = sl_store_create(NULL, sl_journal_recorder(j));

	(void)state;
	desired_must(s, SL_TXN_ADD, "ports", HOST);
	assert_int_equal(sl_journal_compact(j, s, &e), 0);
	desired_must(s, SL_TXN_SET, "ports", OTHER);
	sl_store_destroy(s);
	sl_journal_close(j);
	j = sl_journal_open(dir, NULL, &e);
	s = sl_store_create(NULL, sl_journal_recorder(j));
	sl_store_limit(s, &none);
	assert_int_equal(sl_journal_replay(j, s, &e), 0);
	assert_non_null(sl_store_find(s, SL_COLL_PORTS, "p"));
	sl_store_destroy(s);
	sl_journal_close(j);
	temp_dir_remove(dir);
}

#define T(name, with) cmocka_unit_test_setup_teardown(name, with, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_way_for_a_port_is_denied_to_the_group, setup),
		T(every_way_is_open_to_root, setup),
		T(every_way_is_open_for_what_is_listed, setup_list),
		T(no_method_is_another_way, setup),
		T(what_a_port_has_already_may_stay, setup),
		T(device_does_not_pass_to_another_port, setup),
		T(one_denied_port_stops_the_whole_transaction, setup),
		T(right_of_one_call_is_not_the_next_ones, setup),
		T(section_cannot_be_changed_over_the_socket, setup_list),
		T(section_is_shown, setup_list),
		T(replay_needs_no_right, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
