/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "device_path.h"
#include "dp/device/device_outside.h"
#include "dp/device/driver_files.h"
#include "engine_state.h"
#include "dp/eal/numa_node.h"

#define CLOSING_WAIT_MS 20 /* two hundred grace periods of sleeping workers */

static int check_params(const struct sl_engine *g, const struct sl_port_params *p, struct sl_err *e)
{
	if (p->n_rxq == 0 || p->n_rxq > SL_QUEUES_MAX)
		return sl_err_set(e, SL_ERR_PARAMS, "queues",
			"port %s: 1 to %d receive queues are possible, not %u", p->name,
			SL_QUEUES_MAX, p->n_rxq);
	if (p->n_desc > UINT16_MAX)
		return sl_err_set(e, SL_ERR_PARAMS, "descriptors",
			"port %s: %u descriptors are more than a queue has", p->name, p->n_desc);
	for (unsigned int q = 0; q < p->n_rxq; q++)
		if (p->rxq_worker[q] >= (int)g->n_workers)
			return sl_err_set(e, SL_ERR_PARAMS, "workers",
				"port %s: queue %u is given to worker %d, the last one is %u",
				p->name, q, p->rxq_worker[q], g->n_workers - 1);
	return 0;
}

static int parse_devargs(struct sl_port *p, const char *devargs, struct sl_err *e)
{
	return sl_port_driver_of(devargs)->parse(devargs, p->name, p->device, sizeof(p->device), e);
}

static const struct sl_port *port_with_device(const struct sl_port *of)
{
	const struct sl_engine *g = of->engine;

	for (unsigned int i = 0; i < g->n_slots; i++) {
		const struct sl_port *p = g->port[i];

		if (p != of && p->state != SL_PORT_FREE && !sl_port_lets_pass(p, of) &&
			strcmp(p->device, of->device) == 0)
			return p;
	}
	return NULL;
}

/* Creates the port's rows in all threads' counters. */
static int make_rows(struct sl_engine *g, unsigned int id)
{
	int ret = sl_port_row_make(g->control, id, SOCKET_ID_ANY);

	for (unsigned int w = 0; w < g->n_workers && ret == 0; w++)
		ret = sl_port_row_make(
			&g->worker[w]->counters, id, sl_numa_socket("port row", g->worker_numa[w]));
	return ret;
}

/* A slot with a new id. NULL: no id left, or no memory. */
static struct sl_port *make_slot(struct sl_engine *g)
{
	unsigned int id = g->n_slots;
	struct sl_port *p;

	if (id == SL_PORTS_MAX || make_rows(g, id) != 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	*p = (struct sl_port){.engine = g, .id = (uint16_t)id};
	g->port[g->n_slots++] = p;
	return p;
}

static struct sl_port *free_slot(struct sl_engine *g, bool *some_closing)
{
	*some_closing = false;
	for (unsigned int i = 0; i < g->n_slots; i++) {
		if (g->port[i]->state == SL_PORT_FREE)
			return g->port[i];
		*some_closing |= g->port[i]->state == SL_PORT_CLOSING;
	}
	return make_slot(g);
}

/* The port that has the device, or a path that it names; NULL: none. */
static const struct sl_port *holder(const struct sl_port *new, const char *devargs)
{
	const struct sl_port *p = port_with_device(new);

	return p != NULL ? p : sl_device_rival(new, devargs);
}

/* True when the port's device will be free in a moment. */
static bool gives_way(const struct sl_port *p, const struct sl_port_set *leaving)
{
	return p->state == SL_PORT_CLOSING || p->state == SL_PORT_REOPENING ||
	       (leaving != NULL && sl_port_set_has(leaving, p->id));
}

static int in_use(const struct sl_port *new, const struct sl_port *other, struct sl_err *e)
{
	if (strcmp(new->device, other->device) != 0)
		return sl_err_set(e, SL_ERR_EXISTS, "devargs",
			"port %s: port %s has the socket or file that device %s names", new->name,
			other->name, new->device);
	return sl_err_set(e, SL_ERR_EXISTS, "devargs", "port %s: device %s is in use by port %s",
		new->name, new->device, other->name);
}

static void wait_a_moment(struct sl_engine *g)
{
	rte_delay_us_sleep(50);
	sl_rcu_poll(g->rcu);
	sl_ports_jobs(g);
}

static struct sl_port *wait_for_slot(struct sl_engine *g, const char *name, struct sl_err *e)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000 * CLOSING_WAIT_MS;
	bool closing;
	struct sl_port *slot = free_slot(g, &closing);

	while (slot == NULL && closing && rte_rdtsc() < until) {
		wait_a_moment(g);
		slot = free_slot(g, &closing);
	}
	if (slot == NULL)
		sl_err_set(e, SL_ERR_LIMIT, "", "port %s: all %d ports are in use%s", name,
			SL_PORTS_MAX, closing ? ", one of them until it is closed" : "");
	return slot;
}

int sl_port_check_device(const struct sl_port *p, struct sl_err *e)
{
	const struct sl_port *other = holder(p, p->devargs);

	if (other == NULL)
		return 0;
	return gives_way(other, NULL) ? 1 : in_use(p, other, e);
}

/* Whether the device is free (0), will be free (1), or belongs to another port (an error). */
static int wait_for_device(const struct sl_port *new, const struct sl_port_params *params,
	bool waits, struct sl_err *e)
{
	struct sl_engine *g = new->engine;
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000 * CLOSING_WAIT_MS;
	const struct sl_port *other = holder(new, params->devargs);

	while (waits && other != NULL && other->state == SL_PORT_CLOSING &&
		(other->job != NULL || rte_rdtsc() < until)) {
		wait_a_moment(g);
		other = holder(new, params->devargs);
	}
	if (other == NULL)
		return 0;
	return gives_way(other, params->leaving) ? 1 : in_use(new, other, e);
}

/* Without touching the device, which another port still has: checks what is known about it. */
static int check_presence(const struct sl_port *p, struct sl_err *e)
{
	char why[160];

	if (!sl_outside_is_absent(&p->outside, why, sizeof(why)))
		return 0;
	return sl_err_set(
		e, SL_ERR_DEVICE, "devargs", "port %s: device %s: %s", p->name, p->device, why);
}

/* It gives up the device without being told to, or may. */
static bool ends_soon(const struct sl_port *p)
{
	return p->state == SL_PORT_CLOSING || p->state == SL_PORT_ADDING;
}

/* Somebody has the device who may give it up: it is asked for again once that port is gone. */
static bool queue_up(struct sl_port *p, const struct sl_port_params *params)
{
	const struct sl_port *other = holder(p, params->devargs);

	if (other == NULL || !ends_soon(other))
		return false;
	p->awaited = other->id;
	p->awaited_epoch = other->epoch;
	sl_port_set_add(&p->engine->shut, p->id);
	return true;
}

/*
 * 0: the helper opens it, or the port waits for another one's end (awaited_epoch); 1: it is opened
 * when it is published; or an error.
 */
static int begin_open(
	struct sl_port *p, const struct sl_port_params *params, bool waits, struct sl_err *e)
{
	int ret = check_presence(p, e);

	if (ret != 0 && params->patience >= SL_PATIENCE_MISSING)
		return 1;
	if (ret == 0 && !waits && queue_up(p, params))
		return 0;
	if (ret == 0)
		ret = wait_for_device(p, params, waits, e);
	return ret == 0 ? sl_port_begin_open(p, e) : ret;
}

static int set_up(struct sl_port *p, const struct sl_port_params *params, struct sl_err *e)
{
	int ret;

	p->epoch = ++p->engine->n_epochs;
	rte_strscpy(p->name, params->name, sizeof(p->name));
	ret = parse_devargs(p, params->devargs, e);
	if (ret != 0 && params->patience == SL_PATIENCE_ALL) {
		snprintf(p->device, sizeof(p->device), "%.*s", (int)strcspn(params->devargs, ","),
			params->devargs);
		ret = 0; /* opening it will report this again */
	}
	return ret == 0 ? sl_port_ask(p, params, e) : ret;
}

static void give_up(struct sl_port *p)
{
	p->state = SL_PORT_CLOSING;
	p->awaited_epoch = 0;
	sl_port_close(p);
}

void sl_port_ask_again(struct sl_port *p)
{
	const struct sl_port_params as_before = {.devargs = p->devargs};
	const struct sl_port *other = p->engine->port[p->awaited];

	if (other->epoch == p->awaited_epoch && ends_soon(other))
		return;
	p->awaited_epoch = 0;
	p->open_ret = begin_open(p, &as_before, false, &p->open_err);
}

/*
 * A ticket is the port's id and one (sl_port_open_id): 0 is none. waits: within this call, for another port to give
 * up the device.
 */
static int begin(
	struct sl_engine *g, const struct sl_port_params *params, bool waits, struct sl_err *e)
{
	struct sl_port *p;
	int ret = check_params(g, params, e);

	if (ret != 0)
		return ret;
	p = wait_for_slot(g, params->name, e);
	if (p == NULL)
		return -ENOSPC;
	p->state = SL_PORT_ADDING;
	ret = set_up(p, params, e);
	if (ret != 0) {
		give_up(p);
		return ret;
	}
	p->open_ret = begin_open(p, params, waits, &p->open_err);
	return p->id + 1;
}

int sl_port_open_begin(struct sl_engine *g, const struct sl_port_params *params, struct sl_err *e)
{
	return begin(g, params, false, e);
}

static struct sl_port *port_of_ticket(const struct sl_engine *g, int ticket)
{
	struct sl_port *p =
		ticket > 0 && (unsigned int)ticket <= g->n_slots ? g->port[ticket - 1] : NULL;

	return p != NULL && p->state == SL_PORT_ADDING ? p : NULL;
}

bool sl_port_open_done(const struct sl_engine *g, int ticket)
{
	const struct sl_port *p = port_of_ticket(g, ticket);

	return p == NULL || (p->job == NULL && p->awaited_epoch == 0);
}

void sl_port_open_drop(struct sl_engine *g, int ticket)
{
	struct sl_port *p = port_of_ticket(g, ticket);

	if (p != NULL)
		give_up(p);
}

int sl_port_add(struct sl_engine *g, const struct sl_port_params *params, struct sl_err *e)
{
	int ticket = params->ticket != 0 ? params->ticket : begin(g, params, true, e), ret;
	struct sl_port *p;

	if (ticket < 0)
		return ticket;
	p = port_of_ticket(g, ticket);
	if (p == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "port %s: ticket %d is of no port",
			params->name, ticket);
	sl_port_wait(p);
	p->awaited_epoch = 0; /* it is opened once it is published */
	ret = p->open_ret;
	if (ret < 0 && params->patience == SL_PATIENCE_ALL)
		ret = 0; /* opening is tried again once the port is published */
	else if (ret < 0 && e != NULL)
		*e = p->open_err;
	if (ret >= 0 && p->rxq == NULL)
		ret = sl_port_make_rxq(p, e);
	if (ret < 0) {
		give_up(p);
		return ret;
	}
	p->state = SL_PORT_OPEN;
	sl_port_stands(p, p->dev != NULL ? SL_PORT_IS_UP : SL_PORT_IS_OPENING,
		p->dev != NULL ? "" : "its device is about to be opened");
	sl_port_count_from_here(p);
	return p->id;
}

static int check_room(
	const struct sl_port *p, const char *devargs, unsigned int *n_limited, struct sl_err *e)
{
	const struct sl_port_driver *driver = sl_port_driver_of(devargs);

	return sl_port_driver_room(
		driver, driver->most != 0 ? (*n_limited)++ : 0, p->name, p->device, e);
}

int sl_port_check(const struct sl_engine_params *engine, const struct sl_port_params *p,
	unsigned int *n_limited, struct sl_err *e)
{
	struct sl_engine *g = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*g));
	struct sl_port new = {.engine = g};
	uint32_t absent;
	int ret;

	if (g == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	memset(g, 0, sizeof(*g));
	g->only_looks = true;
	g->own_socket = engine->own_socket;
	g->n_workers = engine->n_cores;
	rte_strscpy(new.name, p->name, sizeof(new.name));
	sl_driver_files_load();
	ret = check_params(g, p, e);
	if (ret == 0)
		ret = parse_devargs(&new, p->devargs, e);
	if (ret == 0)
		ret = sl_device_check(&new, p->devargs, &absent, e);
	if (ret == 0)
		ret = check_room(&new, p->devargs, n_limited, e);
	free(g);
	return ret;
}

void sl_port_offer(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = sl_port_find(g, id);

	if (p == NULL || p->state != SL_PORT_OPEN)
		return;
	p->fault = p->dev != NULL ? SL_KEEP : SL_DROP_PORT_MISSING;
	p->dp->refuse = (uint8_t)p->fault; /* no worker has seen it */
	sl_queues_deal(g, p);
	atomic_store_explicit(&g->ports[id], p->dp, memory_order_release);
}

void sl_port_publish(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = sl_port_find(g, id);

	if (p == NULL || p->state != SL_PORT_OPEN)
		return;
	if (atomic_load_explicit(&g->ports[id], memory_order_relaxed) == NULL)
		sl_port_offer(g, id);
	if (p->dev != NULL) {
		sl_queues_resume(g, p);
		sl_port_device_tell(p->dev, SL_TOLD_CHANGED);
	} else {
		p->state = SL_PORT_SHUT;
		sl_port_set_add(&g->shut, id);
	}
	sl_ports_follow(g, false);
}

static void close_retired(void *port)
{
	sl_port_close(port);
}

void sl_port_remove(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = sl_port_find(g, id);

	if (p == NULL)
		return;
	sl_queues_unassign(g, p);
	sl_rcu_retire(g->rcu, close_retired, p);
}

int sl_port_check_change(
	struct sl_engine *g, uint16_t id, const struct sl_port_params *params, struct sl_err *e)
{
	const struct sl_port *now = sl_port_find(g, id), *other;
	struct sl_port as = {.engine = g, .id = id, .state = SL_PORT_FREE};
	struct sl_port *p = &as;
	uint32_t absent;
	int ret = now != NULL ? check_params(g, params, e) : -ENOENT;

	if (ret != 0)
		return ret;
	rte_strscpy(p->name, params->name, sizeof(p->name));
	ret = parse_devargs(p, params->devargs, e);
	if (ret != 0)
		return ret;
	sl_port_outside(params->devargs, &p->outside);
	other = holder(p, params->devargs);
	if (other != NULL && other != now && !gives_way(other, params->leaving))
		return in_use(p, other, e);
	ret = check_presence(p, e);
	/* The files at its paths are its own, or those of a leaving port. */
	if (ret == 0 && other == NULL)
		ret = sl_device_check(p, params->devargs, &absent, e);
	return ret;
}

void sl_port_change(struct sl_engine *g, uint16_t id, const struct sl_port_params *params)
{
	struct sl_port *p = sl_port_find(g, id);
	struct sl_port_wish *w = p != NULL ? malloc(sizeof(*w)) : NULL;

	if (p == NULL)
		return;
	if (w == NULL)
		abort();
	w->params = *params;
	w->params.devargs = w->devargs;
	snprintf(w->devargs, sizeof(w->devargs), "%s", params->devargs);
	w->params.name = p->name;
	free(p->wish);
	p->wish = w;
	sl_port_stands(p, SL_PORT_IS_CLOSING, "its device is being closed, to be opened anew");
	if (p->state == SL_PORT_PUBLISHED)
		sl_port_part(p);
	else if (p->state == SL_PORT_SHUT)
		sl_port_shut(p); /* takes effect when the helper's present job is done */
}

/* The device is closed, and no worker has a queue of it. */
void sl_port_take_wish(struct sl_port *p)
{
	struct sl_port_wish *w = p->wish;
	struct sl_err e = {0};

	p->wish = NULL;
	if (w == NULL)
		return;
	p->epoch = ++p->engine->n_epochs;
	free(p->devargs);
	p->devargs = NULL;
	if (parse_devargs(p, w->devargs, &e) != 0 || sl_port_ask(p, &w->params, &e) != 0 ||
		sl_port_make_rxq(p, &e) != 0)
		abort(); /* it was checked before */
	sl_queues_deal(p->engine, p);
	free(w);
}
