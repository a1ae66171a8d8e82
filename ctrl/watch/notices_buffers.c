/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about buffers that have run out: a port's, and those that are no port's own. */
#include <inttypes.h>

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
	if (!info.buffers.starved)
		return true;
	holders(w->f->run, who);
	sl_notice_put(&w->to, "ports", o->key,
		"see to the ports whose other end does not take what is sent; or raise "
		"workers.packet_buffers, and workers.memory_mb with it; or lower the port's "
		"descriptors",
		"port \"%s\" is starved: its %u packet buffers are all in use, by its receive "
		"queues, "
		"by packets that wait for a next hop%s%s, so it receives next to nothing",
		o->key, info.buffers.n,
		who[0] != '\0' ? ", and by the transmit queues of other ports, which may be " : "",
		who);
	return true;
}

static void put_shared(const struct sl_notice_facts *f, const struct sl_notice_sink *to,
	const char *pool, const struct sl_buffers *b)
{
	char who[HOLDERS_LEN];
	bool held = holders(f->run, who)[0] != '\0';

	if (strcmp(pool, "own") == 0)
		sl_notice_put(to, "ports", "",
			"see to the ports whose other end does not take what is sent",
			"the %u buffers for packets that sluice makes itself are all in use%s%s: "
			"it "
			"answers no ARP, sends no ICMP errors and announces nothing (%" PRIu64
			" packets were not made so far)",
			b->n, held ? ", by the transmit queues of " : "", who, b->n_failed);
	else
		sl_notice_put(to, "ports", "",
			"see to the ports whose other end does not take what is sent; or raise "
			"workers.packet_buffers, and workers.memory_mb with it",
			"the %u %s buffers, which all ports of that kind receive into, are all in "
			"use%s%s: those ports receive next to nothing",
			b->n, pool, held ? ", by the transmit queues of " : "", who);
}

void sl_notice_buffers_starved(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	const char *pool;
	struct sl_buffers b;

	for (unsigned int i = 0; f->run != NULL; i++) {
		pool = sl_engine_buffers(f->run->engine, i, &b);
		if (pool == NULL)
			return;
		if (b.starved)
			put_shared(f, to, pool, &b);
	}
}
