/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP packets of a connection without an entry, after a restart for instance. There are two
 * readings: each end as the opener. And the effect of a SYN on an existing connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "pipelines/flow/flow_ctl.h"
#include "tests/lib/rig.h"

static struct sl_frame frame;

static int setup(void **state)
{
	*state = sl_rig_create();
	return 0;
}

static int teardown(void **state)
{
	sl_rig_destroy(*state);
	return 0;
}

enum { FIN = SL_TCP_FIN, SYN = SL_TCP_SYN, RST = SL_TCP_RST, ACK = SL_TCP_ACK };

#define CLIENT_PORT 40001
#define HTTP	    80

static const struct sl_label web_label[] = {{"app", "web"}}, db_label[] = {{"app", "db"}},
			     far_label[] = {{"app", "far"}};
static const struct sl_port_match http = {
	.proto = IPPROTO_TCP, .has_port = true, .port = HTTP, .end = HTTP};
static const struct sl_port_match high = {
	.proto = IPPROTO_TCP, .has_port = true, .port = 1024, .end = 65535};

#define RULE(n, dir, act, who, ...)                                                         \
	{                                                                                   \
		.slot = (n), .any_network = true, .tier = SL_TIER_TEAM, .direction = (dir), \
		.action = (act), .subject = {who, 1}, .any_peer = true, __VA_ARGS__         \
	}
#define ANY	  .any_port = true
#define TO(match) .ports = &(match), .n_ports = 1

static const struct sl_policy_def web_out = RULE(1, SL_EGRESS, SL_RULE_ALLOW, web_label, ANY);
static const struct sl_policy_def http_in = RULE(2, SL_INGRESS, SL_RULE_ALLOW, db_label, TO(http));
/* Rules against a reading: web -> db:80 and db -> web:40001. */
static const struct sl_policy_def no_http_in =
	RULE(3, SL_INGRESS, SL_RULE_DENY, db_label, TO(http));
static const struct sl_policy_def no_web_out =
	RULE(4, SL_EGRESS, SL_RULE_DENY, web_label, TO(http));
static const struct sl_policy_def no_db_out = RULE(5, SL_EGRESS, SL_RULE_DENY, db_label, TO(high));
static const struct sl_policy_def no_web_in =
	RULE(6, SL_INGRESS, SL_RULE_DENY, web_label, TO(high));
static const struct sl_policy_def far_in = RULE(7, SL_INGRESS, SL_RULE_ALLOW, web_label, TO(high));
static const struct sl_policy_def far_out = RULE(8, SL_EGRESS, SL_RULE_ALLOW, far_label, ANY);

static void policies(struct sl_rig *r, const struct sl_policy_def *a, const struct sl_policy_def *b,
	const struct sl_policy_def *c)
{
	const struct sl_policy_def *all[] = {a, b, c};
	struct sl_policy_def defs[3];
	size_t n = 0;

	for (unsigned int i = 0; i < RTE_DIM(all); i++)
		if (all[i] != NULL)
			defs[n++] = *all[i];
	sl_rig_policies(r, defs, n);
}

struct end {
	const char *mac, *ip4, *ip6;
	uint16_t port, sport;
};

static const struct end web = {"02:00:00:00:00:05", "10.0.0.5", "fd00::5", SL_RIG_WEB, CLIENT_PORT};
static const struct end db = {"02:00:00:00:00:06", "10.0.0.6", "fd00::6", SL_RIG_DB, HTTP};
static const struct end far = {"02:00:00:00:00:07", "10.0.0.7", "fd00::7", SL_RIG_UNDERLAY, HTTP};

/* A segment of the connection that web has opened, if either end has. */
static enum sl_drop say_as(struct sl_rig *r, const struct end *from, const struct end *to,
	uint8_t flags, bool v6, uint32_t seq, uint32_t ack)
{
	struct sl_frame outer;
	enum sl_drop d;

	sl_frame_start(&frame);
	sl_frame_eth(&frame, .src = from->mac, .dst = to->mac);
	if (v6)
		sl_frame_ip6(&frame, .src = from->ip6, .dst = to->ip6);
	else
		sl_frame_ip4(&frame, .src = from->ip4, .dst = to->ip4);
	sl_frame_tcp(&frame, .sport = from->sport, .dport = to->sport, .flags = flags, .seq = seq,
		.ack = ack);
	sl_frame_end(&frame);
	if (from == &far) {
		sl_rig_wrap(&outer, &frame);
		d = sl_rig_send(r, SL_RIG_UNDERLAY, &outer);
	} else {
		d = sl_rig_send(r, from->port, &frame);
	}
	sl_rig_discard(r);
	return d;
}

#define WEB_SEQ 1001
#define DB_SEQ	5001

static enum sl_drop say(
	struct sl_rig *r, const struct end *from, const struct end *to, uint8_t flags)
{
	bool client = from == &web;

	return say_as(
		r, from, to, flags, false, client ? WEB_SEQ : DB_SEQ, client ? DB_SEQ : WEB_SEQ);
}

static bool view(struct sl_rig *r, struct sl_flow_view *v)
{
	return sl_flow_view_next(sl_rig_pipeline(r)->flows, 0, 0, v);
}

static bool opened_by_web(const struct sl_flow_view *v)
{
	return v->key.dport_be == rte_cpu_to_be_16(HTTP);
}

/* The policies, and whether a packet of web and one of db pass without an entry. */
static const struct {
	const char *name;
	const struct sl_policy_def *a, *b, *c;
	bool ingress, egress; /* defaults */
	bool passes;
} readings[] = {
	{"nobody may", NULL, NULL, NULL, false, false, false},
	{"web may open it", &web_out, &http_in, NULL, false, false, true},
	{"web may send, db may not take", &web_out, NULL, NULL, false, false, false},
	{"db may take, web may not send", NULL, &http_in, NULL, false, false, false},
	{"everybody may", NULL, NULL, NULL, true, true, true},
	{"all but what db refuses to take", &no_http_in, NULL, NULL, true, true, false},
	{"all but what web must not send", &no_web_out, NULL, NULL, true, true, false},
	{"web may open it, db must not at its end", &web_out, &http_in, &no_db_out, false, false,
		false},
	{"web may open it, db must not at web's end", &web_out, &http_in, &no_web_in, false, false,
		false},
	{"all but what db must not send", &no_db_out, NULL, NULL, true, true, false},
	{"db may by default, to web by rule", &far_in, NULL, NULL, false, true, true},
};

static void passes_if_one_reading_is_allowed_and_no_rule_denies_the_other(void **state)
{
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(readings); i++)
		for (unsigned int k = 0; k < 4; k++) {
			const struct end *from = k % 2 ? &db : &web, *to = k % 2 ? &web : &db;
			struct sl_flow_view v;
			enum sl_drop d;

			sl_rig_defaults(r, readings[i].ingress, readings[i].egress);
			policies(r, readings[i].a, readings[i].b, readings[i].c);
			d = say_as(r, from, to, ACK, k / 2, 7, 9);
			if (d != (readings[i].passes ? SL_KEEP : SL_DROP_TCP_NO_CONNECTION))
				fail_msg("%s, %s speaks: %d", readings[i].name,
					k % 2 ? "db" : "web", d);
			assert_int_equal(view(r, &v), readings[i].passes);
			if (!readings[i].passes)
				continue;
			assert_true(v.picked);
			assert_int_equal(sl_flow_del(sl_rig_pipeline(r)->flows, &v.key, v.v4), 0);
			sl_rcu_drain(sl_rig_rcu(r));
		}
}

static void server_that_speaks_first_is_not_taken_for_the_opener(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	assert_int_equal(say(r, &web, &db, ACK), SL_KEEP);
	assert_true(view(r, &v));
	assert_true(v.picked);
	assert_true(opened_by_web(&v));
	assert_int_equal(v.state, SL_CONN_ESTABLISHED);
	assert_int_equal(v.policy_egress, 1);
	assert_int_equal(v.policy_ingress, 2);
	assert_int_equal(v.identity_src, 1001);
	assert_int_equal(v.packets[0], 1);
	assert_int_equal(v.packets[1], 1);
}

static void end_that_is_elsewhere_is_not_judged_here(void **state)
{
	struct sl_rig *r = *state;

	policies(r, &web_out, NULL, NULL);
	assert_int_equal(say(r, &far, &web, ACK), SL_KEEP);
	policies(r, &far_out, NULL, NULL);
	assert_int_equal(say(r, &far, &web, ACK), SL_DROP_TCP_NO_CONNECTION);
	policies(r, &far_in, NULL, NULL);
	assert_int_equal(say(r, &far, &web, ACK), SL_KEEP);
}

static void deny_of_either_reading_ends_it(void **state)
{
	static const struct sl_policy_def *const later[] = {
		&no_http_in, &no_web_out, &no_db_out, &no_web_in};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(later); i++) {
		sl_rig_defaults(r, true, true);
		policies(r, NULL, NULL, NULL);
		assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
		assert_int_equal(say(r, &web, &db, ACK), SL_KEEP);
		policies(r, later[i], NULL, NULL);
		assert_int_equal(say(r, &web, &db, ACK), SL_DROP_TCP_NO_CONNECTION);
		assert_int_equal(say(r, &db, &web, ACK), SL_DROP_TCP_NO_CONNECTION);
	}
}

static void end_of_what_allowed_it_ends_it(void **state)
{
	struct sl_rig *r = *state;

	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	policies(r, &web_out, NULL, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_DROP_TCP_NO_CONNECTION);
	assert_int_equal(say(r, &web, &db, ACK), SL_DROP_TCP_NO_CONNECTION);
	/* The other reading is enough. */
	sl_rig_defaults(r, false, true);
	policies(r, &far_in, NULL, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
}

static void unrelated_change_leaves_it_alone(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	policies(r, &web_out, &http_in, &far_out);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	assert_int_equal(say(r, &web, &db, ACK), SL_KEEP);
	assert_true(view(r, &v));
	assert_true(opened_by_web(&v));
	assert_true(v.picked);
	assert_int_equal(v.identity_src, 1001);
}

static void only_who_was_asked_answers_a_syn(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	/* db may open connections to web, but its SYN-ACK shows that web has opened this one. */
	sl_rig_defaults(r, false, true);
	policies(r, &far_in, NULL, NULL);
	assert_int_equal(say(r, &db, &web, SYN | ACK), SL_DROP_TCP_NO_CONNECTION);
	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, SYN | ACK), SL_KEEP);
	assert_true(view(r, &v));
	assert_true(opened_by_web(&v));
}

static void network_without_pickup_refuses_all_of_them(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	sl_rig_allow_all(r);
	sl_rig_pickup(r, false);
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		assert_int_equal(say_as(r, &web, &db, ACK, v6, 1, 1), SL_DROP_TCP_NO_CONNECTION);
		assert_int_equal(say_as(r, &db, &web, ACK, v6, 1, 1), SL_DROP_TCP_NO_CONNECTION);
		assert_int_equal(
			say_as(r, &db, &web, SYN | ACK, v6, 1, 1), SL_DROP_TCP_NO_CONNECTION);
		assert_int_equal(
			say_as(r, &web, &db, FIN | ACK, v6, 1, 1), SL_DROP_TCP_NO_CONNECTION);
		assert_int_equal(say_as(r, &web, &db, RST, v6, 1, 1), SL_DROP_TCP_NO_CONNECTION);
	}
	assert_false(view(r, &v));
	/* Connections that were seen from their start are not affected. */
	assert_int_equal(say_as(r, &web, &db, SYN, false, 1000, 0), SL_KEEP);
	assert_int_equal(say_as(r, &db, &web, SYN | ACK, false, 5000, 1001), SL_KEEP);
	assert_int_equal(say_as(r, &web, &db, ACK, false, 1001, 5001), SL_KEEP);
}

static void audit_and_observe_forward_them(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	for (unsigned int pickup = 0; pickup < 2; pickup++) {
		sl_rig_pickup(r, pickup);
		for (unsigned int mode = SL_MODE_AUDIT; mode <= SL_MODE_OBSERVE; mode++) {
			sl_rig_mode(r, (enum sl_policy_mode)mode);
			assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
			assert_true(view(r, &v));
			assert_true(v.picked);
			/* Enforced from now on, it is judged in both readings. */
			sl_rig_mode(r, SL_MODE_ENFORCE);
			assert_int_equal(say(r, &db, &web, ACK), SL_DROP_TCP_NO_CONNECTION);
			assert_int_equal(sl_flow_del(sl_rig_pipeline(r)->flows, &v.key, v.v4), 0);
			sl_rcu_drain(sl_rig_rcu(r));
		}
	}
}

static void reset_of_what_is_not_known_passes_and_leaves_no_entry(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, RST), SL_KEEP);
	assert_int_equal(say(r, &web, &db, RST | ACK), SL_KEEP);
	assert_false(view(r, &v));
	policies(r, NULL, NULL, NULL);
	assert_int_equal(say(r, &db, &web, RST), SL_DROP_TCP_NO_CONNECTION);
}

/* UDP does not show who opened a connection: a server's port must not open every
 * port of its clients. */
static void udp_from_the_servers_port_opens_nothing(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_defaults(r, true, false);
	policies(r, &web_out, NULL, NULL);
	sl_frame_start(&frame);
	sl_frame_eth(&frame, .src = db.mac, .dst = web.mac);
	sl_frame_ip4(&frame, .src = db.ip4, .dst = web.ip4);
	sl_frame_udp(&frame, .sport = 53, .dport = CLIENT_PORT);
	sl_frame_end(&frame);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &frame), SL_DROP_POLICY_EGRESS);
}

static void syn_of_the_other_side_is_judged_as_its_own(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say_as(r, &web, &db, SYN, false, 1000, 0), SL_KEEP);
	assert_int_equal(say_as(r, &db, &web, SYN | ACK, false, 5000, 1001), SL_KEEP);
	assert_int_equal(say(r, &web, &db, ACK), SL_KEEP);
	assert_int_equal(say_as(r, &db, &web, SYN, false, 5001, 0), SL_DROP_POLICY_EGRESS);
	assert_int_equal(say_as(r, &web, &db, SYN, false, 1001, 0), SL_KEEP);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	assert_true(view(r, &v));
	assert_int_equal(v.state, SL_CONN_ESTABLISHED);
	assert_true(opened_by_web(&v));

	/* Nor does it pass because of an entry whose opener is unknown. */
	assert_int_equal(sl_flow_del(sl_rig_pipeline(r)->flows, &v.key, v.v4), 0);
	sl_rcu_drain(sl_rig_rcu(r));
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	assert_int_equal(say_as(r, &db, &web, SYN, false, 5001, 0), SL_DROP_POLICY_EGRESS);
	assert_int_equal(say_as(r, &web, &db, SYN, false, 1001, 0), SL_KEEP);
}

/* Its opening is seen after all. Now the opener is known, and the other reading
 * no longer counts. */
static void connection_opened_anew_is_picked_up_no_more(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	assert_int_equal(say(r, &web, &db, ACK), SL_KEEP);
	assert_int_equal(say(r, &web, &db, RST), SL_KEEP);
	assert_int_equal(say(r, &db, &web, ACK), SL_DROP_TCP_NO_CONNECTION);
	assert_int_equal(say_as(r, &web, &db, SYN, false, 9000, 0), SL_KEEP);
	assert_true(view(r, &v));
	assert_false(v.picked);
	policies(r, &web_out, &http_in, &no_db_out);
	assert_int_equal(say_as(r, &db, &web, SYN | ACK, false, 7000, 9001), SL_KEEP);
}

/* The entry of a connection that policy has ended must not block one that policy allows. */
static void new_connection_takes_the_place_of_one_that_policy_has_ended(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	/* Picked up, then ended by a deny in the other reading. */
	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	assert_int_equal(say(r, &web, &db, ACK), SL_KEEP);
	policies(r, &web_out, &http_in, &no_db_out);
	assert_int_equal(say(r, &db, &web, ACK), SL_DROP_TCP_NO_CONNECTION);
	assert_int_equal(say_as(r, &web, &db, SYN, false, 9000, 0), SL_KEEP);
	assert_int_equal(say_as(r, &db, &web, SYN | ACK, false, 7000, 9001), SL_KEEP);
	assert_int_equal(say_as(r, &web, &db, ACK, false, 9001, 7001), SL_KEEP);
	assert_true(view(r, &v));
	assert_false(v.picked);
	assert_int_equal(v.state, SL_CONN_ESTABLISHED);

	/* Opened by web, denied since then; db may open one between the same ports. */
	sl_rig_defaults(r, false, true);
	policies(r, &far_in, NULL, NULL);
	assert_int_equal(say_as(r, &db, &web, SYN, false, 7001, 0), SL_KEEP);
	assert_int_equal(say_as(r, &web, &db, SYN | ACK, false, 1, 7002), SL_KEEP);
	assert_true(view(r, &v));
	assert_false(opened_by_web(&v));
}

/* The entry that a SYN-ACK makes serves all later packets, so it must not bypass a deny either. */
static void syn_ack_is_no_way_round_a_deny_of_its_senders_reading(void **state)
{
	struct sl_rig *r = *state;

	policies(r, &web_out, &http_in, &no_db_out);
	assert_int_equal(say(r, &db, &web, SYN | ACK), SL_DROP_TCP_NO_CONNECTION);
	policies(r, &web_out, &http_in, NULL);
	assert_int_equal(say(r, &db, &web, ACK), SL_KEEP);
	policies(r, &web_out, &http_in, &no_db_out);
	assert_int_equal(say(r, &db, &web, SYN | ACK), SL_DROP_TCP_NO_CONNECTION);
	assert_int_equal(say(r, &db, &web, ACK), SL_DROP_TCP_NO_CONNECTION);
}

static void syn_ack_names_its_receiver_as_the_opener_in_every_mode(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	for (unsigned int mode = SL_MODE_ENFORCE; mode <= SL_MODE_OBSERVE; mode++) {
		sl_rig_allow_all(r);
		sl_rig_mode(r, (enum sl_policy_mode)mode);
		assert_int_equal(say(r, &db, &web, SYN | ACK), SL_KEEP);
		assert_true(view(r, &v));
		assert_true(opened_by_web(&v));
		assert_int_equal(sl_flow_del(sl_rig_pipeline(r)->flows, &v.key, v.v4), 0);
		sl_rcu_drain(sl_rig_rcu(r));
	}
}

/* Late or unsolicited packets are not denied by policy. */
static void stray_packets_are_no_policys_denials(void **state)
{
	struct sl_rig *r = *state;
	uint64_t *hits = sl_rig_pipeline(r)->policy_hits[0];

	policies(r, NULL, NULL, NULL);
	hits[0] = 0;
	assert_int_equal(say(r, &db, &web, FIN | ACK), SL_DROP_TCP_NO_CONNECTION);
	assert_int_equal(say(r, &web, &db, ACK), SL_DROP_TCP_NO_CONNECTION);
	sl_frame_start(&frame);
	sl_frame_eth(&frame, .src = db.mac, .dst = web.mac);
	sl_frame_ip4(&frame, .src = db.ip4, .dst = web.ip4);
	sl_frame_icmp(&frame, .type_zero = true, .rest = 5 << 16);
	sl_frame_end(&frame);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &frame), SL_DROP_ICMP_UNRELATED);
	assert_int_equal(hits[0], 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(passes_if_one_reading_is_allowed_and_no_rule_denies_the_other),
		T(server_that_speaks_first_is_not_taken_for_the_opener),
		T(end_that_is_elsewhere_is_not_judged_here),
		T(deny_of_either_reading_ends_it),
		T(end_of_what_allowed_it_ends_it),
		T(unrelated_change_leaves_it_alone),
		T(only_who_was_asked_answers_a_syn),
		T(network_without_pickup_refuses_all_of_them),
		T(audit_and_observe_forward_them),
		T(reset_of_what_is_not_known_passes_and_leaves_no_entry),
		T(udp_from_the_servers_port_opens_nothing),
		T(syn_of_the_other_side_is_judged_as_its_own),
		T(connection_opened_anew_is_picked_up_no_more),
		T(new_connection_takes_the_place_of_one_that_policy_has_ended),
		T(syn_ack_is_no_way_round_a_deny_of_its_senders_reading),
		T(syn_ack_names_its_receiver_as_the_opener_in_every_mode),
		T(stray_packets_are_no_policys_denials),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
