/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"
#include "desired.h"

static int fake_prepare(
	void *ctx, const struct sl_store *s, const struct sl_change *ch, size_t n, struct sl_err *e)
{
	struct fake_applier *f = ctx;
	size_t len = 0;

	f->prepared++;
	f->n_changes = n;
	f->changes[0] = '\0';
	memset(f->old, 0, sizeof(f->old));
	for (size_t i = 0; i < n; i++) {
		const struct sl_object *o = ch[i].new_obj != NULL ? ch[i].new_obj : ch[i].old_obj;

		if (i < sizeof(f->old) / sizeof(f->old[0]))
			f->old[i] = ch[i].old_obj;
		assert_ptr_equal(sl_store_find(s, ch[i].coll, o->key), ch[i].new_obj);
		if (len < sizeof(f->changes))
			len += (size_t)snprintf(f->changes + len, sizeof(f->changes) - len,
				"%s%s:%s ",
				ch[i].old_obj == NULL	? "+"
				: ch[i].new_obj == NULL ? "-"
							: "~",
				sl_collections[ch[i].coll]->name, o->key);
	}
	if (f->fail)
		return sl_err_set(e, SL_ERR_DEVICE, "devargs", "the device does not want to");
	return 0;
}

static void fake_commit(void *ctx)
{
	struct fake_applier *f = ctx;

	for (size_t i = 0; i < sizeof(f->old) / sizeof(f->old[0]); i++)
		assert_true(f->old[i] == NULL || f->old[i]->key[0] != '\0');
	f->committed++;
}

static void fake_abort(void *ctx)
{
	((struct fake_applier *)ctx)->aborted++;
}

void fake_applier_init(struct fake_applier *f)
{
	memset(f, 0, sizeof(*f));
	f->applier = (struct sl_applier){f, fake_prepare, fake_commit, fake_abort};
}

static const struct sl_collection *collection(const char *name)
{
	const struct sl_collection *coll = sl_collection_named(name);

	if (coll == NULL)
		fail_msg("no collection %s", name);
	return coll;
}

int desired_step(struct sl_txn *t, enum sl_txn_verb verb, const char *name, const char *text,
	struct sl_err *e)
{
	const struct sl_collection *coll = collection(name);
	struct sl_err parse = {0};
	cJSON *json = sl_json_parse(text, strlen(text), &parse);
	void *obj = calloc(1, coll->shape->size);
	int ret;

	if (json == NULL)
		fail_msg("test JSON %s: %s", text, parse.message);
	ret = sl_shape_decode(coll->shape, json, obj, e);
	if (ret == 0)
		ret = sl_txn_step(t, verb, coll->id, obj, e);
	sl_shape_fini(coll->shape, obj);
	free(obj);
	cJSON_Delete(json);
	return ret;
}

int desired_do(struct sl_store *s, enum sl_txn_verb verb, const char *name, const char *json,
	struct sl_err *e)
{
	struct sl_txn *t = sl_txn_begin(s);
	int ret = desired_step(t, verb, name, json, e);

	if (ret == 0)
		return sl_txn_commit(t, e);
	sl_txn_abort(t);
	return ret;
}

void desired_must(struct sl_store *s, enum sl_txn_verb verb, const char *name, const char *json)
{
	struct sl_err e = {0};

	if (desired_do(s, verb, name, json, &e) != 0)
		fail_msg("%s %s: %s: %s", name, json, e.path, e.message);
}

int desired_del(struct sl_store *s, enum sl_collection_id c, const char *key, struct sl_err *e)
{
	struct sl_txn *t = sl_txn_begin(s);
	int ret = sl_txn_del(t, c, key, e);

	if (ret == 0)
		return sl_txn_commit(t, e);
	sl_txn_abort(t);
	return ret;
}

void desired_must_del(struct sl_store *s, enum sl_collection_id c, const char *key)
{
	struct sl_err e = {0};

	if (desired_del(s, c, key, &e) != 0)
		fail_msg("del %s: %s: %s", key, e.path, e.message);
}

void desired_fill(struct sl_store *s)
{
	desired_must(s, SL_TXN_ADD, "ports",
		"{\"name\":\"up0\",\"role\":\"underlay\",\"devargs\":\"net_null0\","
		"\"addresses\":[\"192.0.2.1/24\"]}");
	desired_must(s, SL_TXN_ADD, "ports",
		"{\"name\":\"web-1\",\"role\":\"access\",\"devargs\":\"net_null1\"}");
	desired_must(s, SL_TXN_ADD, "ports",
		"{\"name\":\"db-1\",\"role\":\"access\",\"devargs\":\"net_null2\"}");
	desired_must(s, SL_TXN_ADD, "networks",
		"{\"name\":\"blue\",\"vni\":100,"
		"\"subnets\":[{\"prefix\":\"10.0.0.0/24\",\"gateway\":\"10.0.0.1\"}]}");
	desired_must(s, SL_TXN_ADD, "networks", "{\"name\":\"red\",\"vni\":200}");
	desired_must(s, SL_TXN_ADD, "nodes", "{\"name\":\"node-b\",\"address\":\"192.0.2.2\"}");
}

int desired_replace(struct sl_store *s, struct sl_config *c, const struct sl_config *running,
	bool dry_run, cJSON **difference, struct sl_err *e)
{
	struct sl_txn *t = sl_config_replacement(s, c, running, difference, e);
	int ret = 0;

	if (t == NULL)
		return -EINVAL;
	if (dry_run)
		sl_txn_abort(t);
	else
		ret = sl_txn_commit(t, e);
	if (ret == 0)
		return 0;
	cJSON_Delete(*difference);
	*difference = NULL;
	return ret;
}

static bool add_hidden(const struct sl_object *o, void *ctx)
{
	cJSON *v = cJSON_CreateString(o->key);

	cJSON_AddItemToArray(ctx, v);
	cJSON_AddItemToArray(ctx, cJSON_CreateNumber(o->id));
	return true;
}

char *desired_text(const struct sl_store *s)
{
	cJSON *json = sl_config_get(s, NULL), *hidden = cJSON_AddArrayToObject(json, "hidden");
	char *text;

	for (unsigned int c = 0; c < sl_n_collections; c++)
		sl_store_walk(s, c, add_hidden, hidden);
	text = cJSON_Print(json);
	cJSON_Delete(json);
	assert_non_null(text);
	return text;
}

char *temp_dir(void)
{
	/* in memory if possible, because journals wait for the disk at each transaction */
	char *dir = strdup(access("/dev/shm", W_OK) == 0 ? "/dev/shm/sluice-test-XXXXXX"
							 : "/tmp/sluice-test-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

void temp_dir_remove(char *dir)
{
	static const char *const names[] = {"snapshot.json", "snapshot.json.tmp", "journal.log",
		"journal.log.tmp", "numbers.log", "numbers.log.tmp", "file"};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	free(dir);
}

char *file_read(const char *dir, const char *name, size_t *len)
{
	char path[256], *text = NULL;
	FILE *f;
	long size;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	*len = 0;
	if (f == NULL)
		return NULL;
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = malloc((size_t)size + 1);
	*len = fread(text, 1, (size_t)size, f);
	text[*len] = '\0';
	fclose(f);
	return text;
}

void file_write(const char *dir, const char *name, const void *data, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}
