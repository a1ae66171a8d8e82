/* SPDX-License-Identifier: BSD-3-Clause */
/* A notice about ports that have no buffers left to receive into. */
#include "ctrl/methods/ctrl.h"
#include "notices.h"
#include "ctrl/objects/fields.h"

enum { HOLDERS_LEN = 128 };

/* Ports that can have another's buffers in their transmit queues, as many as there is room for. */
static const char *holders(const struct sl_ctrl *c, char text[HOLDERS_LEN])
{
	size_t len = 0;

	text[0] = '\0';
	for (uint16_t id = 0; id < sl_ports_end(c->engine); id++) {
		const char *name = sl_apply_port_name(c->apply, id);
		struct sl_port_info info;

		if (name == NULL || len + strlen(name) + 3 > HOLDERS_LEN)
			continue;
		sl_port_info(c->engine, id, &info);
		if (info.keeps_buffers)
			len += (size_t)snprintf(
				text + len, HOLDERS_LEN - len, "%s%s", len > 0 ? ", " : "", name);
	}
	return text;
}

bool sl_notice_port_starved(const struct sl_object *o, void *ctx)
{
	const struct sl_notice_walk *w = ctx;
	int id = w->f->ctrl != NULL ? sl_apply_port_id(w->f->ctrl->apply, o->key) : -1;
	struct sl_port_info info;
	char who[HOLDERS_LEN];

	if (id < 0)
		return true;
	sl_port_info(w->f->ctrl->engine, (uint16_t)id, &info);
	if (!info.starved)
		return true;
	holders(w->f->ctrl, who);
	sl_notice_put(&w->to, "ports", o->key,
		"see to the ports whose other end does not take what is sent, or raise "
		"workers.packet_buffers",
		"port \"%s\" is starved: its %u packet buffers are all in use, by its receive "
		"queues, "
		"by packets that wait for a next hop%s%s, so it receives next to nothing",
		o->key, info.n_buffers,
		who[0] != '\0' ? ", and by the transmit queues of other ports, which may be " : "",
		who);
	return true;
}
