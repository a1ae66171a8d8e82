/* SPDX-License-Identifier: BSD-3-Clause */
/* When memory is out, a port is not added, and the daemon continues. */
#define HASH_NONFATAL_OOM 1

#include <stdlib.h>
#include <string.h>

#include "pipelines/context/world.h"
#include "port_slots.h"

struct sl_port_slot *sl_port_slot_find(const struct sl_port_slots *p, const char *name)
{
	struct sl_port_slot *s;

	HASH_FIND_STR(p->by_name, name, s);
	return s;
}

struct sl_port_slot *sl_port_slot_by_id(const struct sl_port_slots *p, unsigned int id)
{
	return id < SL_PORTS_MAX ? p->by_id[id] : NULL;
}

void sl_port_slot_touch(struct sl_port_slots *p, struct sl_port_slot *s)
{
	if (s->touched)
		return;
	memset(&s->next, 0, sizeof(s->next));
	s->next.n_endpoints = s->n_endpoints;
	s->next.n_tagged = s->n_tagged;
	s->next.network = s->network;
	s->touched = true;
	s->next_touched = p->touched;
	p->touched = s;
}

struct sl_port_slot *sl_port_slot_add(struct sl_port_slots *p, uint16_t id, const char *name)
{
	size_t len = strlen(name) + 1;
	struct sl_port_slot *s = calloc(1, sizeof(*s) + len);

	if (s == NULL)
		return NULL;
	s->id = id;
	memcpy(s->name, name, len);
	HASH_ADD_KEYPTR(hh, p->by_name, s->name, len - 1, s);
	if (s->hh.tbl == NULL) {
		free(s);
		return NULL;
	}
	p->by_id[id] = s;
	sl_port_slot_touch(p, s);
	return s;
}

uint32_t sl_port_slot_next_network(const struct sl_port_slot *s)
{
	if (s->next.gone || s->next.n_endpoints == 0)
		return 0;
	return s->next.n_endpoints > s->next.n_tagged ? s->next.network : SL_PORT_TAGGED_ONLY;
}

static void destroy(struct sl_port_slots *p, struct sl_port_slot *s)
{
	HASH_DEL(p->by_name, s);
	p->by_id[s->id] = NULL;
	sl_port_set_del(&p->all, s->id);
	free(s);
}

static struct sl_port_slot *untouch_first(struct sl_port_slots *p)
{
	struct sl_port_slot *s = p->touched;

	if (s == NULL)
		return NULL;
	p->touched = s->next_touched;
	s->touched = false;
	return s;
}

void sl_port_slots_commit(struct sl_port_slots *p)
{
	struct sl_port_slot *s;

	while ((s = untouch_first(p)) != NULL) {
		if (s->next.gone) {
			destroy(p, s);
			continue;
		}
		s->network = sl_port_slot_next_network(s);
		s->n_endpoints = s->next.n_endpoints;
		s->n_tagged = s->next.n_tagged;
		s->present = true;
		sl_port_set_add(&p->all, s->id);
	}
}

void sl_port_slots_abort(struct sl_port_slots *p)
{
	struct sl_port_slot *s;

	while ((s = untouch_first(p)) != NULL)
		if (!s->present)
			destroy(p, s);
}

void sl_port_slots_fini(struct sl_port_slots *p)
{
	struct sl_port_slot *s, *next;

	HASH_ITER (hh, p->by_name, s, next)
		destroy(p, s);
}
