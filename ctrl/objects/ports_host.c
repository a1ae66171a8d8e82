/* SPDX-License-Identifier: BSD-3-Clause */
/* Host TAPs of underlay ports: the field, its rule, and the TAPs as ports of the engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collections.h"
#include "ctrl/model/store.h"
#include "ctrl/underlay/underlay.h"
#include "endpoints.h"
#include "fields.h"
#include "host_ports.h"
#include "ports.h"
#include "report.h"

static const struct sl_field host_tap_fields[] = {
	SL_FIELD(sl_port_host_tap, name, SL_F_STRING, .flags = SL_FIELD_REQUIRED, .min = 1,
		.max = SL_INTERFACE_NAME_MAX,
		.help = "The interface that sluice makes, or takes over from a daemon before it."),
};

static int check_name(const void *obj, struct sl_err *e)
{
	return sl_check_interface_name(((const struct sl_port_host_tap *)obj)->name, "name", e);
}

const struct sl_shape sl_shape_port_host_tap = SL_SHAPE("host_tap", sl_port_host_tap,
	host_tap_fields, "The host's interface on an underlay port's wire.", .check = check_name);

const char *sl_port_host_name(const struct sl_port_obj *p, char buf[SL_HOST_PORT_LEN])
{
	snprintf(buf, SL_HOST_PORT_LEN, "%s/host", p->name);
	return buf;
}

struct name_search {
	const struct sl_port_obj *mine, *found;
};

static bool look_at_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct name_search *s = ctx;

	if (strcmp(p->name, s->mine->name) == 0
			? sl_port_device_takes(p, s->mine->host_tap.name)
			: sl_port_takes_interface(p, s->mine->host_tap.name))
		s->found = p;
	return s->found == NULL;
}

/* A port may have any name, and so the name of one that sluice makes for the host. */
static const struct sl_object *of_that_name(const struct sl_store *s, const struct sl_port_obj *p)
{
	const char *slash = strrchr(p->name, '/');
	const struct sl_object *o = NULL;
	char port[SL_NAME_LEN];

	if (slash == NULL)
		return NULL;
	if (strncmp(p->name, "host/", strlen("host/")) == 0)
		o = sl_store_find(s, SL_COLL_ENDPOINTS, p->name + strlen("host/"));
	if (o != NULL && sl_endpoint_is_host_here((const struct sl_endpoint_obj *)o))
		return o;
	if (strcmp(slash, "/host") != 0)
		return NULL;
	snprintf(port, sizeof(port), "%.*s", (int)(slash - p->name), p->name);
	o = sl_store_find(s, SL_COLL_PORTS, port);
	return o != NULL && ((const struct sl_port_obj *)o)->has_host_tap ? o : NULL;
}

static int check_names(const struct sl_store *s, const struct sl_port_obj *p, struct sl_err *e)
{
	const struct sl_object *o = of_that_name(s, p);
	char name[SL_HOST_PORT_LEN];

	if (o != NULL) {
		sl_err_set(e, SL_ERR_EXISTS, "name",
			"\"%s\" is the name of the TAP that \"%s\" has for the host", p->name,
			o->key);
	} else if (p->has_host_tap &&
		   sl_store_find(s, SL_COLL_PORTS, sl_port_host_name(p, name)) != NULL) {
		sl_err_set(e, SL_ERR_EXISTS, "host_tap",
			"the host TAP of port \"%s\" would have the name of port \"%s\"", p->name,
			name);
	} else {
		return 0;
	}
	sl_err_hint(e, "give one of the ports another name");
	return -EEXIST;
}

int sl_port_host_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	struct name_search n = {.mine = (const struct sl_port_obj *)o};
	int ret = check_names(s, n.mine, e);

	if (ret != 0 || !n.mine->has_host_tap)
		return ret;
	sl_store_walk(s, SL_COLL_PORTS, look_at_port, &n);
	if (n.found == NULL)
		return 0;
	sl_err_set(e, SL_ERR_EXISTS, "host_tap.name",
		"port \"%s\" wants a host TAP \"%s\", and port \"%s\" has an interface of that "
		"name",
		n.mine->name, n.mine->host_tap.name, n.found->name);
	sl_err_hint(e, "give the host TAP a name of its own");
	return -EEXIST;
}

bool sl_port_takes_interface(const struct sl_port_obj *p, const char *name)
{
	return (p->has_host_tap && strcmp(p->host_tap.name, name) == 0) ||
	       sl_port_device_takes(p, name);
}

const char *sl_host_devargs(const char *tap, char buf[SL_HOST_DEVARGS_LEN])
{
	snprintf(buf, SL_HOST_DEVARGS_LEN, "tap=%s", tap);
	return buf;
}

int sl_host_rights(
	const struct sl_devices_conf *c, const char *tap, const char *field, struct sl_err *e)
{
	const struct sl_port_obj as_port = {
		.name = tap, .has_tap = true, .tap.name = (char *)(uintptr_t)tap};
	int ret = sl_port_rights(c, &as_port, e);

	if (ret != 0)
		snprintf(e->path, sizeof(e->path), "%s", field);
	return ret;
}

/* Texts that the parameters point to. */
struct texts {
	char name[SL_HOST_PORT_LEN], devargs[SL_HOST_DEVARGS_LEN];
};

/*
 * Without offloads: packets of the host pass through unchanged, and the wire's device may take none
 * of them. The TAP outlives this process, so that the host keeps its addresses.
 */
static struct sl_port_params params_of(
	const struct sl_table_txn *t, const struct sl_port_obj *port, struct texts *texts)
{
	struct sl_port_params p = {.name = sl_port_host_name(port, texts->name),
		.devargs = texts->devargs,
		.n_rxq = 1,
		.patience = t->patience,
		.leaving = sl_table_ports_leaving(t)};

	snprintf(texts->devargs, sizeof(texts->devargs), "host_tap=%s", port->host_tap.name);
	for (size_t i = 0; i < SL_QUEUES_MAX; i++)
		p.rxq_worker[i] = -1;
	return p;
}

static const struct sl_port_obj *with_tap(const struct sl_object *o)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;

	return p != NULL && p->has_host_tap ? p : NULL;
}

static uint16_t tap_of(const struct sl_table_txn *t, const struct sl_port_obj *p)
{
	char name[SL_HOST_PORT_LEN];

	return (uint16_t)sl_table_port(t, sl_port_host_name(p, name));
}

static uint16_t wire_of(const struct sl_table_txn *t, const struct sl_port_obj *p)
{
	return (uint16_t)sl_table_port(t, p->name);
}

static int change(struct sl_table_txn *t, const struct sl_port_obj *old,
	const struct sl_port_obj *new, struct sl_err *e)
{
	struct texts texts;
	const struct sl_port_params p = params_of(t, new, &texts);

	if (strcmp(old->host_tap.name, new->host_tap.name) == 0)
		return 0;
	sl_table_port_leaves(t, tap_of(t, old));
	return sl_port_check_change(sl_apply_engine(t->apply), tap_of(t, old), &p, e);
}

static int add(struct sl_table_txn *t, const struct sl_port_obj *port, struct sl_err *e)
{
	struct texts texts;
	const struct sl_port_params p = params_of(t, port, &texts);

	return sl_table_port_add(t, &p, e);
}

static int blame(const struct sl_change *c, int ret, struct sl_err *e)
{
	return sl_host_blame(
		c, ret, "host_tap.name", "give the host TAP an interface name of its own", e);
}

int sl_host_taps_foresee(struct sl_table_txn *t, struct sl_err *e)
{
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS) {
		const struct sl_port_obj *port = with_tap(c->new_obj);
		struct texts texts;
		struct sl_port_params p;
		int ret;

		if (port == NULL || with_tap(c->old_obj) != NULL)
			continue;
		p = params_of(t, port, &texts);
		ret = blame(c, sl_table_port_foresee(t, &p, e), e);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* A copy of the table, with all pairs of the transaction's ports as they will be. */
static int pair(struct sl_table_txn *t, struct sl_err *e)
{
	struct sl_host_taps *next = calloc(1, sizeof(*next));

	if (next == NULL)
		return sl_table_no_memory(e);
	if (t->old->host_taps != NULL)
		*next = *t->old->host_taps;
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS) {
		const struct sl_port_obj *old = with_tap(c->old_obj), *new = with_tap(c->new_obj);

		if (old != NULL) {
			next->other[wire_of(t, old)] = 0;
			next->other[tap_of(t, old)] = 0;
		}
		if (new != NULL) {
			next->other[wire_of(t, new)] = (uint16_t)(tap_of(t, new) + 1);
			next->other[tap_of(t, new)] = (uint16_t)(wire_of(t, new) + 1);
		}
	}
	t->world->host_taps = next;
	return sl_table_replace(t, t->old->host_taps, next, free) ? 0 : sl_table_no_memory(e);
}

int sl_host_taps_prepare(struct sl_table_txn *t, struct sl_err *e)
{
	bool any = false;

	SL_EACH_CHANGE (c, t, SL_COLL_PORTS) {
		const struct sl_port_obj *old = with_tap(c->old_obj), *new = with_tap(c->new_obj);
		int ret = 0;

		if (old != NULL && new != NULL)
			ret = change(t, old, new, e);
		else if (new != NULL)
			ret = add(t, new, e);
		else if (old != NULL)
			sl_table_port_remove(t, tap_of(t, old));
		if (ret != 0)
			return blame(c, ret, e);
		any = any || old != NULL || new != NULL;
	}
	return any ? pair(t, e) : 0;
}

static void commit_one(
	struct sl_table_txn *t, const struct sl_port_obj *old, const struct sl_port_obj *new)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);

	if (old != NULL && new != NULL && strcmp(old->host_tap.name, new->host_tap.name) != 0) {
		struct texts texts;
		const struct sl_port_params p = params_of(t, new, &texts);

		sl_port_change(sl_apply_engine(t->apply), tap_of(t, old), &p);
	}
	if (new != NULL) {
		const struct sl_host_link_params p = {.port = tap_of(t, new),
			.name = new->host_tap.name,
			.addresses = new->addresses.items,
			.n_addresses = new->addresses.n,
			.follows = wire_of(t, new)};

		sl_underlay_put_host(u, &p);
	} else if (old != NULL) {
		sl_underlay_del_host(u, tap_of(t, old));
	}
}

void sl_host_taps_commit(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		commit_one(t, with_tap(c->old_obj), with_tap(c->new_obj));
}

void sl_port_host_report(
	const struct sl_report_ctx *ctx, const struct sl_port_obj *p, struct sl_port_reported *r)
{
	char name[SL_HOST_PORT_LEN];
	int id = p->has_host_tap ? sl_apply_port_id(ctx->apply, sl_port_host_name(p, name)) : -1;
	struct sl_port_info info;

	if (id < 0)
		return;
	sl_port_info(ctx->engine, (uint16_t)id, &info);
	r->host_state = info.condition;
	r->host_state_reason = strdup(info.why);
	r->has_host_state = r->host_state_reason != NULL;
}
