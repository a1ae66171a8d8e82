/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices: what the rows find in a store, and that the log has each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/watch/notices.h"
#include "tests/lib/desired.h"

static char logged[8192];

static void log_line(const char *line)
{
	strncat(logged, line, sizeof(logged) - strlen(logged) - 2);
	strcat(logged, "\n");
}

static unsigned int lines_logged(void)
{
	unsigned int n = 0;

	for (const char *p = logged; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

static void ask_all(struct sl_notice_watch *w, const struct sl_store *s)
{
	static const struct sl_node_self self;
	const struct sl_notice_facts f = {.store = s, .self = &self};

	logged[0] = '\0';
	sl_notice_watch_all(w, &f);
}

static void add_port(struct sl_store *s, unsigned int i)
{
	char json[200];

	snprintf(json, sizeof(json),
		"{\"name\":\"bare%u\",\"role\":\"underlay\",\"devargs\":\"net_null%u\"}", i,
		i + 40);
	desired_must(s, SL_TXN_ADD, "ports", json);
}

static void notice_is_logged_when_it_appears_and_when_it_is_gone(void **state)
{
	struct sl_store *s = sl_store_create(NULL, NULL);
	struct sl_notice_watch *w = sl_notice_watch_create(log_line);

	(void)state;
	ask_all(w, s);
	assert_string_equal(logged, "");
	add_port(s, 1);
	ask_all(w, s);
	assert_int_equal(lines_logged(), 1);
	assert_non_null(strstr(logged, "notice: ports \"bare1\": "));
	ask_all(w, s);
	assert_string_equal(logged, "");
	desired_must_del(s, SL_COLL_PORTS, "bare1");
	ask_all(w, s);
	assert_int_equal(lines_logged(), 1);
	assert_non_null(strstr(logged, "no longer: ports \"bare1\": "));
	sl_notice_watch_destroy(w);
	sl_store_destroy(s);
}

/*
 * More objects than one turn looks at: at the end of a pass of several turns, each notice is there
 * once.
 */
static void very_many_notices_are_counted_and_the_first_logged(void **state)
{
	struct sl_store *s = sl_store_create(NULL, NULL);
	struct sl_notice_watch *w = sl_notice_watch_create(log_line);
	const unsigned int n = 3000;
	char json[96], more[64];

	(void)state;
	for (unsigned int i = 0; i < n; i++) {
		snprintf(json, sizeof(json), "{\"prefix\":\"10.%u.%u.0/24\",\"via\":\"192.0.2.1\"}",
			i / 256, i % 256);
		desired_must(s, SL_TXN_ADD, "routes", json);
	}
	snprintf(more, sizeof(more), "route_gateway: %u more", n - 8);
	ask_all(w, s);
	assert_int_equal(lines_logged(), 9);
	assert_non_null(strstr(logged, more));
	ask_all(w, s);
	assert_string_equal(logged, "");
	desired_must_del(s, SL_COLL_ROUTES, "10.11.183.0/24");
	ask_all(w, s);
	assert_int_equal(lines_logged(), 1);
	assert_non_null(strstr(logged, "no longer: routes \"10.11.183.0/24\""));
	sl_notice_watch_destroy(w);
	sl_store_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notice_is_logged_when_it_appears_and_when_it_is_gone),
		cmocka_unit_test(very_many_notices_are_counted_and_the_first_logged),
	};

	return cmocka_run_group_tests_name("notices", tests, NULL, NULL);
}
