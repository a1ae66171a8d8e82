/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole daemon except its socket, with two workers. The two directions of every connection are
 * on different workers, while the control thread commits: each epoch allows another destination
 * port and moves the endpoint far-2, and from time to time receive queues move to the other worker.
 * The port driver of mill.h generates and checks packets in place of a device.
 *
 * EPOCHS=n runs for longer, SEED=n repeats. Also meant for the thread sanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "ctrl/daemon/daemon.h"
#include "ctrl/rpc/rpc.h"
#include "mill.h"
#include "pipelines/flow/flow_ctl.h"

#define SECONDS 8 /* at most, however few the epochs, because machines can be slow and busy */

static struct sl_ctrl *c;

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
	unsigned int from = mill_place_of(epoch - 1), to = mill_place_of(epoch);

	text[0] = '\0';
	if (from == to)
		return;
	if (to == MILL_PLACES - 1)
		snprintf(text, len,
			", {\"method\": \"endpoints.del\", \"params\": {\"name\": \"far-2\"}}");
	else
		snprintf(text, len,
			", {\"method\": \"endpoints.%s\", \"params\": {\"name\": \"far-2\","
			" \"network\": \"blue\", \"node\": \"node-%c\","
			" \"mac\": \"02:00:00:00:00:08\", \"addresses\": [\"10.0.0.8\"],"
			" \"labels\": {\"app\": \"far\"}}}",
			from == MILL_PLACES - 1 ? "add" : "set", to == NODE_B ? 'b' : 'c');
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
		mill_port_of(epoch), mill_port_of(epoch), far_2);
	mill_epoch_begin(epoch);
	call("txn.apply", text);
	mill_epoch_end(epoch);
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
	uint64_t from[MILL_WORKERS];

	for (unsigned int w = 0; w < MILL_WORKERS; w++)
		from[w] = bursts_of(w);
	for (unsigned int w = 0; w < MILL_WORKERS; w++)
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
	uint16_t port = (uint16_t)mill_below(random, 2);
	unsigned int worker = mill_below(random, MILL_WORKERS);
	struct sl_queue_move m[2] = {{port, 0, worker}, {port, 1, !worker}};

	sl_queues_move(c->engine, m, 2, NULL);
}

static unsigned int cores(unsigned int core[MILL_WORKERS])
{
	cpu_set_t all;
	unsigned int n = 0;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return 0;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && n < MILL_WORKERS; cpu--)
		if (CPU_ISSET(cpu, &all))
			core[n++] = (unsigned int)cpu;
	return n;
}

static void start_daemon(const unsigned int core[MILL_WORKERS])
{
	char dir[] = "/tmp/sluice-threads-XXXXXX", path[64], sock[64];
	char *argv[] = {NULL};
	struct sl_options o = {.config = path, .socket = sock, .argv = argv};
	struct sl_err e = {0};
	FILE *f;

	mill_register();
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

static void add_counters(const struct sl_counters *n, uint64_t *in, uint64_t *out)
{
	*in += n->received + n->generated;
	*out += n->sent + n->consumed;
	for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
		*out += n->drops[r];
}

/*
 * The thread sanitizer does not see that EAL waits for the workers, but it sees their last report
 * to RCU.
 */
static void stop_workers(void)
{
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(sl_engine_rcu(c->engine));

	sl_engine_stop(c->engine);
	rte_rcu_qsbr_check(q, rte_rcu_qsbr_start(q), true);
}

/* Workers have stopped, so no packet is in flight. */
static void check_all_accounted_for(const struct mill_counts *mill)
{
	uint64_t in = 0, out = 0, received = 0, sent = 0;

	turn();
	add_counters(sl_engine_control_counters(c->engine), &in, &out);
	for (unsigned int w = 0; w < MILL_WORKERS; w++) {
		const struct sl_counters *n = &sl_engine_worker(c->engine, w)->counters;

		add_counters(n, &in, &out);
		received += n->received;
		sent += n->sent;
	}
	assert_int_equal(in, out);
	assert_int_equal(received, mill->in);
	assert_int_equal(sent, mill->out);
}

static void no_packet_leaves_that_policy_or_place_forbid(void **state)
{
	const char *epochs = getenv("EPOCHS"), *seed_given = getenv("SEED");
	uint64_t last = epochs != NULL ? strtoull(epochs, NULL, 0) : 200;
	uint64_t seed = seed_given != NULL ? strtoull(seed_given, NULL, 0) : (uint64_t)time(NULL);
	uint64_t random = seed, until;
	unsigned int core[MILL_WORKERS];
	struct mill_counts n;

	(void)state;
	if (cores(core) < MILL_WORKERS) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
	printf("seed %llu\n", (unsigned long long)seed);
	start_daemon(core);
	mill_start(sl_engine_pool(c->engine), seed);
	until = rte_rdtsc() + rte_get_tsc_hz() * SECONDS;
	for (uint64_t epoch = 1; epoch <= last && (epochs != NULL || rte_rdtsc() < until);
		epoch++) {
		let_flow(mill_below(&random, 8));
		if (mill_below(&random, 4) == 0)
			move_queues(&random);
		commit(epoch);
	}
	let_flow(8);
	mill_stop();
	stop_workers();
	mill_counts(&n);
	printf("%llu packets in, %llu out\n", (unsigned long long)n.in, (unsigned long long)n.out);
	assert_true(mill_epochs_done() >= MILL_MOVING);
	assert_int_equal(n.wrong_policy, 0);
	assert_int_equal(n.wrong_place, 0);
	assert_int_equal(n.strangers, 0);
	assert_true(n.always_in > 0);
	assert_int_equal(n.always_in, n.always_out);
	assert_true(n.out > n.always_out * 2); /* replies, and what the epochs allow */
	check_all_accounted_for(&n);
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
