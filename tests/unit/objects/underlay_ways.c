/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The checksum of the journal's lines, which the test writes itself. */
#include "ctrl/model/journal_state.h"
#include "ctrl/objects/collections.h"
#include "ctrl/shape/json.h"
#include "underlay_ways.h"

const struct fault right;

/* The objects only: what the state directory has. */
static char *objects_text(const struct fault *f)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		"\"ports\":%s,\"networks\":%s,\"nodes\":%s,\"neighbors\":%s,\"routes\":%s,"
		"\"endpoints\":%s,\"policies\":%s",
		given(f->ports, "[" UP_RIGHT "," WEB "]"),
		given(f->networks, "[" BLUE(",\"mtu\":1450") "]"), given(f->nodes, "[" B "]"),
		given(f->neighbors, "[]"), given(f->routes, "[]"),
		given(f->endpoints, "[" EP("web", "\"port\":\"web\"", "10.0.0.5") "," EP(
					    "db", "\"node\":\"b\"", "10.0.0.6") "]"),
		given(f->policies, "[]"));
	return text;
}

static const char *self_text(const struct fault *f)
{
	return given(f->node, SELF("\"192.0.2.1\""));
}

struct sl_config *config_of(const struct fault *f)
{
	static char text[10240];
	const char *self = self_text(f);
	struct sl_config *c;
	struct sl_err e = {0};

	snprintf(text, sizeof(text), "{%s%s%s%s}", self[0] != '\0' ? "\"node\":" : "", self,
		self[0] != '\0' ? "," : "", objects_text(f));
	c = sl_config_parse(text, strlen(text), &e);
	if (c == NULL)
		fail_msg("%s: %s %s", text, e.path, e.message);
	return c;
}

static void note(void *ctx, const struct sl_notice *n)
{
	struct verdict *o = ctx;

	o->n++;
	snprintf(o->codes + strlen(o->codes), sizeof(o->codes) - strlen(o->codes), " %s ", n->code);
	snprintf(o->words + strlen(o->words), sizeof(o->words) - strlen(o->words), "%s: %s (%s)\n",
		n->code, n->message, n->hint);
	assert_true(n->message[0] != '\0');
}

void look(struct verdict *o, const struct sl_store *s, const struct sl_config *c)
{
	const struct sl_notice_facts f = {.store = s, .self = &c->node};

	sl_notices_find(&f, note, o);
}

static struct sl_store *store_for(const struct sl_config *c)
{
	struct sl_store *s = sl_store_create(NULL, NULL);

	sl_store_set_self(s, &c->node);
	return s;
}

void by_file(const struct fault *f, struct verdict *o)
{
	struct sl_store *s = sl_store_create(NULL, NULL);
	struct sl_config *c = config_of(f);

	o->refused = sl_config_start(c, s, NULL, NULL, &o->e) != 0;
	if (!o->refused)
		look(o, s, c);
	sl_store_destroy(s);
	sl_config_free(c);
}

struct item {
	const char *collection;
	char *json;
	bool done;
};

static size_t items_of(const struct fault *f, struct item *items)
{
	char text[10240];
	struct sl_err e = {0};
	cJSON *all, *list, *v;
	size_t n = 0;

	snprintf(text, sizeof(text), "{%s}", objects_text(f));
	all = sl_json_parse(text, strlen(text), &e);
	assert_non_null(all);
	for (unsigned int k = 0; k < SL_COLL_COUNT; k++) {
		list = cJSON_GetObjectItemCaseSensitive(all, sl_collections[k]->name);
		cJSON_ArrayForEach (v, list)
			items[n++] = (struct item){
				sl_collections[k]->name, cJSON_PrintUnformatted(v), false};
	}
	cJSON_Delete(all);
	return n;
}

/* Each item in a transaction of its own, in that order; those whose references are missing again
 * later. */
static void add_items(
	struct sl_store *s, struct item *items, size_t n, bool backwards, struct verdict *o)
{
	bool more = true;

	while (more && !o->refused) {
		more = false;
		for (size_t k = 0; k < n && !o->refused; k++) {
			struct item *i = &items[backwards ? n - 1 - k : k];
			struct sl_err e = {0};

			if (i->done)
				continue;
			i->done = desired_do(s, SL_TXN_ADD, i->collection, i->json, &e) == 0;
			more |= i->done;
			if (!i->done && e.code != SL_ERR_REFERENCE) {
				o->refused = true;
				o->e = e;
			}
		}
	}
}

static void one_by_one(const struct fault *f, bool backwards, struct verdict *o)
{
	struct sl_config *c = config_of(f);
	struct sl_store *s = store_for(c);
	struct item items[32];
	size_t n = items_of(f, items);

	add_items(s, items, n, backwards, o);
	for (size_t i = 0; i < n; i++) {
		assert_true(items[i].done || o->refused);
		free(items[i].json);
	}
	if (!o->refused)
		look(o, s, c);
	sl_store_destroy(s);
	sl_config_free(c);
}

static void forwards(const struct fault *f, struct verdict *o)
{
	one_by_one(f, false, o);
}

static void backwards(const struct fault *f, struct verdict *o)
{
	one_by_one(f, true, o);
}

/* A store that has the right objects, on the node of the faulty configuration. */
static struct sl_store *right_store(const struct sl_config *self)
{
	struct sl_store *s = store_for(self);
	struct verdict o = {0};
	struct item items[32];
	size_t n = items_of(&right, items);

	add_items(s, items, n, false, &o);
	assert_false(o.refused);
	for (size_t i = 0; i < n; i++)
		free(items[i].json);
	return s;
}

/* One transaction on top of what is right: sets and adds. */
static void by_transaction(const struct fault *f, struct verdict *o)
{
	struct sl_config *c = config_of(f);
	struct sl_store *s = right_store(c);
	struct item items[32];
	size_t n = items_of(f, items);
	struct sl_txn *t = sl_txn_begin(s);

	for (size_t i = 0; i < n; i++) {
		o->refused |= !o->refused && desired_step(t, SL_TXN_PUT, items[i].collection,
						     items[i].json, &o->e) != 0;
		free(items[i].json);
	}
	if (o->refused)
		sl_txn_abort(t);
	else
		o->refused = sl_txn_commit(t, &o->e) != 0;
	if (!o->refused)
		look(o, s, c);
	sl_store_destroy(s);
	sl_config_free(c);
}

static void by_replace(const struct fault *f, struct verdict *o)
{
	struct sl_config *c = config_of(f), *wanted = config_of(f);
	struct sl_store *s = right_store(c);
	cJSON *difference;

	o->refused = desired_replace(s, wanted, c, false, &difference, &o->e) != 0;
	cJSON_Delete(difference);
	if (!o->refused)
		look(o, s, c);
	sl_store_destroy(s);
	sl_config_free(wanted);
	sl_config_free(c);
}

/* The state directory of a daemon that took it. */
static char *state_of(const struct fault *f)
{
	static char text[12288];
	char *dir = temp_dir();
	size_t n;

	n = (size_t)snprintf(text, sizeof(text),
		"{\"version\":1,\"seq\":1,\"config\":{%s},\"allocated\":[]", objects_text(f));
	snprintf(text + n, sizeof(text) - n, ",\"crc\":\"%08x\"}\n", sl_crc32(0, text, n));
	file_write(dir, "snapshot.json", text, strlen(text));
	return dir;
}

void load_state(const struct fault *f, struct sl_config *c, struct loaded *l, struct verdict *o)
{
	l->dir = state_of(f);
	l->journal = sl_journal_open(l->dir, NULL, &o->e);
	assert_non_null(l->journal);
	l->store = sl_store_create(NULL, sl_journal_recorder(l->journal));
	o->refused = sl_config_start(c, l->store, l->journal, NULL, &o->e) != 0;
}

void unload_state(struct loaded *l)
{
	sl_store_destroy(l->store);
	sl_journal_close(l->journal);
	temp_dir_remove(l->dir);
}

static void by_state(const struct fault *f, struct verdict *o)
{
	struct sl_config *c = config_of(f);
	struct loaded l;

	load_state(f, c, &l, o);
	if (!o->refused)
		look(o, l.store, c);
	unload_state(&l);
	sl_config_free(c);
}

const struct way ways[N_WAYS] = {
	{"file", by_file, false},
	{"one by one", forwards, false},
	{"one by one, backwards", backwards, false},
	{"transaction", by_transaction, false},
	{"replace", by_replace, false},
	{"state directory", by_state, true},
};
