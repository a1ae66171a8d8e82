/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The applier and rows of operations that only write down what is called: collections are numbers
 * here, as they are to the applier.
 */
#include "apply_test.h"

/* Collections 0, 1 and 2. Row "a" is of 0, "b" of 0 and 1, "c" of 2. */
static struct sl_object object = {.id = 7, .key = "o"};
static char said[512];
static struct sl_apply *apply;
static struct sl_applier applier;
static const char *fails; /* the row whose prepare is refused */

static void say(const char *what, const char *row)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, "%s%s:%s", len > 0 ? " " : "", row, what);
}

#define expect_said(words)                        \
	do {                                      \
		assert_string_equal(said, words); \
		said[0] = '\0';                   \
	} while (0)

static int say_prepare(const char *row, struct sl_err *e)
{
	say("prepare", row);
	if (fails == NULL || strcmp(fails, row) != 0)
		return 0;
	sl_err_set(e, SL_ERR_LIMIT, NULL, "refused");
	return -EINVAL;
}

static void undo_of(void *row)
{
	say("undo", row);
}

static void end_of(void *row)
{
	say("end", row);
}

#define ROW(x)                                                                   \
	static int prepare_##x(struct sl_table_txn *t, struct sl_err *e)         \
	{                                                                        \
		assert_true(sl_table_undo(t, undo_of, #x));                      \
		assert_true(sl_table_retire(t, end_of, #x));                     \
		return say_prepare(#x, e);                                       \
	}                                                                        \
	static void scope_##x(struct sl_table_txn *t)                            \
	{                                                                        \
		(void)t;                                                         \
		say("scope", #x);                                                \
	}                                                                        \
	static void commit_##x(struct sl_table_txn *t)                           \
	{                                                                        \
		assert_ptr_equal(atomic_load(&bench.pipeline->world), t->old);   \
		say("commit", #x);                                               \
	}                                                                        \
	static void published_##x(struct sl_table_txn *t)                        \
	{                                                                        \
		assert_ptr_equal(atomic_load(&bench.pipeline->world), t->world); \
		say("published", #x);                                            \
	}                                                                        \
	static void abort_##x(struct sl_table_txn *t)                            \
	{                                                                        \
		(void)t;                                                         \
		say("abort", #x);                                                \
	}

ROW(a)
ROW(b)
ROW(c)

#define OPS(x, collections)                                                          \
	{                                                                            \
		.of = (collections), .prepare = prepare_##x, .scope = scope_##x,     \
		.commit = commit_##x, .published = published_##x, .abort = abort_##x \
	}

static const struct sl_table_ops a = OPS(a, 1), b = OPS(b, 3), c = OPS(c, 4);

static int start(void **state)
{
	static const struct sl_table_ops *const rows[] = {&a, &b, &c};

	(void)state;
	apply = sl_apply_create(&bench, rows, 3);
	assert_non_null(apply);
	applier = sl_apply_applier(apply);
	said[0] = '\0';
	fails = NULL;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sl_apply_destroy(apply);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	return 0;
}

static int prepare_of(const unsigned int *coll, size_t n, struct sl_err *e)
{
	struct sl_change change[8] = {0};

	for (size_t i = 0; i < n; i++)
		change[i] = (struct sl_change){.coll = coll[i], .new_obj = &object};
	return applier.prepare(applier.ctx, NULL, change, n, e);
}

static void rows_are_called_in_their_order_and_end_after_a_grace_period(void **state)
{
	const unsigned int all[] = {2, 0, 1};
	struct sl_err e = {0};

	(void)state;
	worker_reads(true);
	assert_int_equal(prepare_of(all, 3, &e), 0);
	expect_said("a:prepare b:prepare c:prepare a:scope b:scope c:scope");
	applier.commit(applier.ctx);
	expect_said("a:commit b:commit c:commit a:published b:published c:published");
	sl_rcu_poll(sl_engine_rcu(bench.engine));
	expect_said("");
	worker_reads(false);
	expect_said("a:end b:end c:end");
}

static void rows_without_changes_are_not_called(void **state)
{
	const unsigned int one[] = {1}, none[] = {5};
	struct sl_err e = {0};

	(void)state;
	assert_int_equal(prepare_of(one, 1, &e), 0);
	applier.commit(applier.ctx);
	expect_said("b:prepare b:scope b:commit b:published");
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	expect_said("b:end");
	assert_int_equal(prepare_of(none, 1, &e), 0);
	applier.commit(applier.ctx);
	expect_said("");
}

static void failure_in_the_middle_undoes_what_was_done_the_latest_first(void **state)
{
	const struct sl_world *before = atomic_load(&bench.pipeline->world);
	const unsigned int all[] = {0, 1, 2};
	struct sl_err e = {0};

	(void)state;
	fails = "b";
	assert_int_equal(prepare_of(all, 3, &e), -EINVAL);
	assert_string_equal(e.message, "refused");
	expect_said("a:prepare b:prepare a:abort b:undo a:undo");
	assert_ptr_equal(atomic_load(&bench.pipeline->world), before);
	/* Nothing of it is left: the next transaction behaves like the first. */
	fails = NULL;
	assert_int_equal(prepare_of(all, 1, &e), 0);
	expect_said("a:prepare b:prepare a:scope b:scope");
	applier.commit(applier.ctx);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	expect_said("a:commit b:commit a:published b:published a:end b:end");
}

static void abort_after_prepare_undoes_all_rows(void **state)
{
	const struct sl_world *before = atomic_load(&bench.pipeline->world);
	const unsigned int all[] = {0, 1, 2};
	struct sl_err e = {0};

	(void)state;
	assert_int_equal(prepare_of(all, 3, &e), 0);
	said[0] = '\0';
	applier.abort(applier.ctx);
	expect_said("c:abort b:abort a:abort c:undo b:undo a:undo");
	assert_ptr_equal(atomic_load(&bench.pipeline->world), before);
}

/* Changes as a row sees them. */

static unsigned int seen[8];
static size_t n_seen;

static int note_changes(struct sl_table_txn *t, struct sl_err *e)
{
	(void)e;
	for (unsigned int coll = 0; coll < 3; coll++)
		SL_EACH_CHANGE (change, t, coll) {
			assert_int_equal(change->coll, coll);
			seen[n_seen++] = change->new_obj->id;
		}
	return 0;
}

static void changes_come_by_collection_in_their_order(void **state)
{
	static const struct sl_table_ops notes = {.of = 7, .prepare = note_changes};
	static const struct sl_table_ops *const rows[] = {&notes};
	static const unsigned int coll[] = {2, 0, 1, 0, 2, 0}, want[] = {1, 3, 5, 2, 0, 4};
	struct sl_apply *x = sl_apply_create(&bench, rows, 1);
	struct sl_applier on = sl_apply_applier(x);
	struct sl_object o[6] = {0};
	struct sl_change change[6];
	struct sl_err e = {0};

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		o[i].id = i;
		change[i] = (struct sl_change){.coll = coll[i], .new_obj = &o[i]};
	}
	assert_int_equal(on.prepare(on.ctx, NULL, change, 6, &e), 0);
	on.abort(on.ctx);
	assert_int_equal(n_seen, 6);
	assert_memory_equal(seen, want, sizeof(want));
	sl_apply_destroy(x);
}

/* Generations */

static bool scopes_all;

static void scope_something(struct sl_table_txn *t)
{
	if (scopes_all)
		sl_table_scope_all(t);
	else
		sl_table_scope(t, 1234);
}

/* A slot that no flow uses, one that some do, and all of them. */
static void generation_rises_only_for_what_flows_use(void **state)
{
	static const struct sl_table_ops scoped = {.of = 1, .scope = scope_something};
	static const struct sl_table_ops *const rows[] = {&scoped};
	struct sl_apply *x = sl_apply_create(&bench, rows, 1);
	struct sl_applier on = sl_apply_applier(x);
	struct sl_changes *changes = bench.pipeline->changes;
	struct sl_change change = {.new_obj = &object};
	struct sl_err e = {0};

	(void)state;
	scopes_all = false;
	atomic_store(&changes->used[1234], 0);
	assert_int_equal(on.prepare(on.ctx, NULL, &change, 1, &e), 0);
	on.commit(on.ctx);
	assert_int_equal(x->world->generation, 1);
	assert_int_equal(x->world->commit, 2);
	assert_int_equal(atomic_load(&changes->stamp[1234]), 2);
	atomic_store(&changes->used[1234], 1);
	assert_int_equal(on.prepare(on.ctx, NULL, &change, 1, &e), 0);
	on.commit(on.ctx);
	assert_int_equal(x->world->generation, 3);
	scopes_all = true;
	assert_int_equal(on.prepare(on.ctx, NULL, &change, 1, &e), 0);
	on.commit(on.ctx);
	assert_int_equal(x->world->generation, 4);
	assert_int_equal(atomic_load(&changes->all), 4);
	sl_apply_destroy(x);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
}

/* Rows' own state */

static char opened[64];

static bool open_one(struct sl_apply *x, struct sl_world *w, void **row_state)
{
	(void)x;
	(void)w;
	*row_state = opened;
	strncat(opened, "+", sizeof(opened) - 1 - strlen(opened));
	return true;
}

static bool open_none(struct sl_apply *x, struct sl_world *w, void **row_state)
{
	(void)x;
	(void)w;
	(void)row_state;
	return false;
}

static void close_one(struct sl_world *w, void *row_state)
{
	assert_non_null(w);
	assert_ptr_equal(row_state, opened);
	strncat(opened, "-", sizeof(opened) - 1 - strlen(opened));
}

static void rows_have_a_state_from_open_to_close(void **state)
{
	static const struct sl_table_ops one = {.of = 1, .open = open_one, .close = close_one};
	static const struct sl_table_ops two = {.of = 1, .open = open_one, .close = close_one};
	static const struct sl_table_ops bad = {.of = 1, .open = open_none, .close = close_one};
	static const struct sl_table_ops *const rows[] = {&one, &two, &bad};
	struct sl_apply *x = sl_apply_create(&bench, rows, 2);

	(void)state;
	assert_ptr_equal(sl_table_state(x, &two), opened);
	assert_null(sl_table_state(x, &bad));
	sl_apply_destroy(x);
	assert_string_equal(opened, "++--");
	opened[0] = '\0';
	assert_null(sl_apply_create(&bench, rows, 3));
	assert_string_equal(opened, "++--");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		T(rows_are_called_in_their_order_and_end_after_a_grace_period),
		T(rows_without_changes_are_not_called),
		T(failure_in_the_middle_undoes_what_was_done_the_latest_first),
		T(abort_after_prepare_undoes_all_rows),
		T(changes_come_by_collection_in_their_order),
		T(generation_rises_only_for_what_flows_use),
		T(rows_have_a_state_from_open_to_close),
	};

	return cmocka_run_group_tests_name("transactions", tests, bench_start, bench_stop);
}
