/* SPDX-License-Identifier: BSD-3-Clause */
/* No flood hides another reason, nor another port's packets, and no drop is lost from the count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctrl/methods/ctrl.h"
#include "ctrl/rpc/rpc.h"
#include "ctrl/methods/methods.h"
#include "ctrl/watch/recent.h"
#include "pipelines/context/world.h"
#include "tests/lib/rig.h"

#define FLOOD	 1000000u
#define A_BURST	 64u
#define PER_TICK 10000u /* packets of the flood in which the clock goes on by a tick */

static const char *no_name(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
	return "";
}

static const char *port_name(void *ctx, uint16_t id)
{
	static const char *const names[] = {"web", "db", "uplink", "unbound"};

	(void)ctx;
	return id < RTE_DIM(names) ? names[id] : "";
}

static struct sl_recent recent;

static void collect(struct sl_rig *r)
{
	const struct sl_drop_names names = {.port = port_name,
		.node = no_name,
		.policy = no_name,
		.network = no_name,
		.endpoint = no_name};
	struct sl_sample s;

	while (rte_ring_sc_dequeue_elem(sl_rig_worker(r)->samples.ring, &s, sizeof(s)) == 0) {
		struct sl_recent_entry e;

		sl_drop_explain(&e, &s, atomic_load(&sl_rig_pipeline(r)->world), &names);
		sl_recent_add(&recent, &e);
	}
}

/*
 * Rows of a reason for packets that entered by the port, and the number of packets that they
 * represent.
 */
static unsigned int rows(enum sl_drop reason, const char *port, uint64_t *stand_for)
{
	const struct sl_recent_reason *all = recent.reason[reason];
	unsigned int n = 0;

	*stand_for = 0;
	for (unsigned int i = 0; all != NULL && i < all->n; i++) {
		if (strcmp(all->entry[i].port, port) != 0)
			continue;
		n++;
		*stand_for += 1 + all->entry[i].lost;
	}
	return n;
}

/* web says it is db. */
static void spoof(struct sl_frame *f, const char *src, const char *mac)
{
	sl_frame_start(f);
	sl_frame_eth(f, .src = mac);
	sl_frame_ip4(f, .src = src, .dst = "10.0.0.7");
	sl_frame_udp(f);
	sl_frame_end(f);
}

static void flood(struct sl_rig *r, uint16_t port, const struct sl_frame *f, unsigned int n)
{
	for (unsigned int sent = 0; sent < n; sent += A_BURST) {
		struct rte_mbuf *m[A_BURST];

		for (unsigned int i = 0; i < A_BURST; i++)
			m[i] = sl_frame_mbuf(f);
		sl_rig_burst(r, port, m, A_BURST);
		if (sent / PER_TICK != (sent + A_BURST) / PER_TICK) {
			sl_rig_tick(r, 1);
			collect(r);
		}
	}
}

static void a_flood_hides_no_other_reason_and_no_other_port(void **state)
{
	static struct sl_frame web, db, other;
	struct timespec now = {.tv_sec = 1000};
	struct sl_rig *r = sl_rig_create();
	uint64_t all;

	(void)state;
	sl_recent_init(&recent, &now);
	spoof(&web, "10.0.0.6", "02:00:00:00:00:06");
	spoof(&db, "10.0.0.5", "02:00:00:00:00:05");
	sl_frame_udp4(&other, 10);
	sl_rig_tick(r, SL_TICKS_PER_SECOND);
	/* One of another reason and one of another port amid, with half the flood behind them. */
	flood(r, SL_RIG_WEB, &web, FLOOD / 2);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &db), SL_DROP_SPOOFED);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &other), SL_DROP_POLICY_EGRESS);
	flood(r, SL_RIG_WEB, &web, FLOOD / 2);
	/* The first sample of the next second has the number of all packets without a sample. */
	sl_rig_tick(r, SL_TICKS_PER_SECOND);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &web), SL_DROP_SPOOFED);
	collect(r);
	assert_int_equal(rows(SL_DROP_SPOOFED, "db", &all), 1);
	assert_int_equal(all, 1);
	assert_int_equal(rows(SL_DROP_POLICY_EGRESS, "web", &all), 1);
	assert_int_equal(all, 1);
	assert_true(rows(SL_DROP_SPOOFED, "web", &all) > 8);
	assert_int_equal(all, sl_rig_worker(r)->counters.port[SL_RIG_WEB]->drops[SL_DROP_SPOOFED]);
	assert_true(all > FLOOD);
	sl_recent_fini(&recent);
	sl_rig_destroy(r);
}

/* On an underlay port the culprit is the sender and the network. */
static void a_flood_of_one_tunnel_network_hides_no_other(void **state)
{
	static struct sl_frame in, flooding, rare;
	struct timespec now = {.tv_sec = 1000};
	struct sl_rig *r = sl_rig_create();
	const struct sl_recent_reason *all;
	uint64_t stand_for;
	bool seen = false;

	(void)state;
	sl_recent_init(&recent, &now);
	spoof(&in, "10.0.0.6", "02:00:00:00:00:06");
	sl_rig_wrap(&flooding, &in);
	sl_frame_udp4(&in, 10);
	sl_rig_wrap(&rare, &in);
	rare.b[sl_frame_off(&rare, SL_LAYER_IP4, 0) + 15] = 77; /* a sender that is no node */
	sl_frame_checksums(&rare);
	flood(r, SL_RIG_UNDERLAY, &flooding, 64 * PER_TICK);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &rare), SL_DROP_TUNNEL_SENDER_UNKNOWN);
	flood(r, SL_RIG_UNDERLAY, &flooding, 64 * PER_TICK);
	collect(r);
	all = recent.reason[SL_DROP_TUNNEL_SENDER_UNKNOWN];
	for (unsigned int i = 0; all != NULL && i < all->n; i++)
		seen |= sl_ip_v4_be(&all->entry[i].outer_source) == sl_test_ip4("192.0.2.77");
	assert_true(seen);
	sl_rig_tick(r, SL_TICKS_PER_SECOND);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &flooding), SL_DROP_SPOOFED);
	collect(r);
	/* The sender's rows are no port's, and stand for all that was dropped. */
	all = recent.reason[SL_DROP_SPOOFED];
	assert_non_null(all);
	for (unsigned int i = 0; i < all->n; i++)
		assert_in_range(all->entry[i].culprit, SL_PORTS_MAX, SL_CULPRITS - 1);
	rows(SL_DROP_SPOOFED, "uplink", &stand_for);
	assert_int_equal(stand_for,
		sl_rig_worker(r)->counters.port[SL_RIG_UNDERLAY]->drops[SL_DROP_SPOOFED]);
	sl_recent_fini(&recent);
	sl_rig_destroy(r);
}

static void a_full_place_gives_way_to_the_few(void **state)
{
	struct timespec now = {.tv_sec = 1000};
	struct sl_recent_entry e = {.reason = SL_DROP_MULTICAST, .culprit = 5};
	const struct sl_recent_reason *all;
	unsigned int rare = 0;
	uint64_t stand_for = 0;

	(void)state;
	sl_recent_init(&recent, &now);
	e.culprit = 6;
	sl_recent_add(&recent, &e);
	e.culprit = 5;
	e.lost = 2;
	for (unsigned int i = 0; i < 3 * SL_RECENT_OF_REASON; i++)
		sl_recent_add(&recent, &e);
	all = recent.reason[SL_DROP_MULTICAST];
	assert_int_equal(all->n, SL_RECENT_OF_REASON);
	for (unsigned int i = 0; i < all->n; i++) {
		rare += all->entry[i].culprit == 6;
		stand_for += 1 + all->entry[i].lost;
	}
	assert_int_equal(rare, 1);
	assert_int_equal(stand_for, 1 + 9 * SL_RECENT_OF_REASON);
	sl_recent_fini(&recent);
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

/* Ten thousand rows are more than a turn: they are made as they are read. A row whose place another
 * one has taken meanwhile is gone. */
static void many_rows_are_told_in_turns(void **state)
{
	static const struct sl_turn over = {.end_ns = 1, .len_max = SIZE_MAX};
	struct timespec now = {.tv_sec = 1000};
	static struct sl_ctrl c;
	const struct sl_rpc rpc = {.ctrl = &c};
	struct sl_recent_entry e = {.reason = SL_DROP_MULTICAST};
	cJSON *params = cJSON_Parse("{\"limit\": 10000, \"after\": 0}"), *result = NULL;
	struct sl_stream *stream = NULL;
	struct sl_session session;
	struct sl_text text = {0};
	struct sl_err err = {0};

	(void)state;
	sl_recent_init(&c.recent, &now);
	for (unsigned int i = 0; i < SL_RECENT_OF_REASON; i++)
		sl_recent_add(&c.recent, &e);
	sl_session_local(&session, &rpc, SL_RPC_READ);
	assert_int_equal(sl_rpc_invoke(&session, &sl_method_drops_recent, params, NULL, &result,
				 &stream, &err),
		0);
	assert_non_null(stream);
	assert_true(stream->more(stream, &text, &over));
	assert_int_equal(count(text.p, "\"multicast\""), 1);
	sl_recent_add(&c.recent, &e); /* in the place of the first, which has been told */
	sl_recent_add(&c.recent, &e); /* and of the second */
	while (stream->more(stream, &text, &over))
		;
	assert_int_equal(count(text.p, "\"multicast\""), SL_RECENT_OF_REASON - 1);
	stream->end(stream);
	sl_text_fini(&text);
	cJSON_Delete(params);
	sl_recent_fini(&c.recent);
}

/* Hostile bytes: every length of a real packet, and every byte of its headers turned. */
static void any_bytes_are_read_within_their_end(void **state)
{
	const struct sl_drop_names names = {.port = port_name,
		.node = no_name,
		.policy = no_name,
		.network = no_name,
		.endpoint = no_name};
	static struct sl_frame in, f;
	struct sl_rig *r = sl_rig_create();
	const struct sl_world *world = atomic_load(&sl_rig_pipeline(r)->world);

	(void)state;
	sl_frame_udp4(&in, 40);
	sl_rig_wrap(&f, &in);
	for (uint32_t n = 0; n <= f.len; n++)
		for (uint32_t at = 0; at < n; at++)
			for (unsigned int reason = 1; reason < SL_DROP_COUNT; reason += 5) {
				/* Sanitizers see what is read behind the end: an exact copy. */
				struct sl_sample *s = calloc(1, sizeof(*s));
				struct sl_recent_entry e;

				assert_non_null(s);
				s->reason = (uint8_t)((reason + at) % (SL_DROP_COUNT - 1) + 1);
				s->outer = at & 1;
				s->in_port = SL_RIG_UNDERLAY;
				s->out_port = SL_PORT_NONE;
				s->n_bytes = (uint16_t)RTE_MIN(n, (uint32_t)SL_SAMPLE_BYTES);
				memcpy(s->bytes, f.b, s->n_bytes);
				if (at < s->n_bytes)
					s->bytes[at] ^= 0xff;
				sl_drop_explain(&e, s, world, &names);
				assert_true(strlen(e.detail) < SL_RECENT_DETAIL);
				free(s);
			}
	sl_rig_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_hides_no_other_reason_and_no_other_port),
		cmocka_unit_test(a_flood_of_one_tunnel_network_hides_no_other),
		cmocka_unit_test(a_full_place_gives_way_to_the_few),
		cmocka_unit_test(many_rows_are_told_in_turns),
		cmocka_unit_test(any_bytes_are_read_within_their_end),
	};

	return cmocka_run_group_tests_name("recent", tests, sl_test_eal, NULL);
}
