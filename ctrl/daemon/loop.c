/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon.h"
#include "ctrl/model/journal.h"
#include "loop.h"
#include "ctrl/methods/runtime.h"
#include "signals.h"
#include "sluice/clock.h"

/* Workers cannot wake the control thread (they make no system calls), so it looks this often. */
#define TURN_MS		 1
#define UPCALLS		 64
#define SAMPLES		 64
#define CONTROL_SLICE_NS 100000
#define BESIDE_NS	 5000000 /* of a turn, with which a slice of folding fits into it */
#define AGE_NS		 UINT64_C(1000000000) /* in which the flow table's clock hand goes round... */
#define AGE_MOST	 50		      /* ...of which one turn makes up for so much: 1/50 */

static void take_upcalls(struct sl_ctrl *c)
{
	struct sl_upcall up[UPCALLS];
	unsigned int n = sl_engine_upcalls(c->engine, up, UPCALLS);

	for (unsigned int i = 0; i < n; i++)
		sl_underlay_upcall(c->underlay, &up[i]);
}

static void take_samples(struct sl_ctrl *c)
{
	static struct sl_sample sample[SAMPLES];
	unsigned int n = sl_engine_samples(c->engine, sample, SAMPLES);

	for (unsigned int i = 0; i < n; i++)
		sl_recent_note(c, &sample[i]);
}

struct ageing {
	struct sl_flow_timeouts timeouts;
	uint64_t last_ns;
};

/* As much as the time since the last turn asks for, however long the clients made it. */
static void age(struct sl_ctrl *c, struct ageing *a)
{
	uint64_t pairs = sl_flow_table_capacity(c->pipeline->flows) / 2;
	uint64_t now = sl_now_ns(), passed = now - a->last_ns;

	if (passed > AGE_NS / AGE_MOST)
		passed = AGE_NS / AGE_MOST;
	a->last_ns = now;
	sl_flow_age(c->pipeline->flows, &a->timeouts, sl_engine_tick(c->engine),
		(unsigned int)(pairs * passed / AGE_NS) + 1);
}

/* As sched_setattr(2) has it; this C library has no declaration of it. */
struct sched_request {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/*
 * Where the control thread shares a core with a worker that never sleeps, it waits for that one's
 * time slice to end: milliseconds. Linux 6.12 and later let a thread that asks for short slices
 * come before one with longer slices as soon as it wakes up. Others refuse or take no notice, and
 * nothing is lost.
 */
static void ask_for_short_slices(void)
{
	struct sched_request r = {.size = sizeof(r),
		.nice = getpriority(PRIO_PROCESS, 0),
		.runtime = CONTROL_SLICE_NS};

	(void)syscall(SYS_sched_setattr, 0, &r, 0u);
}

static int add_fd(int epoll, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
}

/* Since the turn before ended: what waiting costs is next to nothing. */
static void note_turn(struct sl_turns *t, uint64_t *last_ns)
{
	uint64_t now = sl_cpu_ns(), took = now - *last_ns;

	*last_ns = now;
	t->n++;
	t->over_1ms += took > 1000000;
	t->over_10ms += took > 10000000;
	t->over_100ms += took > 100000000;
	if (took > t->max_ns)
		t->max_ns = took;
}

/* Everything but the clients. */
static void turn(struct sl_ctrl *c, struct ageing *ageing)
{
	const struct sl_notice_facts facts = sl_ctrl_facts(c);
	uint32_t before = sl_engine_tick(c->engine);

	take_upcalls(c);
	take_samples(c);
	sl_engine_poll(c->engine);
	sl_ctrl_ports_turn(c);
	sl_apply_turn(c->apply);
	age(c, ageing);
	if (sl_engine_tick(c->engine) != before) {
		sl_underlay_tick(c->underlay);
		sl_notice_watch_turn(c->notices, &facts);
		sl_load_sample(&c->load, c->engine);
		sl_ctrl_states_look(c);
		sl_ctrl_rebalance_tick(c);
	}
}

/*
 * A slice of the journal's folding, and of what else is done bit by bit. Clients that made the turn
 * long leave no room for it in this one: then it is owed, and has the next one to itself.
 */
static void fold(struct sl_ctrl *c, uint64_t turn_began_ns, bool *owed)
{
	bool folding = c->journal != NULL && sl_journal_is_folding(c->journal);

	*owed = folding && !*owed && sl_cpu_ns() - turn_began_ns > BESIDE_NS;
	if (*owed)
		return;
	if (c->journal != NULL)
		sl_journal_turn(c->journal, c->store);
	sl_store_turn(c->store);
}

int sl_loop_run(struct sl_ctrl *c, struct sl_err *e)
{
	struct ageing ageing = {.last_ns = sl_now_ns()};
	int epoll = epoll_create1(EPOLL_CLOEXEC), signals = sl_signals_open(), err = 0;
	uint64_t last_ns = sl_cpu_ns();
	bool stop = false, owed = false;

	sl_flow_timeouts_default(&ageing.timeouts);
	ask_for_short_slices();
	sl_daemon_notice_times();
	if (sl_engine_fd(c->engine) >= 0) /* without: what it tells is found a little later */
		(void)add_fd(epoll, sl_engine_fd(c->engine));
	if (epoll < 0 || signals < 0 || add_fd(epoll, signals) != 0 ||
		add_fd(epoll, sl_server_fd(c->server)) != 0)
		err = sl_err_set(e, SL_ERR_INTERNAL, NULL, "event loop: %s", strerror(errno));
	while (err == 0 && !stop) {
		struct epoll_event ev[4];
		int n = epoll_wait(epoll, ev, 4, TURN_MS);

		turn(c, &ageing);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == signals)
				stop = sl_signals_take(signals, sl_daemon_notice);
			else if (ev[i].data.fd == sl_engine_fd(c->engine))
				sl_engine_follow(c->engine);
			else if (!owed)
				sl_server_poll(c->server);
		}
		fold(c, last_ns, &owed);
		note_turn(&c->turns, &last_ns);
	}
	if (signals >= 0)
		close(signals);
	if (epoll >= 0)
		close(epoll);
	return err;
}
