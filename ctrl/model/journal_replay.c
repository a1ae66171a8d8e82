/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts the state that was read from the state directory into the store, as one transaction. */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/shape/json.h"
#include "journal.h"
#include "journal_numbers.h"
#include "number_map.h"
#include "store_impl.h"

/* A replay. */
struct replay {
	struct sl_txn *t;
	struct sl_number_map *older; /* numbers that earlier versions kept as objects */
};

static int out_of_memory(struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
}

/* Earlier versions stored derived objects: they are read as the number of their labels. */
static int replay_object(struct replay *r, const struct sl_collection *coll, struct sl_object *obj,
	bool derived, struct sl_err *e)
{
	if (coll->labels_role != SL_LABELS_DECLARED)
		return sl_txn_step(r->t, SL_TXN_PUT, coll->id, obj, e);
	sl_number_map_unbind(r->older, sl_number_in(coll, obj));
	if (!derived)
		return sl_txn_step(r->t, SL_TXN_PUT, coll->id, obj, e);
	sl_number_map_set_next(r->older, sl_number_in(coll, obj) + 1);
	return sl_number_map_bind(r->older, sl_labels_in(coll, obj), sl_number_in(coll, obj))
		       ? 0
		       : out_of_memory(e);
}

static int replay_put(struct replay *r, const struct sl_collection *coll, const cJSON *json,
	bool derived, struct sl_err *e)
{
	void *obj = calloc(1, coll->shape->size);
	int ret;

	if (obj == NULL)
		return out_of_memory(e);
	ret = sl_shape_decode_stored(coll->shape, json, obj, e);
	if (ret == 0) {
		if (coll->from_stored != NULL)
			coll->from_stored(obj);
		ret = replay_object(r, coll, obj, derived, e);
		sl_shape_fini(coll->shape, obj);
	}
	free(obj);
	return ret;
}

static int replay_del(
	struct replay *r, const struct sl_collection *coll, const cJSON *key, struct sl_err *e)
{
	if (!cJSON_IsString(key))
		return sl_err_set(e, SL_ERR_STATE, "", "a deletion without a key");
	if (coll->labels_role == SL_LABELS_DECLARED &&
		sl_number_map_unbind(r->older, (uint32_t)strtoul(key->valuestring, NULL, 10)))
		return 0;
	return sl_txn_del(r->t, coll->id, key->valuestring, e);
}

static int replay_change(struct replay *r, const cJSON *change, struct sl_err *e)
{
	const cJSON *put = sl_json_get(change, "put"), *del = sl_json_get(change, "del");
	const cJSON *what = put != NULL ? put : del;
	const struct sl_collection *coll =
		sl_collection_named(cJSON_GetStringValue(sl_json_get(what, "collection")));

	if (coll == NULL)
		return sl_err_set(e, SL_ERR_STATE, "", "a change of no known collection");
	if (put != NULL)
		return replay_put(r, coll, sl_json_get(put, "object"),
			cJSON_IsTrue(sl_json_get(put, "allocated")), e);
	return replay_del(r, coll, sl_json_get(del, "key"), e);
}

static int replay_line(struct replay *r, const struct sl_journal_place *at, const char *line,
	size_t len, struct sl_err *e)
{
	struct sl_arena arena = {0};
	size_t pos = 0;
	const cJSON *json = sl_json_scan(&arena, line, len, &pos, e), *change;
	int ret = json != NULL ? 0 : -EINVAL;

	cJSON_ArrayForEach (change, sl_json_get(json, "changes"))
		if (ret == 0)
			ret = replay_change(r, change, e);
	sl_arena_fini(&arena);
	return sl_journal_located(at, e, ret);
}

/*
 * One bit for each number of the list "allocated", in which earlier versions had derived objects.
 */
struct listed_numbers {
	uint64_t bits[65536 / 64];
};

static void read_numbers(struct listed_numbers *n, const cJSON *list)
{
	const cJSON *v;
	uint64_t id;

	cJSON_ArrayForEach (v, list)
		if (sl_json_uint(v, &id) && id < 65536)
			n->bits[id / 64] |= UINT64_C(1) << id % 64;
}

static bool number_listed(const struct listed_numbers *n, const cJSON *identity)
{
	uint64_t id;

	return sl_json_uint(sl_json_get(identity, "id"), &id) && id < 65536 &&
	       (n->bits[id / 64] >> id % 64 & 1) != 0;
}

/* Reads sluice's own text value by value: as a whole it would be a tree of gigabytes. */
struct reader {
	struct replay *replay;
	const char *text;
	size_t pos, len;
	struct sl_arena arena;
	struct listed_numbers allocated;
	struct sl_err *e;
};

/* Moves past s if s comes next. */
static bool comes(struct reader *r, const char *s)
{
	size_t n = strlen(s);

	if (r->len - r->pos < n || memcmp(r->text + r->pos, s, n) != 0)
		return false;
	r->pos += n;
	return true;
}

static int unexpected(const struct reader *r)
{
	char what[48];

	snprintf(what, sizeof(what), "not what was expected at byte %zu", r->pos);
	return sl_err_set(r->e, SL_ERR_STATE, "", "%s", what);
}

static const cJSON *next_value(struct reader *r)
{
	sl_arena_reset(&r->arena);
	return sl_json_scan(&r->arena, r->text, r->len, &r->pos, r->e);
}

/* The objects of "name":[...]. */
static int replay_collection(struct reader *r)
{
	const cJSON *v = next_value(r);
	const struct sl_collection *coll = v != NULL ? sl_collection_named(v->valuestring) : NULL;
	int ret = 0;

	if (coll == NULL)
		return sl_err_set(r->e, SL_ERR_STATE, "", "no known collection");
	if (!comes(r, ":["))
		return unexpected(r);
	while (ret == 0 && !comes(r, "]")) {
		comes(r, ",");
		v = next_value(r);
		ret = v == NULL ? -EINVAL
				: replay_put(r->replay, coll, v,
					  coll->labels_role == SL_LABELS_DECLARED &&
						  number_listed(&r->allocated, v),
					  r->e);
	}
	return ret;
}

/*
 * The list is after all objects, and is needed before them. Inside a string its quotes would be
 * escaped.
 */
static int read_allocated(struct reader *r)
{
	static const char key[] = "},\"allocated\":";
	const char *at = memmem(r->text, r->len, key, sizeof(key) - 1);
	size_t pos;
	const cJSON *v;

	if (at == NULL)
		return 0;
	pos = (size_t)(at - r->text) + sizeof(key) - 1;
	v = sl_json_scan(&r->arena, r->text, r->len, &pos, r->e);
	if (v == NULL)
		return -EINVAL;
	read_numbers(&r->allocated, v);
	return 0;
}

static int replay_config(struct reader *r)
{
	static const char key[] = ",\"config\":{";
	const char *at = memmem(r->text, r->len, key, sizeof(key) - 1);
	int ret = 0;

	if (at == NULL)
		return unexpected(r);
	r->pos = (size_t)(at - r->text) + sizeof(key) - 1;
	while (ret == 0 && !comes(r, "}")) {
		comes(r, ",");
		ret = replay_collection(r);
	}
	return ret;
}

static int replay_snapshot(struct replay *replay, struct sl_journal *j, struct sl_err *e)
{
	struct sl_journal_place at = {j, SL_JOURNAL_SNAPSHOT, 0};
	struct reader r = {
		.replay = replay, .text = j->snapshot_text, .len = j->snapshot_len, .e = e};
	int ret = read_allocated(&r);

	if (ret == 0)
		ret = replay_config(&r);
	sl_arena_fini(&r.arena);
	return sl_journal_located(&at, e, ret);
}

static int replay_log(struct replay *r, struct sl_journal *j, struct sl_err *e)
{
	struct sl_journal_place at = {j, SL_JOURNAL_LOG, 0};
	int ret = 0;

	for (size_t off = 0, len; ret == 0 && off < j->log_len; off += len + 1) {
		const char *line = j->log_text + off;
		uint64_t seq;

		at.line++;
		len = strlen(line);
		if (sl_journal_seq_of(line, &seq) && seq > j->snapshot_seq)
			ret = replay_line(r, &at, line, len, e);
	}
	return ret;
}

/* Checks that need the whole state: which objects disagree. They may come from either file. */
static int check_whole(struct sl_txn *t, const struct sl_journal *j, struct sl_err *e)
{
	struct sl_journal_place at = {j, j->has_snapshot ? SL_JOURNAL_SNAPSHOT : SL_JOURNAL_LOG, 0};

	if (j->has_snapshot && j->log_len > 0)
		at.file = SL_JOURNAL_SNAPSHOT " with " SL_JOURNAL_LOG;
	return sl_journal_located(&at, e, sl_txn_check(t, e));
}

static int replay_files(struct replay *r, struct sl_journal *j, struct sl_err *e)
{
	int ret = j->snapshot_text != NULL ? replay_snapshot(r, j, e) : 0;

	free(j->snapshot_text); /* the objects have copies */
	j->snapshot_text = NULL;
	return ret != 0 ? ret : replay_log(r, j, e);
}

struct unrecorded {
	const struct sl_number_map *numbers;
	bool any;
};

static bool is_recorded(const struct sl_object *o, void *ctx)
{
	const struct sl_collection *coll = sl_collection_declaring();
	struct unrecorded *u = ctx;
	char key[SL_LABELS_KEY_MAX];
	size_t len = sl_labels_key(sl_labels_in(coll, o), key);

	u->any = o->derived && sl_number_map_find(u->numbers, key, len) != sl_number_in(coll, o);
	return !u->any;
}

/* Numbers that had to be given again are not in the file. */
static void find_unrecorded(
	struct sl_journal *j, const struct sl_store *s, const struct sl_number_map *numbers)
{
	const struct sl_collection *coll = sl_collection_declaring();
	struct unrecorded u = {.numbers = numbers};

	if (coll != NULL)
		sl_store_walk(s, coll->id, is_recorded, &u);
	j->numbers.stale |= u.any;
}

/* Runs one transaction, which is ended in any case. */
static int replay_all(struct replay *r, struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	struct sl_number_map *numbers = NULL;
	int ret = replay_files(r, j, e);

	if (ret == 0 && j->numbers.exists) {
		numbers = sl_number_map_create();
		ret = numbers != NULL ? sl_numbers_read(j, numbers, e) : out_of_memory(e);
	}
	r->t->numbers = numbers != NULL ? numbers : r->older;
	if (ret == 0)
		ret = check_whole(r->t, j, e);
	if (ret == 0)
		ret = sl_txn_commit(r->t, e);
	else
		sl_txn_abort(r->t);
	if (ret == 0 && numbers != NULL)
		find_unrecorded(j, s, numbers);
	sl_number_map_destroy(numbers);
	return ret;
}

/*
 * A line without changes. An earlier version refuses its format. It does not know of numbers.log:
 * it would give labels other numbers, and write changes that contradict the file.
 */
static int refuse_earlier(struct sl_journal *j, struct sl_err *e)
{
	j->older = false;
	return sl_journal_append(j, NULL, 0, e);
}

int sl_journal_replay(struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	struct replay r = {.older = sl_number_map_create()};
	int ret = -ENOMEM;

	r.t = r.older != NULL ? sl_txn_begin_replay(s) : NULL;
	if (r.t != NULL)
		ret = replay_all(&r, j, s, e);
	else
		out_of_memory(e);
	sl_number_map_destroy(r.older);
	free(j->snapshot_text);
	free(j->log_text);
	j->snapshot_text = j->log_text = NULL;
	j->log_len = 0;
	if (ret == 0 && j->older && !j->only_looks)
		ret = refuse_earlier(j, e);
	if (ret != 0 || j->only_looks || (j->numbers.exists && !j->numbers.stale))
		return ret;
	return sl_numbers_rewrite(j, s, e);
}
