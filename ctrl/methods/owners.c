/* SPDX-License-Identifier: BSD-3-Clause */
/* flows.owners: the owners that fill the flow table. */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl.h"
#include "ctrl/shape/json.h"
#include "methods.h"
#include "ctrl/watch/names.h"
#include "ctrl/objects/fields.h"
#include "ctrl/rpc/rows.h"

#define AFTER_MAX 10000
#define LOOKS	  64 /* owners of one step */

static const char *const kinds[] = {"any", "endpoint", "port", "node", "network", NULL};
_Static_assert(RTE_DIM(kinds) == SL_OWNER_KINDS + 1, "in the order of enum sl_owner_kind");

struct owners_in {
	uint32_t kind, limit, after;
};
static const struct sl_field params_fields[] = {
	SL_FIELD(owners_in, kind, SL_F_ENUM, .names = kinds,
		.help = "Only owners of this kind; any: all of them."),
	SL_FIELD(owners_in, limit, SL_F_UINT, .min = 1, .max = SL_PAGE_MAX, .def = 1000,
		.help = "How many at most."),
	SL_FIELD(owners_in, after, SL_F_UINT, .max = AFTER_MAX,
		.help = "Skip this many owners with most connections: next of the last answer."),
};
static const struct sl_shape params_shape =
	SL_SHAPE("flows.owners", owners_in, params_fields, "Which owners to list.");

struct owner_out {
	char *kind, *name, *place, *network;
	uint32_t connections, share, refused;
	bool gone;
};
static const struct sl_field owner_fields[] = {
	SL_FIELD(owner_out, kind, SL_F_STRING, .max = 16,
		.help = "endpoint, port, node or network. A connection counts for each of these "
			"that its opener belongs to."),
	SL_FIELD(owner_out, name, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "Its name; empty when the object is gone."),
	SL_FIELD(owner_out, place, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "For an endpoint: the port or node that it is or was at."),
	SL_FIELD(owner_out, network, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "For an endpoint: the network that it is or was in."),
	SL_FIELD(owner_out, connections, SL_F_UINT, .max = UINT32_MAX,
		.help = "Connections billed to it: those that it opened. When the opener is not "
			"known, both ends are billed."),
	SL_FIELD(owner_out, share, SL_F_UINT, .max = UINT32_MAX,
		.help = "Connections that it can keep while others of its kind want theirs."),
	SL_FIELD(owner_out, refused, SL_F_UINT, .max = UINT32_MAX,
		.help = "Packets dropped as flow_share that it sent."),
	SL_FIELD(owner_out, gone, SL_F_BOOL,
		.help = "true: the object was removed or moved; its connections have no share."),
};
static const struct sl_shape owner_shape =
	SL_SHAPE("flow_owner", owner_out, owner_fields, "What one owner has of the flow table.");
static const struct sl_field owner_elem = SL_ELEM("owner", &owner_shape, "One owner.");

struct owners_out {
	struct sl_list owners;
	bool has_next;
	uint32_t next;
};
static const struct sl_field result_fields[] = {
	SL_FIELD_LIST(owners_out, owners, &owner_elem, &owner_shape,
		"The owners, those with most connections first."),
	SL_FIELD(owners_out, next, SL_F_UINT, SL_PRESENT(owners_out, has_next), .max = UINT32_MAX,
		.help = "Present when there are more, up to the 10000 with most: after for the "
			"next call."),
};
static const struct sl_shape result_shape =
	SL_SHAPE("flow_owners", owners_out, result_fields, "A page of owners.");
static const struct sl_field result_field = SL_RESULT(&result_shape, "A page of owners.");

/* The owners with most connections so far: a heap whose root will be replaced first. */
struct most {
	struct sl_owner_view *all;
	uint32_t n, room;
	bool more; /* there are more owners */
};

/*
 * Is a before b in the list? When all else is equal the number decides, so that pages do not
 * overlap.
 */
static bool before(const struct sl_owner_view *a, const struct sl_owner_view *b)
{
	if (a->used != b->used)
		return a->used > b->used;
	if (a->refused != b->refused)
		return a->refused > b->refused;
	return a->number < b->number;
}

static int compare(const void *a, const void *b)
{
	return before(a, b) ? -1 : 1;
}

static void sift_up(struct most *m, uint32_t i)
{
	struct sl_owner_view v = m->all[i];

	for (; i > 0 && before(&m->all[(i - 1) / 2], &v); i = (i - 1) / 2)
		m->all[i] = m->all[(i - 1) / 2];
	m->all[i] = v;
}

static void sift_down(struct most *m)
{
	struct sl_owner_view v = m->all[0];
	uint32_t i = 0, child;

	for (; (child = 2 * i + 1) < m->n; i = child) {
		if (child + 1 < m->n && before(&m->all[child], &m->all[child + 1]))
			child++;
		if (!before(&v, &m->all[child]))
			break;
		m->all[i] = m->all[child];
	}
	m->all[i] = v;
}

static void note(struct most *m, const struct sl_owner_view *v)
{
	if (m->n < m->room) {
		m->all[m->n] = *v;
		sift_up(m, m->n++);
		return;
	}
	m->more = true;
	if (!before(v, &m->all[0]))
		return;
	m->all[0] = *v;
	sift_down(m);
}

static const char *name_of(const struct sl_running *run, const struct sl_owner_view *v)
{
	const struct sl_object *o;

	switch (v->kind) {
	case SL_OWNER_ENDPOINT:
		if (sl_apply_endpoint_owner(run->apply, v->id) != v->number)
			return "";
		o = sl_store_by_id(run->store, SL_COLL_ENDPOINTS, v->id);
		return o != NULL ? o->key : "";
	case SL_OWNER_PORT:
		return v->closed ? "" : sl_name_of_origin(run, v->id);
	case SL_OWNER_NODE:
		return v->closed ? "" : sl_name_of_origin(run, v->id | SL_ORIGIN_NODE);
	case SL_OWNER_NETWORK:
		return v->closed ? "" : sl_name_of_network(run, v->id);
	default:
		return "";
	}
}

static const char *name_of_number(const struct sl_running *run, uint32_t number)
{
	struct sl_owner_view v;

	if (number == 0 || !sl_owner_view_next(run->pipeline->flows, number, &v))
		return "";
	return name_of(run, &v);
}

static void write_owner(struct sl_rows *rows, struct sl_text *text, const struct sl_running *run,
	const struct sl_owner_view *v)
{
	const char *name = name_of(run, v);
	bool gone = *name == '\0'; /* removed; its owner is closed a grace period later */
	struct owner_out out = {.kind = sl_borrow(kinds[v->kind]),
		.name = sl_borrow(name),
		.place = sl_borrow(name_of_number(run, v->place)),
		.network = sl_borrow(name_of_number(run, v->network)),
		.connections = v->used,
		.share = gone ? 0 : v->share,
		.refused = v->refused,
		.gone = gone};

	sl_rows_shape(rows, text, &owner_shape, &out);
}

/* It first looks at all owners, then lists those with most connections. */
struct owner_listing {
	struct sl_rows rows;
	struct sl_ctrl *c;
	struct owners_in in;
	struct most most;
	uint32_t seen; /* number of the last owner looked at */
	bool sorted;
	uint32_t i; /* the next to be listed */
};

/* True when all owners were looked at. */
static bool collect_some(struct owner_listing *l)
{
	struct sl_owner_view v;

	for (unsigned int i = 0; i < LOOKS; i++) {
		if (!sl_owner_view_next(l->c->pipeline->flows, l->seen + 1, &v))
			return true;
		l->seen = v.number;
		if ((l->in.kind == SL_OWNER_NONE || l->in.kind == (uint32_t)v.kind) &&
			(v.used > 0 || v.refused > 0))
			note(&l->most, &v);
	}
	return false;
}

static bool next_owner(struct sl_rows *r, struct sl_text *out)
{
	struct owner_listing *l = (struct owner_listing *)r;
	const struct sl_running run = sl_ctrl_running(l->c);

	if (!l->sorted) {
		if (collect_some(l)) {
			qsort(l->most.all, l->most.n, sizeof(*l->most.all), compare);
			l->sorted = true;
		}
		return true;
	}
	if (l->i >= l->most.n)
		return false;
	write_owner(r, out, &run, &l->most.all[l->i++]);
	return true;
}

static void end_owners(struct sl_rows *r, struct sl_text *out)
{
	struct owner_listing *l = (struct owner_listing *)r;
	uint32_t shown = l->in.after + l->in.limit;
	char next[40];

	snprintf(next, sizeof(next), ",\"next\":%u}", shown);
	sl_text_say(out, l->most.more && shown <= AFTER_MAX ? next : "}");
}

static void free_owners(struct sl_rows *r)
{
	struct owner_listing *l = (struct owner_listing *)r;

	free(l->most.all);
	free(l);
}

static int flows_owners(const struct sl_rpc_call *call, const void *arg, struct sl_stream **stream,
	struct sl_err *e)
{
	const struct owners_in *in = call->params;
	struct owner_listing *l = calloc(1, sizeof(*l));

	(void)arg;
	(void)e;
	if (l == NULL)
		return -ENOMEM;
	*l = (struct owner_listing){.rows = {.next = next_owner,
					    .destroy = free_owners,
					    .head = "{\"owners\":",
					    .tail = end_owners},
		.c = call->ctrl,
		.in = *in,
		.most.room = in->after + in->limit,
		.i = in->after};
	l->most.all = malloc(l->most.room * sizeof(*l->most.all));
	if (l->most.all == NULL) {
		free(l);
		return -ENOMEM;
	}
	sl_rows_init(&l->rows, in->limit, stream);
	return 0;
}

const struct sl_method sl_method_flows_owners = {
	.name = "flows.owners",
	.summary = "Who fills the flow table: endpoints, ports, nodes and networks by connections.",
	.right = SL_RPC_READ,
	.params = &params_shape,
	.result = &result_field,
	.stream = flows_owners,
};
