/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include "tests/lib/rig.h"

static uint64_t sum(const uint64_t *v, unsigned int n)
{
	uint64_t s = 0;

	for (unsigned int i = 0; i < n; i++)
		s += v[i];
	return s;
}

static void time_between_marks_belongs_to_the_later_one(void **state)
{
	struct sl_stages s = {.until = 1};
	uint64_t start = rte_rdtsc();

	(void)state;
	sl_stages_begin(&s, start);
	sl_stages_mark(&s, SL_STAGE_PARSE, 3);
	sl_stages_mark(&s, SL_STAGE_ENCAP, 2);
	sl_stages_end(&s, 2, 100);
	assert_int_equal(s.packets[SL_STAGE_PARSE], 3);
	assert_int_equal(s.packets[SL_STAGE_ENCAP], 2);
	assert_int_equal(s.packets[SL_STAGE_TRANSMIT], 2);
	assert_true(s.cycles[SL_STAGE_PARSE] > 0);
	assert_int_equal(sum(s.cycles, SL_STAGE_COUNT), s.last - start);
}

static void an_interrupted_burst_is_in_the_histogram_only(void **state)
{
	struct sl_stages s = {.until = 1};

	(void)state;
	sl_stages_begin(&s, rte_rdtsc());
	sl_stages_mark(&s, SL_STAGE_PARSE, 3);
	sl_stages_end(&s, 3, SL_STAGE_CYCLES_MAX + 1);
	assert_int_equal(s.bursts, 0);
	assert_int_equal(sum(s.packets, SL_STAGE_COUNT), 0);
	assert_int_equal(sum(s.service, SL_SERVICE_BUCKETS), 1);
}

static void marks_of_a_burst_that_is_not_timed_count_nothing(void **state)
{
	struct sl_stages s = {.until = 2};

	(void)state;
	sl_stages_begin(&s, rte_rdtsc());
	sl_stages_mark(&s, SL_STAGE_PARSE, 3);
	sl_stages_end(&s, 1, 100);
	assert_int_equal(sum(s.packets, SL_STAGE_COUNT), 0);
	assert_int_equal(sum(s.cycles, SL_STAGE_COUNT), 0);
}

static void one_burst_in_a_stride_is_timed(void **state)
{
	struct sl_stages s = {.until = SL_STAGE_STRIDE};

	(void)state;
	for (unsigned int i = 0; i < 10 * SL_STAGE_STRIDE; i++) {
		sl_stages_begin(&s, rte_rdtsc());
		sl_stages_mark(&s, SL_STAGE_PARSE, 1);
		sl_stages_end(&s, 1, 100);
	}
	assert_int_equal(s.bursts, 10);
	assert_int_equal(s.packets[SL_STAGE_PARSE], 10);
}

static void service_times_are_counted_by_powers_of_two(void **state)
{
	static const struct {
		uint64_t cycles;
		unsigned int bucket;
	} cases[] = {{0, 0}, {1, 0}, {2, 1}, {1023, 9}, {1024, 10}, {1ull << 31, 31},
		{UINT64_MAX, SL_SERVICE_BUCKETS - 1}};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		struct sl_stages s = {.until = 2};

		sl_stages_end(&s, 1, cases[i].cycles);
		assert_int_equal(s.service[cases[i].bucket], 1);
		assert_int_equal(sum(s.service, SL_SERVICE_BUCKETS), 1);
	}
}

/* The packets that reached each stage in a timed burst. */
static void send_timed(struct sl_rig *r, uint16_t port, const struct sl_frame *f, unsigned int n)
{
	struct sl_stages *s = &sl_rig_worker(r)->stages;
	struct rte_mbuf *pkt[SL_BURST_MAX];

	for (unsigned int i = 0; i < n; i++)
		pkt[i] = sl_frame_mbuf(f);
	memset(s, 0, sizeof(*s));
	sl_stages_time(s, rte_rdtsc());
	sl_rig_burst(r, port, pkt, n);
	sl_stages_end(s, n, 1);
	sl_rig_discard(r);
}

static void towards_node(struct sl_frame *f)
{
	sl_frame_start(f);
	sl_frame_eth(f, .dst = "02:00:00:00:00:07");
	sl_frame_ip4(f, .dst = "10.0.0.7");
	sl_frame_udp(f, .sport = 1000, .dport = 80);
	sl_frame_end(f);
}

static void only_packets_without_an_entry_count_as_misses(void **state)
{
	struct sl_rig *r = sl_rig_create();
	const uint64_t *packets = sl_rig_worker(r)->stages.packets;
	static struct sl_frame f;

	(void)state;
	sl_rig_allow_all(r);
	towards_node(&f);
	send_timed(r, SL_RIG_WEB, &f, 1);
	assert_int_equal(packets[SL_STAGE_LOOKUP], 1);
	assert_int_equal(packets[SL_STAGE_MISS], 1);
	assert_int_equal(packets[SL_STAGE_ENCAP], 1);
	send_timed(r, SL_RIG_WEB, &f, 5);
	assert_int_equal(packets[SL_STAGE_PARSE], 5);
	assert_int_equal(packets[SL_STAGE_LOOKUP], 5);
	assert_int_equal(packets[SL_STAGE_MISS], 0);
	assert_int_equal(packets[SL_STAGE_REWRITE], 5);
	assert_int_equal(packets[SL_STAGE_ENCAP], 5);
	assert_int_equal(packets[SL_STAGE_DECAP], 0);
	assert_int_equal(packets[SL_STAGE_TRANSMIT], 5);
	sl_rig_destroy(r);
}

static void tunnel_packets_count_as_decapsulated_and_not_as_encapsulated(void **state)
{
	struct sl_rig *r = sl_rig_create();
	const uint64_t *packets = sl_rig_worker(r)->stages.packets;
	static struct sl_frame inner, outer;

	(void)state;
	sl_rig_allow_all(r);
	sl_frame_start(&inner);
	sl_frame_eth(&inner, .src = "02:00:00:00:00:07", .dst = "02:00:00:00:00:05");
	sl_frame_ip4(&inner, .src = "10.0.0.7", .dst = "10.0.0.5");
	sl_frame_udp(&inner, .sport = 1000, .dport = 80);
	sl_frame_end(&inner);
	sl_rig_wrap(&outer, &inner);
	send_timed(r, SL_RIG_UNDERLAY, &outer, 4);
	assert_int_equal(packets[SL_STAGE_DECAP], 4);
	assert_int_equal(packets[SL_STAGE_PARSE], 4);
	assert_int_equal(packets[SL_STAGE_MISS], 4);
	assert_int_equal(packets[SL_STAGE_REWRITE], 4);
	assert_int_equal(packets[SL_STAGE_ENCAP], 0);
	sl_rig_destroy(r);
}

static void what_is_no_flow_counts_as_a_miss(void **state)
{
	struct sl_rig *r = sl_rig_create();
	const uint64_t *packets = sl_rig_worker(r)->stages.packets;
	static struct sl_frame f;

	(void)state;
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&f, .op = 1);
	sl_frame_end(&f);
	send_timed(r, SL_RIG_WEB, &f, 2);
	assert_int_equal(packets[SL_STAGE_LOOKUP], 0);
	assert_int_equal(packets[SL_STAGE_MISS], 2);
	sl_rig_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_between_marks_belongs_to_the_later_one),
		cmocka_unit_test(an_interrupted_burst_is_in_the_histogram_only),
		cmocka_unit_test(marks_of_a_burst_that_is_not_timed_count_nothing),
		cmocka_unit_test(one_burst_in_a_stride_is_timed),
		cmocka_unit_test(service_times_are_counted_by_powers_of_two),
		cmocka_unit_test(only_packets_without_an_entry_count_as_misses),
		cmocka_unit_test(tunnel_packets_count_as_decapsulated_and_not_as_encapsulated),
		cmocka_unit_test(what_is_no_flow_counts_as_a_miss),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
