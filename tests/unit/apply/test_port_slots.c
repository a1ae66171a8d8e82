/* SPDX-License-Identifier: BSD-3-Clause */
/* The applier's slots for ports, as many as possible, compared with plain arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "ctrl/apply/port_slots.h"

enum { PORTS = SL_PORTS_MAX < 1000 ? SL_PORTS_MAX : 1000 };

static const char *name_of(unsigned int id)
{
	static char name[4][32];
	static unsigned int at;

	at = (at + 1) % 4;
	snprintf(name[at], sizeof(name[at]), "tenant-%u/port-%u", id % 7, id);
	return name[at];
}

static void add_all(struct sl_port_slots *p)
{
	for (unsigned int i = 0; i < PORTS; i++)
		assert_non_null(sl_port_slot_add(p, (uint16_t)i, name_of(i)));
	sl_port_slots_commit(p);
}

static unsigned int count(const struct sl_port_slots *p)
{
	unsigned int n = 0;

	SL_PORT_SET_EACH (i, &p->all)
		n++;
	return n;
}

static void every_port_is_found_by_name_and_by_id(void **state)
{
	struct sl_port_slots *p = calloc(1, sizeof(*p));

	(void)state;
	add_all(p);
	assert_int_equal(count(p), PORTS);
	for (unsigned int i = 0; i < PORTS; i++) {
		struct sl_port_slot *s = sl_port_slot_find(p, name_of(i));

		assert_non_null(s);
		assert_ptr_equal(sl_port_slot_by_id(p, i), s);
		assert_string_equal(s->name, name_of(i));
		assert_true(s->present);
	}
	assert_null(sl_port_slot_find(p, "tenant-0/port-1"));
	assert_null(sl_port_slot_by_id(p, SL_PORTS_MAX));
	sl_port_slots_fini(p);
	assert_int_equal(count(p), 0);
	free(p);
}

static void transaction_holds_only_the_slots_that_it_touches(void **state)
{
	struct sl_port_slots *p = calloc(1, sizeof(*p));
	struct sl_port_slot *s;

	(void)state;
	add_all(p);
	assert_null(p->touched);
	s = sl_port_slot_by_id(p, 3);
	sl_port_slot_touch(p, s);
	sl_port_slot_touch(p, s);
	assert_ptr_equal(p->touched, s);
	assert_null(s->next_touched);
	s->next.n_endpoints = 2;
	s->next.network = 9;
	sl_port_slots_abort(p);
	assert_int_equal(s->n_endpoints, 0);
	assert_int_equal(s->network, 0);
	assert_null(p->touched);
	sl_port_slot_touch(p, s);
	assert_int_equal(s->next.n_endpoints, 0);
	s->next.n_endpoints = 2;
	s->next.network = 9;
	sl_port_slots_commit(p);
	assert_int_equal(s->n_endpoints, 2);
	assert_int_equal(s->network, 9);
	sl_port_slots_fini(p);
	free(p);
}

static void port_without_endpoints_is_of_no_network(void **state)
{
	struct sl_port_slots *p = calloc(1, sizeof(*p));
	struct sl_port_slot *s = sl_port_slot_add(p, 0, "one");

	(void)state;
	s->next.n_endpoints = 1;
	s->next.network = 5;
	assert_int_equal(sl_port_slot_next_network(s), 5);
	sl_port_slots_commit(p);
	sl_port_slot_touch(p, s);
	s->next.n_endpoints = 0;
	assert_int_equal(sl_port_slot_next_network(s), 0);
	s->next.n_endpoints = 1;
	s->next.gone = true;
	assert_int_equal(sl_port_slot_next_network(s), 0);
	sl_port_slots_commit(p);
	assert_null(sl_port_slot_find(p, "one"));
	sl_port_slots_fini(p);
	free(p);
}

/* The state of each id between transactions. */
struct plain {
	bool there;
	uint32_t n_endpoints, network;
};

static void step(struct sl_port_slots *p, struct plain *next, unsigned int id)
{
	struct sl_port_slot *s = sl_port_slot_by_id(p, id);

	if (!next[id].there) {
		if (s != NULL)
			return; /* removed by this transaction: its id is not free yet */
		s = sl_port_slot_add(p, (uint16_t)id, name_of(id));
		next[id] = (struct plain){.there = true};
	} else if (rand() % 4 == 0) {
		sl_port_slot_touch(p, s);
		s->next.gone = true;
		next[id] = (struct plain){0};
		return;
	}
	sl_port_slot_touch(p, s);
	next[id].n_endpoints = (uint32_t)rand() % 3;
	next[id].network = next[id].n_endpoints > 0 ? 1 + (uint32_t)rand() % 5 : 0;
	s->next.n_endpoints = next[id].n_endpoints;
	s->next.network = next[id].network;
}

static void compare(const struct sl_port_slots *p, const struct plain *now)
{
	for (unsigned int i = 0; i < PORTS; i++) {
		const struct sl_port_slot *s = sl_port_slot_find(p, name_of(i));

		assert_int_equal(s != NULL, now[i].there);
		assert_int_equal(sl_port_set_has(&p->all, i), now[i].there);
		assert_ptr_equal(sl_port_slot_by_id(p, i), s);
		if (s == NULL)
			continue;
		assert_int_equal(s->n_endpoints, now[i].n_endpoints);
		assert_int_equal(s->network, now[i].network);
	}
}

static void random_transactions_agree_with_arrays(void **state)
{
	static struct plain now[PORTS], next[PORTS];
	struct sl_port_slots *p = calloc(1, sizeof(*p));
	unsigned int seed = (unsigned int)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (unsigned int txn = 0; txn < 500; txn++) {
		memcpy(next, now, sizeof(next));
		for (int i = rand() % 30; i > 0; i--)
			step(p, next, (unsigned int)rand() % PORTS);
		if (rand() % 3 == 0) {
			sl_port_slots_abort(p);
		} else {
			sl_port_slots_commit(p);
			memcpy(now, next, sizeof(now));
		}
		compare(p, now);
	}
	sl_port_slots_fini(p);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_port_is_found_by_name_and_by_id),
		cmocka_unit_test(transaction_holds_only_the_slots_that_it_touches),
		cmocka_unit_test(port_without_endpoints_is_of_no_network),
		cmocka_unit_test(random_transactions_agree_with_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
