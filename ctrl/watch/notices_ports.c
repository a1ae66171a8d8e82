/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about ports whose devices do not work. */
#include "notices.h"
#include "running.h"
#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/fields.h"

/* otherwise: what ends a device that cannot be opened */
static const char *hint_of(enum sl_port_condition c, const char *otherwise)
{
	switch (c) {
	case SL_PORT_IS_DOWN:
		return "it goes on by itself when the link is up";
	case SL_PORT_IS_MISSING:
		return "it goes on by itself when that is there";
	default:
		return otherwise;
	}
}

/* False: there is no port of that name, or it is up. */
static bool is_troubled(const struct sl_notice_walk *w, const char *port, struct sl_port_info *info)
{
	int id = w->f->run != NULL ? sl_apply_port_id(w->f->run->apply, port) : -1;

	if (id < 0)
		return false;
	sl_port_info(w->f->run->engine, (uint16_t)id, info);
	return info->condition != SL_PORT_IS_UP;
}

static const char of_port[] =
	"it is tried again and again; ports.set with another device, or ports.del, ends that";
static const char of_endpoint[] = "it is tried again and again; endpoints.set with another "
				  "host.name, or endpoints.del, ends that";

bool sl_notice_port_state(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	const struct sl_notice_walk *w = ctx;
	char tap[SL_HOST_PORT_LEN];
	struct sl_port_info info;

	/* Without its wire a host TAP has no carrier. */
	if (is_troubled(w, o->key, &info))
		sl_notice_put(&w->to, "ports", o->key, hint_of(info.condition, of_port),
			"port \"%s\" is %s: %s", o->key, sl_port_condition_names[info.condition],
			info.why);
	else if (p->has_host_tap && is_troubled(w, sl_port_host_name(p, tap), &info))
		sl_notice_put(&w->to, "ports", o->key, hint_of(info.condition, of_port),
			"host TAP \"%s\" of port \"%s\" is %s: %s", p->host_tap.name, o->key,
			sl_port_condition_names[info.condition], info.why);
	return true;
}

bool sl_notice_host_state(const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	const struct sl_notice_walk *w = ctx;
	char tap[SL_HOST_PORT_LEN];
	struct sl_port_info info;

	if (sl_endpoint_is_host_here(ep) && is_troubled(w, sl_endpoint_port(ep, tap), &info))
		sl_notice_put(&w->to, "endpoints", o->key, hint_of(info.condition, of_endpoint),
			"TAP \"%s\" of host endpoint \"%s\" is %s: %s", ep->host.name, o->key,
			sl_port_condition_names[info.condition], info.why);
	return true;
}
