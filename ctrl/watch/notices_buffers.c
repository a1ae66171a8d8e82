/* SPDX-License-Identifier: BSD-3-Clause */
/* The notice about ports that have no buffers left for receiving. */
#include "notices.h"
#include "running.h"
#include "ctrl/objects/fields.h"

enum { HOLDERS_LEN = 128 };

/* Names ports that can hold another port's buffers in their transmit queues, as many as fit. */
static const char *holders(const struct sl_running *run, char text[HOLDERS_LEN])
{
	size_t len = 0;

	text[0] = '\0';
	SL_PORT_SET_EACH (id, sl_apply_ports(run->apply)) {
		const char *name = sl_apply_port_name(run->apply, (uint16_t)id);
		struct sl_port_info info;

		if (len + strlen(name) + 3 > HOLDERS_LEN)
			continue;
		sl_port_info(run->engine, (uint16_t)id, &info);
		if (info.keeps_buffers)
			len += (size_t)snprintf(
				text + len, HOLDERS_LEN - len, "%s%s", len > 0 ? ", " : "", name);
	}
	return text;
}

bool sl_notice_port_starved(const struct sl_object *o, void *ctx)
{
	const struct sl_notice_walk *w = ctx;
	int id = w->f->run != NULL ? sl_apply_port_id(w->f->run->apply, o->key) : -1;
	struct sl_port_info info;
	char who[HOLDERS_LEN];

	if (id < 0)
		return true;
	sl_port_info(w->f->run->engine, (uint16_t)id, &info);
	if (!info.starved)
		return true;
	holders(w->f->run, who);
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
