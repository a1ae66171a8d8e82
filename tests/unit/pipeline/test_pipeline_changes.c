/* SPDX-License-Identifier: BSD-3-Clause */
/* The effect of commits and programmed entries on connections, and the samples of packets. */
#include "pipelines/context/changes.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipeline_test.h"

static struct sl_frame g;

/* Rule 9: web may send nothing. */
static void deny_egress(struct sl_rig *r)
{
	static const struct sl_label web[] = {{"app", "web"}};
	const struct sl_policy_def no = sl_rig_rule(9, SL_TIER_ADMIN, SL_EGRESS, SL_RULE_DENY, web);

	sl_rig_policies(r, &no, 1);
}

static void denied_packet_is_told_with_the_policy_that_denied_it(void **state)
{
	struct sl_rig *r = *state;
	struct sl_sample ev;

	deny_egress(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_POLICY_EGRESS);
	assert_int_equal(
		rte_ring_sc_dequeue_elem(sl_rig_worker(r)->samples.ring, &ev, sizeof(ev)), 0);
	assert_int_equal(ev.detail, 9);
	assert_int_equal(ev.reason, SL_DROP_POLICY_EGRESS);
	assert_int_equal(ev.n_bytes, f.len);
	assert_memory_equal(ev.bytes, f.b, f.len);
	assert_int_equal(sl_rig_pipeline(r)->policy_hits[0][9], 1);
}

static void what_audit_mode_lets_pass_is_told_and_marked(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;
	struct sl_sample ev;

	deny_egress(r);
	sl_rig_mode(r, SL_MODE_AUDIT);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_int_equal(
		rte_ring_sc_dequeue_elem(sl_rig_worker(r)->samples.ring, &ev, sizeof(ev)), 0);
	assert_true(ev.audited);
	assert_int_equal(ev.detail, 9);
	assert_int_equal(ev.reason, SL_DROP_POLICY_EGRESS);
	assert_true(sl_flow_view_next(sl_rig_pipeline(r)->flows, 0, 0, &v));
	assert_int_equal(v.policy_egress, 9 | SL_FLOW_AUDITED);
	/* Once a connection. */
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_int_not_equal(
		rte_ring_sc_dequeue_elem(sl_rig_worker(r)->samples.ring, &ev, sizeof(ev)), 0);
}

static void commit_that_concerns_others_lets_a_connection_be(void **state)
{
	struct sl_rig *r = *state;
	struct sl_changes *c = sl_rig_pipeline(r)->changes;
	struct sl_ip other = sl_test_ip("10.0.0.99");
	struct sl_flow_view v;

	sl_rig_allow_all(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	memset(c->used, 0, sizeof(c->used));
	sl_rig_touch(r, sl_change_of_ip(1, &other));
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	/* Its dependencies are marked again, so that the next commit sees them. */
	assert_int_equal(c->used[sl_change_of_ip4(1, sl_test_ip4("10.0.0.5"))], 1);
	assert_int_equal(c->used[sl_change_of_ip4(1, sl_test_ip4("10.0.0.6"))], 1);
	for (uint32_t network = 0; network < 2; network++) {
		assert_int_equal(c->used[sl_change_of_identity(network, 1001)], 1);
		assert_int_equal(c->used[sl_change_of_identity(network, 1002)], 1);
	}
	assert_true(sl_flow_view_next(sl_rig_pipeline(r)->flows, 0, 0, &v));
	assert_int_equal(v.packets[0], 2);
	assert_int_equal(v.generation[0], v.generation[1] + 1); /* that direction only */
	assert_int_equal(
		sl_rig_pipeline(r)->policy_hits[0][1] + sl_rig_pipeline(r)->policy_hits[0][2],
		1); /* not judged again */
}

static void commit_that_concerns_an_end_has_a_connection_judged_again(void **state)
{
	const uint16_t slots[] = {sl_change_of_ip4(1, sl_test_ip4("10.0.0.5")),
		sl_change_of_ip4(1, sl_test_ip4("10.0.0.6")), sl_change_of_identity(0, 1001),
		sl_change_of_identity(0, 1002), sl_change_of_identity(1, 1001),
		sl_change_of_identity(1, 1002), sl_change_of(SL_CHANGE_PORT, SL_RIG_DB)};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	for (unsigned int i = 0; i < RTE_DIM(slots); i++) {
		uint64_t before = sl_rig_pipeline(r)->policy_hits[0][4];

		sl_rig_touch(r, slots[i]);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_int_equal(sl_rig_pipeline(r)->policy_hits[0][4], before + 1);
	}
}

static void later_fragment_minds_only_commits_that_concern_it(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	first_fragment(&f);
	later_fragment(&g, 9);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	sl_rig_touch(r, sl_change_of_ip4(1, sl_test_ip4("10.0.0.99")));
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_KEEP);
	sl_rig_touch(r, sl_change_of_identity(2, 1002));
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_KEEP);
	sl_rig_touch(r, sl_change_of_identity(1, 1002));
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_DROP_FRAGMENT_UNKNOWN);
}

static void programmed_allow_passes_where_policy_denies(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_program(r, SL_PROGRAM_ALLOW, 0);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_SPOOFED);
	web_to_db(40001, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_POLICY_EGRESS);
}

static void icmp_error_about_what_a_programmed_entry_denied_is_unrelated(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_program(r, SL_PROGRAM_DENY, 0);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_FLOW_DENY);
	db_answers_unreachable(&g);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_ICMP_UNRELATED);
}

static void programmed_redirect_goes_to_the_node(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_program(r, SL_PROGRAM_NODE, SL_RIG_NODE);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_int_equal(out.len, f.len + 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(denied_packet_is_told_with_the_policy_that_denied_it),
		T(what_audit_mode_lets_pass_is_told_and_marked),
		T(commit_that_concerns_others_lets_a_connection_be),
		T(commit_that_concerns_an_end_has_a_connection_judged_again),
		T(later_fragment_minds_only_commits_that_concern_it),
		T(programmed_allow_passes_where_policy_denies),
		T(icmp_error_about_what_a_programmed_entry_denied_is_unrelated),
		T(programmed_redirect_goes_to_the_node),
	};

	return cmocka_run_group_tests_name("pipeline_changes", tests, sl_test_eal, NULL);
}
