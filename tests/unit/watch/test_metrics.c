/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics: what an exporter may rely on, of every row, and a group that is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/watch/metrics.h"

static const struct sl_field *field_of(const struct sl_metric_group *g, const char *name)
{
	for (size_t i = 0; i < g->shape->n_fields; i++)
		if (strcmp(g->shape->fields[i].name, name) == 0)
			return &g->shape->fields[i];
	return NULL;
}

static void every_metric_is_a_field_of_its_groups_shape(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SL_GROUP_COUNT; i++) {
		const struct sl_metric_group *g = &sl_metric_groups[i];

		assert_true(g->n_metrics > 0);
		for (size_t k = 0; k < g->n_metrics; k++) {
			const struct sl_metric *m = &g->metric[k];
			const struct sl_field *f = field_of(g, m->name);

			assert_non_null(f);
			assert_int_equal(f->type, m->type);
			assert_int_equal(f->offset, m->offset);
			assert_string_equal(f->help, m->help);
			assert_true(strlen(m->help) > 5);
		}
	}
}

static void names_of_groups_and_metrics_are_unique(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SL_GROUP_COUNT; i++) {
		const struct sl_metric_group *g = &sl_metric_groups[i];

		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(g->name, sl_metric_groups[j].name);
		for (size_t k = 0; k < g->n_metrics; k++)
			for (size_t l = 0; l < k; l++)
				assert_string_not_equal(g->metric[k].name, g->metric[l].name);
	}
}

static void labels_are_names_texts_or_numbers(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SL_GROUP_COUNT; i++)
		for (unsigned int k = 0; k < SL_METRIC_LABELS_MAX; k++) {
			const struct sl_metric_group *g = &sl_metric_groups[i];
			const struct sl_field *f;

			if (g->label[k] == NULL)
				continue;
			f = field_of(g, g->label[k]);
			assert_non_null(f);
			assert_true(f->type == SL_F_NAME || f->type == SL_F_STRING ||
				    f->type == SL_F_UINT);
		}
}

static void every_unit_has_a_base(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SL_UNIT_COUNT; i++) {
		assert_non_null(sl_metric_units[i].base);
		assert_true(sl_metric_units[i].scale > 0);
	}
}

static void a_group_without_labels_has_one_instance(void **state)
{
	const struct sl_turns turns = {.n = 5, .over_1ms = 3, .max_ns = 2500000};
	const struct sl_metric_source src = {.turns = &turns};
	const struct sl_metric_group *g = &sl_metric_groups[SL_GROUP_CONTROL];
	struct sl_control_metrics out[2];
	struct sl_list list;
	struct sl_metric_walk w;

	(void)state;
	sl_metric_walk_init(&w, SL_GROUP_CONTROL, &src);
	memset(out, 0xff, sizeof(out));
	assert_true(sl_metric_next(&w, out));
	assert_false(sl_metric_next(&w, &out[1]));
	assert_int_equal(out[0].turns, 5);
	assert_int_equal(out[0].turns_over_1ms, 3);
	assert_int_equal(out[0].turns_over_10ms, 0);
	assert_int_equal(sl_metrics_list(SL_GROUP_CONTROL, &src, &list), 0);
	assert_int_equal(list.n, 1);
	assert_memory_equal(list.items, out, sizeof(out[0]));
	free(list.items);
	for (size_t i = 0; i < g->n_metrics; i++)
		if (strcmp(g->metric[i].name, "turn_ms_max") == 0) {
			assert_string_equal(sl_metric_units[g->metric[i].unit].base, "seconds");
			assert_true(sl_metric_value(&g->metric[i], out) > 0.00249);
			assert_true(sl_metric_value(&g->metric[i], out) < 0.00251);
		}
	assert_true(sl_metric_value(&g->metric[0], out) == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_metric_is_a_field_of_its_groups_shape),
		cmocka_unit_test(names_of_groups_and_metrics_are_unique),
		cmocka_unit_test(labels_are_names_texts_or_numbers),
		cmocka_unit_test(every_unit_has_a_base),
		cmocka_unit_test(a_group_without_labels_has_one_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
