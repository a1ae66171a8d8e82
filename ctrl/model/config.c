/* SPDX-License-Identifier: BSD-3-Clause */
/* The shape of a configuration, and reading one from a file or the state directory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "ctrl/shape/fields.h"
#include "ctrl/shape/grow.h"
#include "ctrl/shape/json.h"
#include "ctrl/shape/field.h"

#define uthash_fatal(msg) abort()
#include <uthash.h>

static const struct sl_field service = {
	.name = "service", .type = SL_F_JSON, .help = "This version has no services."};

struct seen {
	size_t index;
	UT_hash_handle hh;
	char key[SL_KEY_LEN];
};

static int check_key(
	const struct sl_collection *coll, struct seen **all, struct seen *mine, struct sl_err *e)
{
	struct seen *other;

	HASH_FIND_STR(*all, mine->key, other);
	if (other == NULL) {
		HASH_ADD_STR(*all, key, mine);
		return 0;
	}
	sl_err_set(e, SL_ERR_EXISTS, coll->key_field, "%s \"%s\" is there twice", coll->singular,
		mine->key);
	sl_err_hint(e, "the first is %s[%zu]", coll->name, other->index);
	sl_err_at(e, "%s[%zu]", coll->name, mine->index);
	return -EEXIST;
}

static int check_keys(
	const struct sl_collection *coll, const struct sl_list *objects, struct sl_err *e)
{
	struct seen *seen = calloc(objects->n + 1, sizeof(*seen)), *all = NULL;
	int ret = 0;

	if (seen == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	for (size_t i = 0; i < objects->n && ret == 0; i++) {
		seen[i].index = i;
		coll->make_key(sl_config_object(coll, objects, i), seen[i].key);
		ret = check_key(coll, &all, &seen[i], e);
	}
	HASH_CLEAR(hh, all);
	free(seen);
	return ret;
}

static int check_config(const void *obj, struct sl_err *e)
{
	const struct sl_config *c = obj;
	int ret = 0;

	if (c->services.n > 0)
		return sl_err_set(
			e, SL_ERR_UNSUPPORTED, "services[0]", "this version has no services");
	for (unsigned int i = 0; i < sl_n_collections && ret == 0; i++)
		ret = check_keys(sl_collections[i], &c->objects[i], e);
	return ret;
}

static struct sl_field config_fields[SL_FIELDS_MAX];
static struct sl_shape config_shape = {.name = "config",
	.size = sizeof(struct sl_config),
	.help = "The whole configuration of a daemon.",
	.check = check_config};

/* The sections, then a list for each collection. */
static void make_shape(struct sl_shape *s, struct sl_field *f)
{
	size_t n = 0;

	for (unsigned int i = 0; i < sl_n_config_sections; i++)
		f[n++] = sl_config_sections[i];
	for (unsigned int c = 0; c < sl_n_collections; c++)
		f[n++] = (struct sl_field){.name = sl_collections[c]->name,
			.type = SL_F_LIST,
			.offset = offsetof(struct sl_config, objects) + c * sizeof(struct sl_list),
			.shape = sl_collection_shown(sl_collections[c]),
			.help = sl_collections[c]->help};
	f[n++] = (struct sl_field)SL_FIELD(sl_config, services, SL_F_LIST, .elem = &service,
		.help = "Must be empty: this version has no services.");
	s->fields = f;
	s->n_fields = n;
}

const struct sl_shape *sl_config_shape(void)
{
	if (config_shape.fields == NULL)
		make_shape(&config_shape, config_fields);
	return &config_shape;
}

/* One object of a list: structs as sl_collection_shown has them. */
void *sl_config_object(const struct sl_collection *coll, const struct sl_list *objects, size_t i)
{
	return (char *)objects->items + i * sl_collection_shown(coll)->size;
}

struct sl_config *sl_config_parse(const char *text, size_t len, struct sl_err *e)
{
	struct sl_arena arena = {0};
	const cJSON *json = sl_json_read(&arena, text, len, e);
	struct sl_config *c = NULL;

	if (json != NULL && !cJSON_IsObject(json))
		sl_err_set(e, SL_ERR_PARSE, "", "1:1: a configuration is one JSON object: {...}");
	else if (json != NULL && (c = calloc(1, sizeof(*c))) == NULL)
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	if (c != NULL && sl_shape_decode(sl_config_shape(), json, c, e) != 0) {
		free(c);
		c = NULL;
	}
	sl_arena_fini(&arena);
	return c;
}

void sl_config_free(struct sl_config *c)
{
	if (c == NULL)
		return;
	sl_shape_fini(sl_config_shape(), c);
	free(c);
}

#define READ_LEAST 65536u /* bytes of the file to read at a time */

char *sl_config_text(const char *path, size_t *len, struct sl_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL, *more;
	size_t size = 0;
	ssize_t got = -1;

	*len = 0;
	while (fd >= 0) {
		more = sl_grow(text, *len + READ_LEAST, &size, 1);
		if (more == NULL) {
			got = -1;
			break;
		}
		text = more;
		got = read(fd, text + *len, size - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	if (fd < 0 || got != 0) {
		sl_err_set(e, SL_ERR_PARAMS, "", "cannot read %s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

struct sl_config *sl_config_read(const char *path, struct sl_err *e)
{
	size_t len;
	char *text = sl_config_text(path, &len, e);
	struct sl_config *c = text != NULL ? sl_config_parse(text, len, e) : NULL;

	free(text);
	return c;
}

static int load_collection(const struct sl_collection *coll, struct sl_list *objects,
	struct sl_txn *t, enum sl_txn_verb verb, struct sl_err *e)
{
	int ret = 0;

	for (size_t i = 0; i < objects->n && ret == 0; i++) {
		sl_txn_at(t, "%s[%zu]", coll->name, i);
		ret = sl_txn_step(t, verb, coll->id, sl_config_object(coll, objects, i), e);
	}
	if (ret != 0)
		return ret;
	free(objects->items); /* the transaction owns the contents */
	*objects = (struct sl_list){0};
	return 0;
}

int sl_config_load(struct sl_config *c, struct sl_txn *t, enum sl_txn_verb verb, struct sl_err *e)
{
	int ret = 0;

	for (unsigned int i = 0; i < sl_n_collections && ret == 0; i++)
		ret = load_collection(sl_collections[i], &c->objects[i], t, verb, e);
	return ret;
}

static int load_into(struct sl_config *c, struct sl_store *s, struct sl_err *e)
{
	struct sl_txn *t = sl_txn_begin(s);
	int ret;

	if (t == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	ret = sl_config_load(c, t, SL_TXN_ADD, e);
	if (ret == 0)
		return sl_txn_commit(t, e);
	sl_txn_abort(t);
	return ret;
}

int sl_config_start(struct sl_config *c, struct sl_store *s, struct sl_journal *journal,
	void (*notice)(const char *text), struct sl_err *e)
{
	int ret;

	sl_store_set_self(s, &c->node);
	if (journal != NULL && !sl_journal_empty(journal)) {
		if (notice != NULL)
			notice("the objects are those of the state directory; the configuration "
			       "file "
			       "gives node and workers only");
		return sl_journal_replay(journal, s, e);
	}
	ret = load_into(c, s, e);
	if (ret != 0 || journal == NULL)
		return ret;
	return sl_journal_compact(journal, s, e);
}

int sl_config_check(const char *path,
	void (*then)(const struct sl_store *s, const struct sl_config *c), struct sl_err *e)
{
	struct sl_config *c = sl_config_read(path, e);
	struct sl_store *s = c != NULL ? sl_store_create(NULL, NULL) : NULL;
	int ret = -EINVAL;

	if (c != NULL && s == NULL)
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	if (s != NULL) {
		sl_store_set_self(s, &c->node);
		ret = load_into(c, s, e);
	}
	if (ret == 0 && then != NULL)
		then(s, c);
	sl_store_destroy(s);
	sl_config_free(c);
	return ret;
}
