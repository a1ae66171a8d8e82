/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "daemon.h"
#include "ctrl/shape/time_text.h"
#include "dp/eal/variant.h"
#include "ctrl/methods/objects.h"
#include "ctrl/methods/methods.h"
#include "pipelines/pipeline_ctl.h"
#include "ctrl/objects/tables.h"
#include "ctrl/model/safe_path.h"

struct start_step {
	int (*start)(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e);
	void (*stop)(struct sl_ctrl *c);
};

/* Lines during the start appear where the daemon was started. Later lines need their time. */
static bool with_times;

void sl_daemon_notice_times(void)
{
	with_times = true;
}

/* One line of the log, for the person who started the daemon. */
static void log_line(const char *text)
{
	char stamp[SL_TIME_LEN];
	struct timespec now;

	if (!with_times) {
		fprintf(stderr, "sluiced: %s\n", text);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(stderr, "sluiced: %s %s\n", sl_format_time(&now, stamp), text);
}

static int no_memory(struct sl_err *e, const char *what)
{
	int err = sl_err_set(e, SL_ERR_INTERNAL, NULL, "not enough memory for %s", what);

	sl_err_hint(e, "raise workers.memory_mb or lower workers.max_flows");
	return err;
}

/*
 * The user who started the daemon named the file, so it is used. But the user should know who else
 * can write to it.
 */
static void look_at_config(const char *path)
{
	const char *unsafe;
	struct stat st;
	char text[512];

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	unsafe = sl_unsafe_file(&st);
	if (unsafe == NULL)
		return;
	snprintf(text, sizeof(text),
		"%s: %s: whoever writes this file decides what sluiced does with its rights", path,
		unsafe);
	log_line(text);
}

static int start_config(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	c->config = sl_config_read(o->config, e);
	if (c->config == NULL)
		return -EINVAL;
	look_at_config(o->config);
	return 0;
}

static void stop_config(struct sl_ctrl *c)
{
	sl_config_free(c->config);
	c->config = NULL;
}

/* The first step after reading the file that names the variant: it may replace this program. */
static int start_variant(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	return sl_variant_become(sl_variant_conf_names[c->config->workers.variant], o->argv, e);
}

static void stop_variant(struct sl_ctrl *c)
{
	(void)c;
}

/* The last CPU that this process may run on: the control thread uses the first CPU that is left. */
static const unsigned int *choose_core(void)
{
	static unsigned int core;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
		for (unsigned int i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &allowed))
				core = i;
	return &core;
}

struct sl_engine_params sl_daemon_engine_params(
	const struct sl_workers_conf *w, const struct sl_options *o)
{
	bool given = w->cores.n > 0;

	return (struct sl_engine_params){.cores = given ? w->cores.items : choose_core(),
		.n_cores = given ? (unsigned int)w->cores.n : 1,
		.idle = w->idle,
		.spin_us = w->spin_us,
		.hugepages = w->hugepages,
		.memory_mb = w->memory_mb,
		.eal_args = (const char *const *)w->eal_args.items,
		.n_eal_args = (unsigned int)w->eal_args.n,
		.mbufs = w->packet_buffers,
		.own_socket = o->socket,
		.run = sl_pipeline_run,
		.spare = sl_pipeline_spare,
		.waits = sl_pipeline_waits,
		.notice = log_line};
}

/*
 * Its value is this process's id, which execv keeps. A value inherited from another process does
 * not count.
 */
#define NO_HUGEPAGES_MARK "SLUICED_WITHOUT_HUGEPAGES"

static bool is_without_hugepages(void)
{
	const char *mark = getenv(NO_HUGEPAGES_MARK);

	return mark != NULL && strtol(mark, NULL, 10) == getpid();
}

/*
 * Hugepages were free and could not be allocated: there is a limit that this process cannot see, or
 * another process was faster. EAL can start only once in a process, so the program starts itself
 * again.
 */
static void start_without_hugepages(const struct sl_options *o, const struct sl_err *e)
{
	char text[sizeof(e->message) + 64];

	snprintf(text, sizeof(text), "running without hugepages, which is slower: %s", e->message);
	log_line(text);
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	if (setenv(NO_HUGEPAGES_MARK, text, true) != 0)
		return;
	/* Closes what EAL has left open, including the pages that it did get. */
	(void)close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	execv("/proc/self/exe", o->argv);
}

static int start_engine(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	struct sl_engine_params p = sl_daemon_engine_params(&c->config->workers, o);
	bool is_auto = p.hugepages == SL_HUGEPAGES_AUTO, failed = false;

	if (is_auto && is_without_hugepages())
		p.hugepages = SL_HUGEPAGES_OFF;
	p.failed_on_hugepages = &failed;
	c->engine = sl_engine_create(&p, e);
	if (c->engine == NULL && failed && is_auto)
		start_without_hugepages(o, e);
	return c->engine != NULL ? 0 : -EINVAL;
}

static void stop_engine(struct sl_ctrl *c)
{
	sl_engine_destroy(c->engine);
	c->engine = NULL;
}

static int start_pipeline(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	unsigned int n = sl_engine_n_workers(c->engine);
	int node[SL_WORKERS_MAX];

	(void)o;
	for (unsigned int i = 0; i < n; i++)
		node[i] = sl_engine_worker_numa(c->engine, i);
	c->pipeline = sl_pipeline_create_on(c->config->workers.max_flows, n,
		sl_engine_numa(c->engine), node, sl_engine_rcu(c->engine));
	if (c->pipeline == NULL)
		return no_memory(e, "the flow table");
	sl_flow_share_set(c->pipeline->flows, c->config->workers.flow_share_percent);
	for (unsigned int i = 0; i < n; i++)
		sl_engine_worker(c->engine, i)->pipeline = c->pipeline;
	return 0;
}

static void stop_pipeline(struct sl_ctrl *c)
{
	sl_rcu_drain(sl_engine_rcu(c->engine));
	sl_pipeline_destroy(c->pipeline);
	c->pipeline = NULL;
}

static int start_recent(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	struct timespec now;

	(void)o;
	(void)e;
	clock_gettime(CLOCK_REALTIME, &now);
	sl_recent_init(&c->recent, &now);
	return 0;
}

static void stop_recent(struct sl_ctrl *c)
{
	sl_recent_fini(&c->recent);
	sl_rebalance_fini(&c->rebalance);
}

static int start_tables(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	const struct sl_table_ops *rows[SL_TABLE_ROWS_MAX];
	struct sl_apply_env env;

	(void)o;
	c->tunnels =
		sl_tunnel_table_create(SL_NODES_MAX + SL_HOPS_MAX, sl_engine_n_workers(c->engine));
	c->underlay = c->tunnels != NULL ? sl_underlay_create(c->engine, c->tunnels,
						   c->config->node.tunnel_addresses.items,
						   c->config->node.tunnel_addresses.n, log_line)
					 : NULL;
	env = (struct sl_apply_env){.engine = c->engine,
		.pipeline = c->pipeline,
		.tunnels = c->tunnels,
		.underlay = c->underlay,
		.self = &c->config->node};
	c->apply = c->underlay != NULL ? sl_apply_create(&env, rows, sl_table_rows(rows)) : NULL;
	if (c->apply != NULL)
		return 0;
	sl_underlay_destroy(c->underlay);
	sl_tunnel_table_destroy(c->tunnels);
	return no_memory(e, "the tables");
}

static void stop_tables(struct sl_ctrl *c)
{
	sl_apply_destroy(c->apply);
	sl_underlay_destroy(c->underlay);
	sl_tunnel_table_destroy(c->tunnels);
}

static int start_journal(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	if (o->state == NULL)
		return 0;
	c->journal = sl_journal_open(o->state, log_line, e);
	return c->journal != NULL ? 0 : -EIO;
}

static void stop_journal(struct sl_ctrl *c)
{
	sl_journal_close(c->journal);
	c->journal = NULL;
}

static int start_store(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	struct sl_applier applier = sl_apply_applier(c->apply);
	int err;

	(void)o;
	c->store = sl_store_create(&applier, sl_journal_recorder(c->journal));
	if (c->store == NULL)
		return no_memory(e, "the objects");
	sl_apply_patience(c->apply, c->journal != NULL && !sl_journal_empty(c->journal)
					    ? SL_PATIENCE_ALL
					    : SL_PATIENCE_MISSING);
	err = sl_config_start(c->config, c->store, c->journal, log_line, e);
	sl_apply_patience(c->apply, SL_PATIENCE_NONE);
	if (err != 0) {
		sl_store_destroy(c->store);
		c->store = NULL;
		return err;
	}
	return 0;
}

static void stop_store(struct sl_ctrl *c)
{
	sl_store_destroy(c->store);
	c->store = NULL;
}

/* Notices that exist at start are in the log before the daemon says that it is ready. */
static int start_notices(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	const struct sl_running run = sl_ctrl_running(c);
	const struct sl_notice_facts f = sl_ctrl_facts(c, &run);

	(void)o;
	c->notices = sl_notice_watch_create(log_line);
	if (c->notices == NULL)
		return no_memory(e, "the notices");
	sl_engine_poll(c->engine);
	sl_port_log_turn(&c->port_log, &run);
	sl_underlay_tick(c->underlay); /* ways that the host knows, as far as it has them */
	(void)sl_underlay_host_turn(c->underlay);
	sl_notice_watch_all(c->notices, &f);
	c->states = sl_states_create(log_line);
	if (c->states == NULL) {
		sl_notice_watch_destroy(c->notices);
		c->notices = NULL;
		return no_memory(e, "the states");
	}
	return 0;
}

static void stop_notices(struct sl_ctrl *c)
{
	sl_states_destroy(c->states);
	c->states = NULL;
	sl_notice_watch_destroy(c->notices);
	c->notices = NULL;
}

/* One wait for the disk serves all calls that were read together. */
static int make_durable(struct sl_ctrl *c)
{
	struct sl_err e = {0};
	int err = sl_journal_sync(c->journal, c->store, &e);

	if (err != 0)
		log_line(e.message);
	return err;
}

static int start_socket(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	c->rpc.ctrl = c;
	c->waiting_calls.apply = c->apply;
	sl_methods_fill(&c->rpc);
	if (c->journal != NULL) {
		sl_journal_set_deferred(c->journal, true);
		c->rpc.make_durable = make_durable;
	}
	c->server = sl_server_create(o->socket, &c->rpc, e);
	return c->server != NULL ? 0 : -EIO;
}

static void stop_socket(struct sl_ctrl *c)
{
	sl_server_destroy(c->server);
	c->server = NULL;
}

static int start_workers(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	(void)o;
	return sl_engine_start(c->engine, e);
}

static void stop_workers(struct sl_ctrl *c)
{
	sl_engine_stop(c->engine);
}

static const struct start_step steps[] = {
	{start_config, stop_config},
	{start_variant, stop_variant},
	{start_engine, stop_engine},
	{start_pipeline, stop_pipeline},
	{start_recent, stop_recent},
	{start_tables, stop_tables},
	{start_journal, stop_journal},
	{start_store, stop_store},
	{start_notices, stop_notices},
	{start_socket, stop_socket},
	{start_workers, stop_workers},
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

static void stop_from(struct sl_ctrl *c, size_t n)
{
	while (n > 0)
		steps[--n].stop(c);
}

int sl_daemon_start(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e)
{
	c->log = log_line;
	for (size_t i = 0; i < N_STEPS; i++) {
		int err = steps[i].start(c, o, e);

		if (err != 0) {
			stop_from(c, i);
			return err;
		}
	}
	return 0;
}

void sl_daemon_stop(struct sl_ctrl *c)
{
	stop_from(c, N_STEPS);
}
