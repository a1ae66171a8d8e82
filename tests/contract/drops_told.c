/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of a scene's dropped packet: from the worker's sample to the words
 * of drops.recent. */
#include <stdio.h>

#include "ctrl/watch/recent.h"
#include "ctrl/shape/shape.h"
#include "drop_scene.h"
#include "pipelines/context/world.h"

static const char *port_name(void *ctx, uint16_t id)
{
	static const char *const names[] = {"web", "db", "uplink", "unbound"};

	(void)ctx;
	return id < RTE_DIM(names) ? names[id] : "";
}

static const char *node_name(void *ctx, uint32_t id)
{
	(void)ctx;
	return id == SL_RIG_NODE ? "far" : "";
}

static const char *policy_name(void *ctx, uint32_t slot)
{
	(void)ctx;
	return slot == 0 ? "default" : "some";
}

static char text[1024];

static void add(const char *name, const char *value)
{
	size_t len = strlen(text);

	if (value[0] != '\0')
		snprintf(
			text + len, sizeof(text) - len, "%s%s=%s", len > 0 ? " " : "", name, value);
}

static void add_ip(const char *name, bool has, const struct sl_ip *ip)
{
	char buf[SL_IP_STR_LEN];

	add(name, has ? sl_format_ip(ip, buf) : "");
}

static void add_number(const char *name, bool has, uint64_t n)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%lu", (unsigned long)n);
	add(name, has ? buf : "");
}

static void add_macs(const struct sl_recent_entry *e)
{
	char buf[SL_MAC_STR_LEN];

	if (!e->has_macs)
		return;
	add("macs", sl_format_mac(&e->source_mac, buf));
	add("to", sl_format_mac(&e->destination_mac, buf));
}

static const char *line(const struct sl_recent_entry *e)
{
	text[0] = '\0';
	add("port", e->port);
	add("out", e->out_port);
	add("from", e->from);
	add("network", e->network);
	add("policy", e->policy);
	add("sender", e->endpoint);
	add("receiver", e->to);
	add_number("vni", e->has_vni, e->vni);
	add_ip("outer", e->has_outer, &e->outer_source);
	add_ip("to", e->has_outer, &e->outer_destination);
	add_macs(e);
	add_number("type", true, e->ethertype);
	add_ip("ip", e->has_addresses, &e->source);
	add_ip("to", e->has_addresses, &e->destination);
	add_number("proto", e->has_addresses && !e->is_arp, e->proto);
	add_number("ports", e->has_ports, e->source_port);
	add_number("to", e->has_ports, e->destination_port);
	add_number("length", true, e->length);
	add_number("lost", e->lost != 0, e->lost);
	add("audited", e->audited ? "yes" : "");
	add("", e->detail);
	return text;
}

static bool take(struct rte_ring *ring, enum sl_drop reason, struct sl_sample *found)
{
	struct sl_sample s;
	bool got = false;

	while (rte_ring_sc_dequeue_elem(ring, &s, sizeof(s)) == 0) {
		if (s.reason != reason || got)
			continue;
		*found = s;
		got = true;
	}
	return got;
}

static const char *network_name(void *ctx, uint32_t id)
{
	(void)ctx;
	return id == 1 ? "blue" : "";
}

static const char *endpoint_name(void *ctx, uint32_t id)
{
	static const char *const names[] = {"", "web-1", "db-1", "far-1"};

	(void)ctx;
	return id < RTE_DIM(names) ? names[id] : "";
}

const char *sl_scene_told(struct scene *s, enum sl_drop reason)
{
	const struct sl_drop_names names = {.port = port_name,
		.node = node_name,
		.policy = policy_name,
		.network = network_name,
		.endpoint = endpoint_name};
	struct sl_recent_entry e;
	struct sl_sample worker, control;
	bool by_worker = take(sl_rig_worker(s->r)->samples.ring, reason, &worker);
	bool by_control = take(sl_test_samples()->ring, reason, &control);

	if (!by_worker && !by_control)
		return NULL;
	sl_drop_explain(&e, by_control ? &control : &worker,
		atomic_load(&sl_rig_pipeline(s->r)->world), &names);
	return line(&e);
}
