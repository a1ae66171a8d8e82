/* SPDX-License-Identifier: BSD-3-Clause */
/* NUMA placement on a simulated machine: CPU n is on node n, devices on node 1. */
#include "engine_test.h"

#include "dp/eal/numa_node.h"
#include "pipelines/pipeline_ctl.h"

static struct {
	char what[24];
	int node;
} asked[64];
static unsigned int n_asked;
static int device_node = 1;

static int fake_of_cpu(unsigned int cpu)
{
	return (int)cpu;
}

static int fake_of_device(uint16_t ethdev)
{
	(void)ethdev;
	return device_node;
}

static void note_asked(const char *what, int node)
{
	if (n_asked == RTE_DIM(asked))
		return;
	snprintf(asked[n_asked].what, sizeof(asked[0].what), "%s", what);
	asked[n_asked++].node = node;
}

static const struct sl_numa_source fake = {
	.of_cpu = fake_of_cpu,
	.of_device = fake_of_device,
	.asked = note_asked,
};

/* Number of times that something was requested on a node. */
static unsigned int count(const char *what, int node)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < n_asked; i++)
		n += strcmp(asked[i].what, what) == 0 && asked[i].node == node;
	return n;
}

static int start_on_fake(void **state)
{
	sl_numa_use(&fake);
	return start(state);
}

static int stop_and_forget(void **state)
{
	int ret = stop(state);

	sl_numa_use(NULL);
	return ret;
}

static void workers_and_their_rings_are_on_their_cores_nodes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < n_workers; i++) {
		int node = (int)g->worker[i]->core;

		assert_int_equal(sl_engine_worker_numa(g, i), node);
		assert_int_equal(count("worker", node), 1);
		assert_int_equal(count("rings", node), 1);
		/* including the control thread's, on one of them */
		assert_true(count("samples", node) >= 1);
	}
}

static void what_workers_share_is_on_a_workers_node(void **state)
{
	int node = sl_engine_numa(g);

	(void)state;
	/* the same number on each: the first worker's node */
	assert_int_equal(node, g->worker[0]->core);
	assert_int_equal(count("rcu", node), 1);
	assert_true(count("pool", node) >= 1);
}

static void tables_are_on_the_nodes_of_those_that_use_them(void **state)
{
	struct sl_pipeline *p;

	(void)state;
	n_asked = 0;
	p = sl_pipeline_create_on(
		1024, n_workers, sl_engine_numa(g), g->worker_numa, sl_engine_rcu(g));
	assert_non_null(p);
	assert_int_equal(count("tables", sl_engine_numa(g)), 1);
	for (unsigned int i = 0; i < n_workers; i++)
		assert_int_equal(count("fragments", g->worker_numa[i]), 1);
	sl_pipeline_destroy(p);
}

static void node_of_most_workers_is_the_engines(void **state)
{
	struct sl_engine many = {.n_workers = 4, .worker_numa = {0, 1, -1, 1}};

	(void)state;
	assert_int_equal(sl_engine_numa(&many), 1);
	many.n_workers = 1;
	assert_int_equal(sl_engine_numa(&many), 0);
}

static void ports_memory_is_on_its_devices_node(void **state)
{
	uint16_t id;

	(void)state;
	n_asked = 0;
	id = added("near", "net_null0,no-rx=1");
	assert_int_equal(count("pool", 1), 1);
	assert_int_equal(count("queues", 1), 1);
	assert_int_equal(count("device rings", 1), 1);
	for (unsigned int i = 0; i < n_workers; i++)
		assert_int_equal(count("port row", g->worker_numa[i]), 1);
	assert_int_equal(n_asked, 3 + n_workers);
	removed(id);
}

static void queue_goes_to_the_worker_near_its_device(void **state)
{
	struct sl_port_info info;
	uint16_t id;

	(void)state;
	if (n_workers < 2) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
	notices[0] = '\0';
	id = added("near", "net_null0,no-rx=1");
	sl_port_info(g, id, &info);
	assert_int_equal(info.numa, 1);
	assert_int_equal(sl_engine_worker_numa(g, (unsigned int)info.rxq_worker[0]), 1);
	assert_string_equal(notices, "");
	removed(id);
}

static unsigned int far_worker(void)
{
	return g->worker[0]->core == 1 ? 1 : 0;
}

static void hot_added_port_with_a_far_worker_is_warned_of_by_name(void **state)
{
	struct sl_port_params p = params("uplink7", "net_null0,no-rx=1");
	char core[40];
	int id;

	(void)state;
	if (n_workers < 2) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
	notices[0] = '\0';
	p.n_rxq = 2;
	p.rxq_worker[0] = p.rxq_worker[1] = (int)far_worker();
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	sl_port_publish(g, (uint16_t)id);
	snprintf(core, sizeof(core), "core %u is on node %u", g->worker[far_worker()]->core,
		g->worker[far_worker()]->core);
	assert_non_null(strstr(notices, "port uplink7 is on NUMA node 1"));
	assert_non_null(strstr(notices, core));
	/* once, not once for each queue */
	assert_null(strstr(strchr(notices, '\n') + 1, "uplink7"));
	removed((uint16_t)id);
}

static void queue_moved_to_a_far_worker_is_warned_of(void **state)
{
	struct sl_queue_move m = {.worker = far_worker()};
	struct sl_err e;

	(void)state;
	if (n_workers < 2) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
	m.port = added("uplink8", "net_null0,no-rx=1");
	notices[0] = '\0';
	assert_int_equal(sl_queues_move(g, &m, 1, &e), 0);
	assert_non_null(strstr(notices, "port uplink8 is on NUMA node 1"));
	removed(m.port);
}

static void device_of_no_node_is_near_to_all(void **state)
{
	struct sl_port_params p = params("virtual", "net_null0,no-rx=1");
	int id;

	(void)state;
	notices[0] = '\0';
	n_asked = 0;
	device_node = -1;
	p.rxq_worker[0] = (int)far_worker();
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	sl_port_publish(g, (uint16_t)id);
	device_node = 1;
	assert_string_equal(notices, "");
	assert_int_equal(count("pool", -1), 1);
	removed((uint16_t)id);
}

static void virtual_device_is_on_the_control_threads_node(void **state)
{
	struct sl_port_info info;
	uint16_t id;

	(void)state;
	sl_numa_use(NULL);
	id = added("virtual", "net_null0,no-rx=1");
	sl_port_info(g, id, &info);
	sl_numa_use(&fake);
	assert_int_equal(info.numa, (int)rte_socket_id());
	removed(id);
}

static void memory_is_asked_for_only_where_there_is_some(void **state)
{
	(void)state;
	assert_int_equal(sl_numa_socket("test", 0), 0);
	assert_int_equal(sl_numa_socket("test", 7), SOCKET_ID_ANY);
	assert_int_equal(sl_numa_socket("test", -1), SOCKET_ID_ANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_and_their_rings_are_on_their_cores_nodes),
		cmocka_unit_test(what_workers_share_is_on_a_workers_node),
		cmocka_unit_test(tables_are_on_the_nodes_of_those_that_use_them),
		cmocka_unit_test(node_of_most_workers_is_the_engines),
		cmocka_unit_test(ports_memory_is_on_its_devices_node),
		cmocka_unit_test(queue_goes_to_the_worker_near_its_device),
		cmocka_unit_test(hot_added_port_with_a_far_worker_is_warned_of_by_name),
		cmocka_unit_test(queue_moved_to_a_far_worker_is_warned_of),
		cmocka_unit_test(device_of_no_node_is_near_to_all),
		cmocka_unit_test(virtual_device_is_on_the_control_threads_node),
		cmocka_unit_test(memory_is_asked_for_only_where_there_is_some),
	};

	return cmocka_run_group_tests_name("numa", tests, start_on_fake, stop_and_forget);
}
