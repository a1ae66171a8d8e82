/* SPDX-License-Identifier: BSD-3-Clause */
#include "opening.h"

#include <stdlib.h>

#define uthash_fatal(msg) abort()
#include <uthash.h>

#include "apply_internal.h"

/* A port to be, and the engine's ticket for its device; 0: a port was made of it. */
struct opening_port {
	int ticket;
	UT_hash_handle hh;
	char name[];
};

struct sl_opening {
	struct sl_apply *apply;
	bool begun;
	bool lacks; /* a port that was foreseen since it has begun */
	struct opening_port *ports;
};

struct sl_opening *sl_opening_create(struct sl_apply *a)
{
	struct sl_opening *o = calloc(1, sizeof(*o));

	if (o != NULL)
		o->apply = a;
	return o;
}

void sl_opening_destroy(struct sl_opening *o)
{
	struct opening_port *p, *next;

	if (o == NULL)
		return;
	HASH_ITER (hh, o->ports, p, next) {
		HASH_DEL(o->ports, p);
		if (p->ticket != 0)
			sl_port_open_drop(o->apply->env.engine, p->ticket);
		free(p);
	}
	free(o);
}

int sl_opening_begin(struct sl_opening *o, const struct sl_store *s,
	const struct sl_change *changes, size_t n, struct sl_err *e)
{
	int err = sl_apply_foresee(o->apply, o, s, changes, n, e);

	o->begun = true;
	return err;
}

/* The device is open or cannot be, and no flow entry means a former port by the id. */
static bool is_ready(const struct sl_apply *a, const struct opening_port *p)
{
	return sl_port_open_done(a->env.engine, p->ticket) &&
	       !sl_purge_looks_for_port(a->purge, sl_port_open_id(p->ticket));
}

bool sl_opening_is_done(const struct sl_opening *o)
{
	for (const struct opening_port *p = o->ports; p != NULL; p = p->hh.next)
		if (!is_ready(o->apply, p))
			return false;
	return true;
}

bool sl_opening_covers(
	struct sl_opening *o, const struct sl_store *s, const struct sl_change *changes, size_t n)
{
	struct sl_err e = {0};

	o->lacks = false;
	return sl_apply_foresee(o->apply, o, s, changes, n, &e) == 0 && !o->lacks;
}

void sl_opening_use(struct sl_apply *a, struct sl_opening *o)
{
	a->opening = o;
}

static struct opening_port *find(const struct sl_opening *o, const char *name)
{
	struct opening_port *p;

	HASH_FIND_STR(o->ports, name, p);
	return p;
}

int sl_opening_take(struct sl_opening *o, const char *name)
{
	struct opening_port *p = o != NULL ? find(o, name) : NULL;
	int ticket = p != NULL ? p->ticket : 0;

	if (p != NULL)
		p->ticket = 0;
	return ticket;
}

static int open_beforehand(
	struct sl_opening *o, const struct sl_port_params *params, struct sl_err *e)
{
	size_t len = strlen(params->name) + 1;
	struct opening_port *p = malloc(sizeof(*p) + len);
	int ticket;

	if (p == NULL)
		return sl_table_no_memory(e);
	ticket = sl_port_open_begin(o->apply->env.engine, params, e);
	if (ticket < 0) {
		free(p);
		return ticket;
	}
	p->ticket = ticket;
	memcpy(p->name, params->name, len);
	HASH_ADD_STR(o->ports, name, p);
	return 0;
}

int sl_table_port_foresee(
	struct sl_table_txn *t, const struct sl_port_params *params, struct sl_err *e)
{
	struct sl_opening *o = sl_pending_of(t)->opening;

	if (!o->begun)
		return open_beforehand(o, params, e);
	o->lacks |= find(o, params->name) == NULL;
	return 0;
}
