/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about ports whose devices do not work. */
#include "notices.h"
#include "running.h"
#include "ctrl/objects/fields.h"

static const char *hint_of(enum sl_port_condition c)
{
	switch (c) {
	case SL_PORT_IS_DOWN:
		return "it goes on by itself when the link is up";
	case SL_PORT_IS_MISSING:
		return "it goes on by itself when that is there";
	default:
		return "it is tried again and again; ports.set with another device, or ports.del, "
		       "ends that";
	}
}

bool sl_notice_port_state(const struct sl_object *o, void *ctx)
{
	const struct sl_notice_walk *w = ctx;
	int id = w->f->run != NULL ? sl_apply_port_id(w->f->run->apply, o->key) : -1;
	struct sl_port_info info;

	if (id < 0)
		return true;
	sl_port_info(w->f->run->engine, (uint16_t)id, &info);
	if (info.condition == SL_PORT_IS_UP)
		return true;
	sl_notice_put(&w->to, "ports", o->key, hint_of(info.condition), "port \"%s\" is %s: %s",
		o->key, sl_port_condition_names[info.condition], info.why);
	return true;
}
