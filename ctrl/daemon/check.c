/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "daemon.h"
#include "dp/eal/variant.h"
#include "pipelines/flow/flow_ctl.h"
#include "ctrl/objects/tables.h"
#include "ctrl/objects/collections.h"
#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/ports.h"
#include "ctrl/rpc/server.h"

struct check {
	const struct sl_options *o;
	const struct sl_config *config;
	struct sl_engine_params engine;
	bool runs;	      /* a daemon does, and what it holds may be had once it has stopped */
	unsigned int n_pools; /* of packet buffers */
	unsigned int n_checked, n_limited; /* the last: see sl_port_check */
	bool of_file;			   /* these are the file's objects, in its order */
	uint64_t room;			   /* bytes for packets and tables */
	struct sl_err *e;
	int ret;
};

static unsigned int n_printed; /* by functions that have no context */

static void print_notice(const char *text)
{
	n_printed++;
	fprintf(stderr, "sluiced: notice: %s\n", text);
}

static void print_found(void *ctx, const struct sl_notice *n)
{
	char line[SL_NOTICE_LINE_LEN];

	(void)ctx;
	print_notice(sl_notice_line(n, line));
}

/* It comes first, because other steps need to know whether a daemon runs; a start does it last. */
static int check_socket(struct check *k, struct sl_err *e)
{
	char text[256];
	int ret = sl_server_look(k->o->socket, e);

	if (ret != -EADDRINUSE)
		return ret;
	k->runs = true;
	snprintf(text, sizeof(text),
		"a daemon listens at %s: a start beside it would be refused, one after it is meant",
		k->o->socket);
	print_notice(text);
	return 0;
}

static int check_engine(struct check *k)
{
	int ret = sl_variant_check(sl_variant_conf_names[k->config->workers.variant], k->e);

	if (ret != 0)
		return ret;
	/* The running daemon may hold the pages that are missing. */
	if (k->runs && k->engine.hugepages == SL_HUGEPAGES_REQUIRED)
		k->engine.hugepages = SL_HUGEPAGES_AUTO;
	return sl_engine_check(&k->engine, &k->room, k->e);
}

static int check_memory(struct check *k)
{
	uint64_t room = k->room, least = sl_flow_table_least(k->config->workers.max_flows) +
					 sl_engine_least(&k->engine, k->n_pools);
	int ret;

	if (least <= room)
		return 0;
	ret = sl_err_set(k->e, SL_ERR_LIMIT, "workers.memory_mb",
		"the flow table of %u entries and %u pools of packet buffers need %" PRIu64
		" MiB at least, and there are %" PRIu64,
		k->config->workers.max_flows, k->n_pools, (least >> 20) + 1, room >> 20);
	sl_err_hint(k->e, "raise workers.memory_mb, or lower workers.max_flows or packet_buffers");
	return ret;
}

struct pools {
	unsigned int n;
	bool shared;
};

static bool count_pool(const struct sl_object *o, void *pools)
{
	struct pools *p = pools;

	p->n += ((const struct sl_port_obj *)o)->devargs != NULL;
	p->shared |= ((const struct sl_port_obj *)o)->devargs == NULL ||
		     ((const struct sl_port_obj *)o)->has_host_tap;
	return true;
}

static bool look_for_host(const struct sl_object *o, void *pools)
{
	struct pools *p = pools;

	p->shared |= sl_endpoint_is_host_here((const struct sl_endpoint_obj *)o);
	return !p->shared;
}

/*
 * All ports on kernel interfaces share two, TAPs of the host included: the large buffers are fewer,
 * and count as one pool.
 */
static unsigned int count_pools(const struct sl_store *s)
{
	struct pools p = {0};

	sl_store_walk(s, SL_COLL_PORTS, count_pool, &p);
	sl_store_walk(s, SL_COLL_ENDPOINTS, look_for_host, &p);
	return p.n + (p.shared ? 2 : 0);
}

static bool check_port(const struct sl_object *o, void *ctx)
{
	struct check *k = ctx;
	char text[SL_PORT_TEXT_MAX];
	struct sl_port_params params = sl_port_params_of((const struct sl_port_obj *)o, text);

	k->ret = sl_port_check(&k->engine, &params, &k->n_limited, k->e);
	if (k->ret == 0) {
		k->n_checked++;
		return true;
	}
	if (k->of_file)
		sl_err_at(k->e, "ports[%u]", k->n_checked);
	return false;
}

/* The objects that will be in force. */
static int check_objects(struct check *k, const struct sl_store *s)
{
	const struct sl_notice_facts f = {.store = s, .self = &k->config->node};

	k->n_pools = count_pools(s);
	k->ret = check_memory(k);
	if (k->ret == 0)
		sl_store_walk(s, SL_COLL_PORTS, check_port, k);
	if (k->ret == 0)
		sl_notices_find(&f, print_found, NULL);
	return k->ret;
}

/* 1: the state directory has no objects, so the file's will be in force. */
static int check_state(struct check *k)
{
	struct sl_journal *j;
	struct sl_store *s;
	int ret;

	if (k->o->state == NULL)
		return 1;
	j = sl_journal_look(k->o->state, print_notice, &ret, k->e);
	if (j == NULL && ret == -EBUSY) {
		print_notice("the state directory is in use by a daemon, and was not read");
		return 1;
	}
	if (j == NULL)
		return ret;
	ret = 1;
	if (!sl_journal_empty(j)) {
		s = sl_store_create(NULL, NULL);
		sl_store_set_self(s, &k->config->node);
		ret = sl_journal_replay(j, s, k->e);
		if (ret == 0)
			ret = check_objects(k, s);
		sl_store_destroy(s);
	}
	sl_journal_close(j);
	return ret;
}

/* The file's own objects, which must be valid whether they will be in force or not. */
static struct check *now; /* sl_config_check has no context */

static void check_loaded(const struct sl_store *s, const struct sl_config *c)
{
	struct sl_err not_there = {0};
	struct check *k = now;
	int socket;

	k->config = c;
	k->engine = sl_daemon_engine_params(&c->workers, k->o);
	k->engine.notice = NULL; /* a start says how it runs */
	socket = check_socket(k, &not_there);
	k->ret = check_engine(k);
	if (k->ret == 0)
		k->ret = check_state(k);
	if (k->ret == 1) {
		k->of_file = true;
		k->ret = check_objects(k, s);
	}
	if (k->ret != 0 || socket == 0)
		return;
	k->ret = socket;
	*k->e = not_there;
}

int sl_check(const struct sl_options *o, unsigned int *n_notices, struct sl_err *e)
{
	struct check k = {.o = o, .e = e};
	int ret;

	now = &k;
	n_printed = 0;
	ret = sl_config_check(o->config, check_loaded, e);
	*n_notices = n_printed;
	return ret != 0 ? ret : k.ret;
}
