/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ctrl/methods/objects.h"
#include "ctrl/model/journal.h"
#include "ctrl/watch/names.h"
#include "daemon.h"
#include "loop.h"
#include "signals.h"
#include "sluice/clock.h"
#include "turns.h"

#define UPCALLS		 64
#define SAMPLES		 64
#define CONTROL_SLICE_NS 100000
#define BESIDE_NS	 (5 * SL_NS_PER_MS) /* a shorter turn has room to fold a slice */
#define AGE_NS		 SL_NS_PER_S	    /* one round of the flow table's clock hand... */
#define AGE_MOST	 20		    /* ...of which one turn does at most 1/20 */
#define QUIET_MS	 50 /* a turn on an idle node; workers that spin wake nobody */
#define TICK_NS		 (SL_NS_PER_S / SL_TICKS_PER_SECOND)

/* The context of the rows. */
struct turns {
	struct sl_ctrl *c;
	struct sl_loop loop;
	struct sl_running run;
	int signals;
	struct sl_flow_timeouts timeouts;
	uint64_t aged_ns;  /* when ageing ran last */
	bool fold_is_owed; /* clients left no room for a slice: the next turn serves no clients */
};

static void upcalls(void *ctx)
{
	struct turns *t = ctx;
	struct sl_upcall up[UPCALLS];
	unsigned int n = sl_engine_upcalls(t->c->engine, up, UPCALLS);

	if (n > 0)
		sl_loop_busy(&t->loop);
	for (unsigned int i = 0; i < n; i++)
		sl_underlay_upcall(t->c->underlay, &up[i]);
}

static bool has_upcalls(void *ctx)
{
	return sl_engine_has_upcalls(((const struct turns *)ctx)->c->engine);
}

static void samples(void *ctx)
{
	struct turns *t = ctx;
	static struct sl_sample sample[SAMPLES];
	unsigned int n = sl_engine_samples(t->c->engine, sample, SAMPLES);

	if (n == SAMPLES) /* there may be more; few of them can wait */
		sl_loop_busy(&t->loop);
	for (unsigned int i = 0; i < n; i++)
		sl_recent_note(&t->c->recent, &t->run, &sample[i]);
}

static void engine(void *ctx)
{
	struct turns *t = ctx;

	if (sl_engine_poll(t->c->engine))
		sl_loop_busy(&t->loop);
}

static void ports(void *ctx)
{
	const struct turns *t = ctx;

	sl_port_log_turn(&t->c->port_log, &t->run);
}

static void waiting_calls(void *ctx)
{
	sl_waiting_calls_turn(&((const struct turns *)ctx)->c->waiting_calls);
}

static void tables(void *ctx)
{
	sl_apply_turn(((const struct turns *)ctx)->c->apply);
}

/* Ages as much as the time since the last turn requires, however long clients made that turn. */
static void age(void *ctx)
{
	struct turns *t = ctx;
	struct sl_flow_table *flows = t->c->pipeline->flows;
	uint64_t pairs = sl_flow_table_capacity(flows) / 2;
	uint64_t now = sl_now_ns(), passed = now - t->aged_ns;

	if (passed > AGE_NS / AGE_MOST)
		passed = AGE_NS / AGE_MOST;
	t->aged_ns = now;
	sl_flow_age(flows, &t->timeouts, sl_engine_tick(t->c->engine),
		(unsigned int)(pairs * passed / AGE_NS) + 1);
}

static void underlay(void *ctx)
{
	sl_underlay_tick(((const struct turns *)ctx)->c->underlay);
}

static void host(void *ctx)
{
	struct turns *t = ctx;

	if (sl_underlay_host_turn(t->c->underlay))
		sl_loop_busy(&t->loop);
}

static void kernel(void *ctx)
{
	sl_underlay_host_hear(((const struct turns *)ctx)->c->underlay);
}

static void notices(void *ctx)
{
	const struct turns *t = ctx;
	const struct sl_notice_facts facts = sl_ctrl_facts(t->c, &t->run);

	sl_notice_watch_turn(t->c->notices, &facts);
}

static void macs(void *ctx)
{
	const struct turns *t = ctx;

	sl_mac_watch_tick(&t->c->macs, &t->run);
}

static void loads(void *ctx)
{
	const struct turns *t = ctx;

	sl_load_sample(&t->c->load, t->c->engine);
}

static void states(void *ctx)
{
	const struct turns *t = ctx;

	sl_states_look(t->c->states, &t->c->states_round, &t->run);
}

static void rebalance(void *ctx)
{
	struct sl_ctrl *c = ((const struct turns *)ctx)->c;

	sl_rebalance_tick(&c->rebalance, c->engine, &c->config->workers.rebalance, c->log);
}

/* A slice of folding the journal, and of other work that is done in parts. */
static void fold(void *ctx)
{
	struct turns *t = ctx;
	struct sl_ctrl *c = t->c;
	bool folding = c->journal != NULL && sl_journal_is_folding(c->journal);

	t->fold_is_owed = folding && !t->fold_is_owed && sl_loop_spent_ns(&t->loop) > BESIDE_NS;
	if (t->fold_is_owed)
		return;
	if (c->journal != NULL)
		sl_journal_turn(c->journal, c->store);
	sl_store_turn(c->store);
}

static void signals(void *ctx)
{
	struct turns *t = ctx;

	if (sl_signals_read(t->signals, t->c->log))
		sl_loop_stop(&t->loop);
}

static void devices(void *ctx)
{
	sl_engine_follow(((const struct turns *)ctx)->c->engine);
}

static void clients(void *ctx)
{
	const struct turns *t = ctx;

	if (!t->fold_is_owed)
		sl_server_poll(t->c->server);
}

static const struct sl_timer timers[] = {
	{.name = "upcalls", .fn = upcalls, .bound = "64 packets"},
	{.name = "samples", .fn = samples, .bound = "64 samples"},
	{.name = "engine", .fn = engine, .bound = "its ports and workers"},
	{.name = "ports", .fn = ports, .bound = "ports, a step of each"},
	{.name = "waiting calls",
		.fn = waiting_calls,
		.bound = "clients, the ports of each's call"},
	{.name = "tables", .fn = tables, .bound = "a portion of what a commit left to do"},
	{.name = "ageing", .fn = age, .bound = "1/50 of the flow table"},
	{.name = "underlay",
		.fn = underlay,
		.bound = "next hops that are due",
		.period_ns = TICK_NS},
	{.name = "host", .fn = host, .bound = "64 nodes and 64 next hops"},
	{.name = "notices",
		.fn = notices,
		.bound = "1024 objects of one row",
		.period_ns = TICK_NS},
	{.name = "macs", .fn = macs, .bound = "4096 entries, 64 moves", .period_ns = TICK_NS},
	{.name = "loads", .fn = loads, .bound = "workers", .period_ns = TICK_NS},
	{.name = "states", .fn = states, .bound = "1024 next hops", .period_ns = TICK_NS},
	{.name = "rebalance",
		.fn = rebalance,
		.bound = "queues, 64 steps of a plan",
		.period_ns = TICK_NS},
	{.name = "fold", .fn = fold, .bound = "2 ms", .last = true},
};

/* The argument of sched_setattr(2); this C library does not declare it. */
struct sched_request {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/*
 * When the control thread shares a core with a worker that never sleeps, it waits for the end of
 * the worker's time slice: milliseconds. With Linux 6.12 and later, a thread that asks for short
 * slices runs before a thread with longer slices as soon as it wakes up. Other kernels refuse or
 * ignore the request, which does no harm.
 */
static void ask_for_short_slices(void)
{
	struct sched_request r = {.size = sizeof(r),
		.nice = getpriority(PRIO_PROCESS, 0),
		.runtime = CONTROL_SLICE_NS};

	(void)syscall(SYS_sched_setattr, 0, &r, 0u);
}

static int add_timers(struct turns *t, struct sl_err *e)
{
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		struct sl_timer row = timers[i];
		int ret;

		row.ctx = t;
		ret = sl_loop_add_timer(&t->loop, &row, e);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int add_sources(struct turns *t, struct sl_err *e)
{
	const struct sl_source rows[] = {
		{.name = "signals", .fd = t->signals, .fn = signals, .bound = "those that came"},
		{.name = "devices",
			.fd = sl_engine_fd(t->c->engine),
			.fn = devices,
			.bound = "messages that the kernel has queued"},
		{.name = "kernel",
			.fd = sl_underlay_host_fd(t->c->underlay),
			.fn = kernel,
			.bound = "256 messages"},
		{.name = "clients",
			.fd = sl_server_fd(t->c->server),
			.fn = clients,
			.bound = "4 ms, and the piece under way"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_source row = rows[i];
		int ret;

		if ((row.fn == devices || row.fn == kernel) && row.fd < 0)
			continue; /* an event that is missed here is found a little later */
		row.ctx = t;
		ret = sl_loop_add_source(&t->loop, &row, e);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int sl_turns_run(struct sl_ctrl *c, struct sl_err *e)
{
	struct turns t = {.c = c,
		.run = sl_ctrl_running(c),
		.signals = sl_signals_open(),
		.aged_ns = sl_now_ns()};
	int err;

	sl_flow_timeouts_default(&t.timeouts);
	ask_for_short_slices();
	sl_daemon_notice_times();
	err = sl_loop_init(&t.loop, &c->turns, e);
	if (c->config->workers.idle == SL_IDLE_ADAPTIVE) {
		t.loop.quiet_ms = QUIET_MS;
		t.loop.bell = sl_engine_bell(c->engine);
		t.loop.has_news = has_upcalls;
		t.loop.news_ctx = &t;
	}
	if (err == 0)
		err = add_timers(&t, e);
	if (err == 0)
		err = add_sources(&t, e);
	if (err == 0)
		sl_loop_run(&t.loop);
	sl_loop_fini(&t.loop);
	if (t.signals >= 0)
		close(t.signals);
	return err;
}
