/* SPDX-License-Identifier: BSD-3-Clause */
/* A daemon with the test generator checks a generator's options with the port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/daemon/drivers.h"
#include "ctrl/objects/ports.h"
#include "ctrl/shape/json.h"

static int port_with(const char *devargs, struct sl_err *e)
{
	struct sl_port_obj port = {0};
	char text[200];
	cJSON *json;
	int ret;

	snprintf(text, sizeof(text), "{\"name\":\"p\",\"role\":\"access\",\"devargs\":\"%s\"}",
		devargs);
	json = sl_json_parse(text, strlen(text), e);
	assert_non_null(json);
	*e = (struct sl_err){0};
	ret = sl_shape_decode(&sl_shape_port, json, &port, e);
	cJSON_Delete(json);
	if (ret == 0)
		sl_shape_fini(&sl_shape_port, &port);
	return ret;
}

static void options_of_a_generator_are_checked_with_the_port(void **state)
{
	struct sl_err e;

	(void)state;
	assert_int_equal(port_with("generator0,flows=1000,dist=zipf", &e), 0);
	assert_int_not_equal(port_with("generator0,flows=1000,dist=normal", &e), 0);
	assert_string_equal(e.path, "devargs");
	assert_non_null(strstr(e.message, "not \"normal\""));
	assert_int_equal(port_with("net_null0,no-rx=1", &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_of_a_generator_are_checked_with_the_port),
	};

	sl_port_drivers_register(sl_daemon_drivers);
	return cmocka_run_group_tests_name("generator objects", tests, NULL, NULL);
}
