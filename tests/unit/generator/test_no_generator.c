/* SPDX-License-Identifier: BSD-3-Clause */
/* A daemon without the test generator refuses one, and says how to build a daemon with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/daemon/drivers.h"

static void assert_says_how(const struct sl_err *e)
{
	assert_string_equal(e->path, "devargs");
	assert_non_null(strstr(e->message, "is built without the test generator"));
	assert_non_null(strstr(e->hint, "meson setup build-generator -Dgenerator=true"));
}

static void generators_are_refused_with_how_to_build_one(void **state)
{
	static const char *const devargs[] = {
		"generator", "generator0", "generator12", "generator,flows=7", "generator0,x=1"};

	(void)state;
	for (size_t i = 0; i < sizeof(devargs) / sizeof(devargs[0]); i++) {
		const struct sl_port_driver *driver = sl_port_driver_of(devargs[i]);
		char name[SL_DEVICE_NAME_LEN];
		struct sl_err e = {0};

		assert_int_equal(sl_port_devargs_check(devargs[i], &e), -ENOTSUP);
		assert_says_how(&e);
		e = (struct sl_err){0};
		assert_int_equal(driver->parse(devargs[i], "p", name, sizeof(name), &e), -ENOTSUP);
		assert_says_how(&e);
	}
}

static void other_devices_are_not_its_business(void **state)
{
	static const char *const devargs[] = {"generators", "generator0x", "net_generator0",
		"net_null0,no-rx=1", "0000:01:00.0", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(devargs) / sizeof(devargs[0]); i++)
		assert_ptr_equal(sl_port_driver_of(devargs[i]), &sl_dpdk_driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generators_are_refused_with_how_to_build_one),
		cmocka_unit_test(other_devices_are_not_its_business),
	};

	sl_port_drivers_register(sl_daemon_drivers);
	return cmocka_run_group_tests_name("no generator", tests, NULL, NULL);
}
