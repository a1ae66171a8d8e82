/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive interrupts: a descriptor becomes readable when a packet comes after its queue was armed.
 * Both ends of a vhost-user socket are devices of this process, and the test is their worker.
 */
#include "socket_test.h"

#include <sys/epoll.h>

enum {
	QUIET_MS = 30, /* no event within this time: there is none */
	EVENT_MS = 5000,
};

static struct sl_port_device *vm, *guest;
static int watch_vm, watch_guest;

static int destroy(void **state)
{
	if (vm != NULL) {
		closed(guest);
		closed(vm);
		close(watch_guest);
		close(watch_vm);
	}
	return end(state);
}

/* As a worker watches it. */
static int watch(const struct sl_port_device *d)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	int fd = d->driver->ready_fd(d, 0), epoll = epoll_create1(EPOLL_CLOEXEC);

	assert_true(fd >= 0 && epoll >= 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev), 0);
	return epoll;
}

static bool fires(int epoll, int ms)
{
	struct epoll_event ev;

	return epoll_wait(epoll, &ev, 1, ms) == 1;
}

static uint16_t receive(struct sl_port_device *d)
{
	struct rte_mbuf *m[8];
	uint16_t n = d->driver->receive(d->rxq[0], m, 8);

	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static void transmit(struct sl_port_device *d)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_engine_pool(g));

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, 60), 0, 60);
	assert_int_equal(d->driver->transmit(d->txq[0], &m, 1), 1);
}

static void quiet(int epoll)
{
	while (fires(epoll, QUIET_MS))
		;
}

static void arm(struct sl_port_device *d)
{
	assert_true(d->driver->arm(d->rxq[0]));
	assert_int_equal(receive(d), 0);
}

static void connect_both(void)
{
	char text[96];

	snprintf(text, sizeof(text), "net_virtio_user1,path=%s", path);
	guest = opened(text);
	wait_until(is_up(vm) && is_up(guest));
	watch_guest = watch(guest);
}

static void open_both(void)
{
	char text[96];

	if (vm != NULL)
		return;
	snprintf(text, sizeof(text), "net_vhost1,iface=%s", path);
	vm = opened(text);
	watch_vm = watch(vm);
	connect_both();
}

/* `from` sends, and `to` is watched. */
static void check_pair(struct sl_port_device *from, struct sl_port_device *to, int epoll)
{
	for (unsigned int i = 0; i < 3; i++) {
		quiet(epoll);
		arm(to);
		assert_false(fires(epoll, QUIET_MS));
		transmit(from);
		assert_true(fires(epoll, EVENT_MS));
		assert_int_equal(receive(to), 1);
	}
}

static void a_packet_after_arm_makes_the_descriptor_of_vhost_readable(void **state)
{
	(void)state;
	open_both();
	check_pair(guest, vm, watch_vm);
}

static void a_packet_after_arm_makes_the_descriptor_of_virtio_user_readable(void **state)
{
	(void)state;
	open_both();
	check_pair(vm, guest, watch_guest);
}

static void a_polled_queue_of_virtio_user_makes_no_events(void **state)
{
	(void)state;
	open_both();
	check_pair(vm, guest, watch_guest); /* what comes next finds a worker that is awake */
	quiet(watch_guest);
	for (unsigned int i = 0; i < 10; i++) {
		transmit(vm);
		assert_int_equal(receive(guest), 1);
	}
	assert_false(fires(watch_guest, QUIET_MS));
}

/* Its worker sleeps all the time. */
static void a_guest_that_comes_back_wakes_an_armed_queue(void **state)
{
	(void)state;
	open_both();
	for (unsigned int i = 0; i < 3; i++) {
		quiet(watch_vm);
		arm(vm);
		close(watch_guest);
		closed(guest);
		wait_until(!is_up(vm));
		arm(vm);
		connect_both();
		quiet(watch_vm);
		transmit(guest);
		assert_true(fires(watch_vm, EVENT_MS));
		assert_int_equal(receive(vm), 1);
	}
	check_pair(guest, vm, watch_vm);
	check_pair(vm, guest, watch_guest);
}

static void devices_without_interrupts_have_no_descriptor(void **state)
{
	struct sl_port_device *d = opened("net_null7");

	(void)state;
	assert_int_equal(d->driver->ready_fd(d, 0), -1);
	assert_false(d->driver->arm(d->rxq[0]));
	closed(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_after_arm_makes_the_descriptor_of_vhost_readable),
		cmocka_unit_test(a_packet_after_arm_makes_the_descriptor_of_virtio_user_readable),
		cmocka_unit_test(a_polled_queue_of_virtio_user_makes_no_events),
		cmocka_unit_test(a_guest_that_comes_back_wakes_an_armed_queue),
		cmocka_unit_test(devices_without_interrupts_have_no_descriptor),
	};

	return cmocka_run_group_tests(tests, create, destroy);
}
