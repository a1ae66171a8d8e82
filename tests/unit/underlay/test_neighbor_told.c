/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbours on a link whose addresses the host's kernel owns: it is asked, and its word counts. */
#include "neighbor_link.h"

static void told(struct link *l, const char *mac)
{
	struct sl_mac m = {{0}};

	if (mac != NULL)
		m = sl_test_mac(mac);
	sl_neighbor_told(l->t, PORT, &l->hop, mac != NULL ? &m : NULL, l->tick);
}

static void kernel_is_asked_and_no_frame_is_sent(void **state)
{
	struct link *l = *state;

	l->by_kernel = true;
	sl_neighbor_queue(l->t, PORT, &l->hop, data_packet(), l->tick);
	assert_int_equal(l->n_asked, 1);
	assert_int_equal(l->n_sent, 0);
	told(l, OLD);
	assert_int_equal(l->n_sent, 1); /* the packet that waited */
	assert_true(l->has_mac);
	assert_int_equal(l->counters.generated, 0);
}

static void silent_kernel_means_that_the_neighbour_fails(void **state)
{
	struct link *l = *state;

	l->by_kernel = true;
	sl_neighbor_queue(l->t, PORT, &l->hop, data_packet(), l->tick);
	pass(l, (SL_NEIGHBOR_RETRIES + 1) * SECOND);
	assert_int_equal(l->n_asked, SL_NEIGHBOR_RETRIES);
	assert_int_equal(l->counters.drops[SL_DROP_NEIGHBOR_UNRESOLVED], 1);
	told(l, OLD); /* it answers at last */
	assert_true(l->has_mac);
}

static void used_entry_is_asked_for_again_before_it_is_old(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	l->by_kernel = true;
	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	told(l, OLD);
	pass(l, SL_NEIGHBOR_FRESH_S * SECOND);
	assert_int_equal(l->n_asked, 2);
	assert_true(l->has_mac); /* used while the kernel looks */
	told(l, OTHER);
	assert_int_equal(view(l).flips, 1);
	told(l, NULL);
	assert_false(l->has_mac);
}

static void neighbours_that_nobody_uses_leave_no_entry(void **state)
{
	struct link *l = *state;
	struct sl_ip other = sl_test_ip("192.0.2.77");
	struct sl_mac mac = sl_test_mac(OLD);
	struct sl_neighbor_cursor at = {0};
	struct sl_neighbor_view v;

	sl_neighbor_told(l->t, PORT, &other, &mac, l->tick);
	sl_neighbor_told(l->t, PORT, &other, NULL, l->tick);
	assert_false(sl_neighbors_next(l->t, &at, l->tick, &v));
}

static void static_entry_is_not_the_kernels(void **state)
{
	struct link *l = *state;
	struct sl_mac mac = sl_test_mac(OLD);

	sl_neighbor_set_static(l->t, PORT, &l->hop, &mac);
	told(l, OTHER);
	told(l, NULL);
	assert_true(l->has_mac && sl_mac_equal(&l->mac, &mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(kernel_is_asked_and_no_frame_is_sent),
		T(silent_kernel_means_that_the_neighbour_fails),
		T(used_entry_is_asked_for_again_before_it_is_old),
		T(neighbours_that_nobody_uses_leave_no_entry),
		T(static_entry_is_not_the_kernels),
	};

	return cmocka_run_group_tests_name("neighbor_told", tests, sl_test_eal, NULL);
}
