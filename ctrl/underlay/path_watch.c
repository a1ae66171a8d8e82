/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks at each node's path now and then (path_state.h), and reports what it finds. */
#include <stdio.h>

#include "ctrl/shape/shape.h"
#include "underlay_impl.h"

/*
 * Lines a second about nodes' states: errors can be forged, and a failed link concerns many nodes.
 */
#define LINES_A_SECOND 10
/* Nodes looked at each tick. */
#define LOOKS_A_TICK 1024

/* The counters of all encapsulations and families to the node together. */
static void seen_of(
	const struct sl_underlay *u, const struct sl_unode *n, struct sl_tunnel_seen *sum)
{
	uint32_t first = sl_tunnel_id(n->id, 0, 0);
	struct sl_tunnel_seen s;

	sl_tunnel_seen_sum(u->tunnels, first, sum);
	for (uint32_t i = 1; i < SL_TUNNELS_A_NODE; i++) {
		sl_tunnel_seen_sum(u->tunnels, first + i, &s);
		sl_tunnel_seen_add(sum, &s);
	}
}

void sl_path_watch_begin(struct sl_underlay *u, struct sl_unode *n)
{
	struct sl_tunnel_seen now;

	seen_of(u, n, &now);
	sl_path_begin(&n->watch, &now, sl_engine_tick(u->engine));
}

/* Logs that a path changed its state. */
static void log_state(struct sl_underlay *u, const struct sl_unode *n, enum sl_path_state before)
{
	uint32_t tick = sl_engine_tick(u->engine);
	char ip[SL_IP_STR_LEN], text[SL_NAME_LEN + 320];
	size_t len;

	if (tick - u->logged_tick >= SL_TICKS_PER_SECOND) {
		u->logged_tick = tick;
		u->n_logged = 0;
	}
	if (u->n_logged++ >= LINES_A_SECOND) {
		u->n_left_out++;
		return;
	}
	len = (size_t)snprintf(text, sizeof(text), "node \"%s\" (%s) is %s, was %s", n->name,
		sl_format_ip(&n->leg[n->first].address, ip), sl_path_state_name(n->watch.state),
		sl_path_state_name(before));
	if (u->n_left_out > 0)
		snprintf(text + len, sizeof(text) - len, " (%u such lines were left out before)",
			u->n_left_out);
	u->n_left_out = 0;
	u->log(text);
}

/* It is no news that traffic starts or stops. It is news that a path fails, or works again. */
static bool is_news(enum sl_path_state before, enum sl_path_state now)
{
	bool bad_before = before == SL_PATH_SILENT || before == SL_PATH_UNREACHABLE;
	bool bad = now == SL_PATH_SILENT || now == SL_PATH_UNREACHABLE;

	return before != now && (bad || (bad_before && now == SL_PATH_HEARD));
}

/* The leg that is shown: the first one, or the other if it alone leads anywhere. */
static const struct sl_leg *shown(const struct sl_unode *n)
{
	const struct sl_leg *first = &n->leg[n->first], *other = &n->leg[!n->first];

	return first->n == 0 && other->n > 0 ? other : first;
}

static void look(struct sl_underlay *u, struct sl_unode *n, struct sl_tunnel_seen *s)
{
	const struct sl_leg *leg = shown(n);
	enum sl_path_state before = n->watch.state;
	struct sl_tunnel_seen now;

	seen_of(u, n, &now);
	sl_path_since(&n->watch, &now, s);
	sl_path_look(&n->watch, s, leg->n > 0, sl_leg_is_resolved(leg), sl_engine_tick(u->engine));
	if (is_news(before, n->watch.state))
		log_state(u, n, before);
}

void sl_path_watch_turn(struct sl_underlay *u)
{
	struct sl_tunnel_seen s;

	if (u->look == NULL)
		u->look = u->nodes;
	for (unsigned int i = 0; i < LOOKS_A_TICK && u->look != NULL; i++) {
		look(u, u->look, &s);
		u->look = u->look->hh.next;
	}
}

static uint16_t router_mtu(const struct sl_leg *leg, const struct sl_tunnel_seen *s, uint32_t tick)
{
	uint32_t mtu = (uint32_t)s->too_big, then = (uint32_t)(s->too_big >> 32);

	if (then == 0 || tick - then >= SL_PATH_TOO_BIG_TICKS || mtu >= leg->outer_mtu)
		return 0;
	return (uint16_t)mtu;
}

static struct sl_underlay_hop hop_of(
	const struct sl_underlay *u, const struct sl_leg *leg, size_t i)
{
	const struct sl_member *m = &leg->member[i];
	struct sl_underlay_hop hop = {.port = (uint16_t)m->hop->key.port,
		.next_hop = m->hop->key.ip,
		.weight = m->weight,
		.resolved = m->hop->resolved,
		.usable = sl_member_is_usable(u, m)};

	for (size_t b = 0; b < SL_GROUP_BUCKETS; b++)
		hop.flows += leg->spread == NULL || leg->spread->at[b] == i;
	return hop;
}

/* The tunnel whose last error is the node's last one knows who sent it. */
static struct sl_ip error_from6(const struct sl_underlay *u, const struct sl_unode *n)
{
	struct sl_ip from = {0};
	uint32_t last = 0;

	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++) {
		uint32_t id = sl_tunnel_id(n->id, e, SL_FAMILY_IP6);
		struct sl_tunnel_seen s;

		sl_tunnel_seen_sum(u->tunnels, id, &s);
		if (s.error_tick <= last)
			continue;
		last = s.error_tick;
		from = sl_tunnel_error_from6(u->tunnels, id);
	}
	return from;
}

bool sl_underlay_path(struct sl_underlay *u, uint32_t id, struct sl_underlay_path *path)
{
	struct sl_unode *n = sl_unode_find(u, id);
	const struct sl_leg *leg;

	if (n == NULL)
		return false;
	leg = shown(n);
	memset(path, 0, sizeof(*path));
	path->reachable = leg->n > 0;
	path->why = leg->why;
	path->family = leg->family;
	path->address = leg->address;
	path->resolved = sl_leg_is_resolved(leg);
	path->outer_mtu = leg->outer_mtu;
	look(u, n, &path->seen);
	path->error_from6 = error_from6(u, n);
	path->state = n->watch.state;
	path->tick = sl_engine_tick(u->engine);
	path->router_mtu = router_mtu(leg, &path->seen, path->tick);
	path->n_hops = leg->n;
	for (size_t i = 0; i < leg->n; i++)
		path->hop[i] = hop_of(u, leg, i);
	return true;
}
