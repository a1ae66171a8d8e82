/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet socket's transmit ring; this test acts as the driver and the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dp/device/tx_slots.h"
#include "dp/worker/worker.h"

enum { SLOTS = 8, SIZE = 256, SHORT = 60, LONG = 1500 };

static uint8_t ring[SLOTS * SIZE] __attribute__((aligned(16)));
static const struct sl_tx_slots slots = {.at = ring, .n = SLOTS, .size = SIZE};
static struct sl_tx_watch watch;
static uint64_t given, turned_away;
static uint32_t at_driver, at_kernel;

static int begin(void **state)
{
	(void)state;
	memset(ring, 0, sizeof(ring));
	watch = (struct sl_tx_watch){0};
	given = turned_away = 0;
	at_driver = at_kernel = 0;
	return 0;
}

static void fill(uint32_t len)
{
	struct tpacket2_hdr *h = sl_tx_slot(&slots, at_driver);

	if (h->tp_status != TP_STATUS_AVAILABLE) {
		turned_away++;
		return;
	}
	h->tp_len = len;
	h->tp_status = TP_STATUS_SEND_REQUEST;
	at_driver = (at_driver + 1) % SLOTS;
	given++;
}

/* Returns the number of frames sent. Skips dead slots. */
static unsigned int kernel_sends(uint32_t refused_len)
{
	struct tpacket2_hdr *h;
	unsigned int n = 0;

	while ((h = sl_tx_slot(&slots, at_kernel))->tp_status == TP_STATUS_SEND_REQUEST &&
		h->tp_len < refused_len) {
		n += h->tp_len != SL_TX_LENGTH_OF_DEAD;
		h->tp_status = TP_STATUS_AVAILABLE;
		at_kernel = (at_kernel + 1) % SLOTS;
	}
	return n;
}

static bool is_stuck(void)
{
	return sl_tx_slots_stuck(&watch, &slots, given, turned_away);
}

static void ring_that_moves_is_never_stuck(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		fill(SHORT);
		fill(LONG);
		assert_false(is_stuck());
		(void)kernel_sends(i % 3 == 2 ? UINT32_MAX : LONG);
		if (i % 3 == 2)
			assert_false(is_stuck());
	}
}

static void ring_that_nobody_pushes_is_not_stuck(void **state)
{
	(void)state;
	fill(LONG);
	for (unsigned int i = 0; i < 100; i++)
		assert_false(is_stuck());
}

static void frame_that_is_refused_goes_and_the_shorter_ones_leave(void **state)
{
	unsigned int looks = 0;

	(void)state;
	fill(LONG);
	assert_int_equal(kernel_sends(LONG), 0);
	while (!is_stuck()) {
		fill(SHORT);
		assert_int_equal(kernel_sends(LONG), 0);
		assert_true(++looks < 4);
	}
	fill(LONG + 1);
	assert_int_equal(sl_tx_slots_refuse(&watch, &slots, 1), 2);
	assert_int_equal(kernel_sends(LONG), looks);
	assert_false(is_stuck());
}

static void full_ring_that_is_stuck_is_thrown_away(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SLOTS; i++)
		fill(i == 0 ? LONG : SHORT);
	assert_false(is_stuck());
	fill(SHORT);
	assert_int_equal(turned_away, 1);
	assert_false(is_stuck());
	fill(SHORT);
	assert_true(is_stuck());
	assert_int_equal(sl_tx_slots_refuse(&watch, &slots, 1), SLOTS);
	assert_int_equal(kernel_sends(LONG), 0);
	fill(SHORT);
	assert_int_equal(kernel_sends(LONG), 1);
}

static void what_is_known_to_be_refused_holds_up_nobody(void **state)
{
	uint32_t tick = 1;

	(void)state;
	fill(LONG);
	for (unsigned int i = 0; i < 3; i++) {
		(void)is_stuck();
		fill(SHORT);
	}
	assert_int_equal(sl_tx_slots_refuse(&watch, &slots, tick), 1);
	(void)kernel_sends(LONG);
	fill(LONG);
	fill(SHORT);
	assert_int_equal(kernel_sends(LONG), 0);
	assert_int_equal(sl_tx_slots_weed(&watch, &slots, ++tick), 1);
	assert_int_equal(kernel_sends(LONG), 1);
	fill(LONG - 1);
	assert_int_equal(sl_tx_slots_weed(&watch, &slots, ++tick), 0);
	fill(LONG);
	tick += 11 * SL_TICKS_PER_SECOND;
	assert_int_equal(sl_tx_slots_weed(&watch, &slots, tick), 0); /* it may be accepted by now */
	assert_int_equal(kernel_sends(UINT32_MAX), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ring_that_moves_is_never_stuck, begin),
		cmocka_unit_test_setup(ring_that_nobody_pushes_is_not_stuck, begin),
		cmocka_unit_test_setup(
			frame_that_is_refused_goes_and_the_shorter_ones_leave, begin),
		cmocka_unit_test_setup(full_ring_that_is_stuck_is_thrown_away, begin),
		cmocka_unit_test_setup(what_is_known_to_be_refused_holds_up_nobody, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
