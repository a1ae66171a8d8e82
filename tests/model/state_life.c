/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* The journal is folded at random, not only when it has grown. */
#include "ctrl/model/journal_state.h"
#include "ctrl/objects/identities.h"
#include "tests/lib/desired.h"
#include "state_life.h"

enum { CHANGES = 24 };

struct tale *tale;
unsigned int seed;
static bool telling, is_child;

const char *const files[N_FILES] = {
	"{}",
	"{\"ports\":[{\"name\":\"p0\",\"role\":\"access\",\"devargs\":\"net_null0\"}],"
	"\"networks\":[{\"name\":\"n1\",\"vni\":91},{\"name\":\"n2\",\"vni\":92}],"
	"\"endpoints\":[{\"name\":\"e0\",\"network\":\"n1\",\"port\":\"p0\","
	"\"mac\":\"02:00:00:00:00:01\",\"addresses\":[\"10.0.0.1\"],\"labels\":{\"app\":\"l0\"}}]}",
};

unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static uint64_t hash(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return h;
}

static bool hash_identity(const struct sl_object *o, void *ctx)
{
	const struct sl_identity_obj *id = (const struct sl_identity_obj *)o;
	uint64_t h = hash(id->o.derived, o->key);

	for (size_t i = 0; i < id->labels.n; i++)
		h = hash(hash(h, id->labels.pair[i].key), id->labels.pair[i].value);
	*(uint64_t *)ctx += h; /* order does not matter */
	return true;
}

uint64_t state_of(const struct sl_store *s)
{
	cJSON *json = sl_config_get(s, NULL);
	char *text = cJSON_PrintUnformatted(json);
	uint64_t h = hash(14695981039346656037u, text);

	cJSON_free(text);
	cJSON_Delete(json);
	sl_store_walk(s, SL_COLL_IDENTITIES, hash_identity, &h);
	return h;
}

/* A life. Its process ends with it, so nothing is freed. */

static _Noreturn void died(void)
{
	_exit(DIED);
}

static void complain(const char *what, const struct sl_err *e)
{
	snprintf(
		tale->complaint, sizeof(tale->complaint), "%s: %s (%s)", what, e->message, e->path);
	if (!is_child)
		fail_msg("%s", tale->complaint);
	_exit(1);
}

static int tell_prepare(
	void *ctx, const struct sl_store *s, const struct sl_change *ch, size_t n, struct sl_err *e)
{
	(void)ctx, (void)ch, (void)n, (void)e;
	if (!telling)
		return 0;
	if (tale->n == STATES_MAX)
		abort();
	tale->state[tale->n++] = state_of(s);
	return 0;
}

static void tell_commit(void *ctx)
{
	(void)ctx;
	if (telling)
		tale->now = tale->n - 1;
}

/* A line that the disk refused may still be there: its state may come back. */
static void tell_abort(void *ctx)
{
	(void)ctx;
}

void start(struct node *n, const char *file)
{
	static const struct sl_applier applier = {NULL, tell_prepare, tell_commit, tell_abort};
	struct sl_err e = {0};
	struct sl_config *c = sl_config_parse(file, strlen(file), &e);

	telling = false;
	if (c == NULL)
		complain("configuration", &e);
	n->journal = sl_journal_open(n->life->dir, NULL, &e);
	if (n->journal == NULL)
		complain("open", &e);
	n->store = sl_store_create(&applier, sl_journal_recorder(n->journal));
	if (sl_config_start(c, n->store, n->journal, NULL, &e) != 0)
		complain("start", &e);
	sl_config_free(c);
	sl_journal_set_deferred(n->journal, n->life->grouped);
	sl_journal_set_log_max(n->journal, 2000);
	n->journal->slice_ns = n->life->slice_ns;
}

/* From here on the states belong to this start. */
static void begin_tale(const struct node *n)
{
	tale->state[0] = state_of(n->store);
	tale->n = 1;
	tale->now = tale->answered = 0;
	tale->started = telling = true;
	disk_set_failures(n->life->failures);
}

void stop(struct node *n)
{
	sl_store_destroy(n->store);
	sl_journal_close(n->journal);
}

/*
 * The process is killed and the machine goes on; what was not synced may be lost later. Not after a
 * failure of the disk: then the next start may read data that is only in memory, and cannot know.
 */
static void kill_and_start(struct node *n)
{
	uint64_t was = tale->state[tale->now];
	struct sl_err e = {.message = "another state after a kill"};

	if (disk_has_failed())
		return;
	disk_set_failures(0);
	n->journal->unsynced = false;
	stop(n);
	start(n, files[pick(N_FILES)]);
	if (state_of(n->store) != was)
		complain("second start", &e);
	begin_tale(n);
}

/* If the disk refuses to the end, nothing is acknowledged. */
static void settle(struct node *n)
{
	struct sl_err e = {0};

	if (sl_journal_sync(n->journal, n->store, &e) == 0)
		tale->answered = tale->now;
	else if (!disk_has_failed())
		complain("sync", &e);
}

static int put_something(struct sl_txn *t, struct sl_err *e)
{
	static const char *const where[] = {"networks", "ports", "endpoints", "identities"};
	unsigned int n = pick(4), kind = pick(4);
	char json[300];

	if (kind == 0)
		snprintf(json, sizeof(json), "{\"name\":\"n%u\",\"vni\":%u}", n, 1 + pick(90));
	else if (kind == 1)
		snprintf(json, sizeof(json),
			"{\"name\":\"p%u\",\"role\":\"access\",\"devargs\":\"net_null%u\"}", n, n);
	else if (kind == 2)
		snprintf(json, sizeof(json),
			"{\"name\":\"e%u\",\"network\":\"n%u\",\"port\":\"p%u\",\"mac\":"
			"\"02:00:00:00:00:01\",\"addresses\":[\"10.0.0.%u\"],"
			"\"labels\":{\"app\":\"l%u\"}}",
			n, pick(4), n, 1 + n, pick(3));
	else
		snprintf(json, sizeof(json), "{\"id\":%u,\"labels\":{\"app\":\"l%u\"}}", 1000 + n,
			pick(3));
	return desired_step(t, SL_TXN_PUT, where[kind], json, e);
}

static int remove_something(struct sl_txn *t, struct sl_err *e)
{
	static const struct {
		enum sl_collection_id c;
		const char *prefix;
	} what[] = {{SL_COLL_NETWORKS, "n"}, {SL_COLL_PORTS, "p"}, {SL_COLL_ENDPOINTS, "e"},
		{SL_COLL_ENDPOINTS, "e"}, {SL_COLL_IDENTITIES, "100"}};
	unsigned int kind = pick(5);
	char key[16];

	snprintf(key, sizeof(key), "%s%u", what[kind].prefix, pick(4));
	return sl_txn_del(t, what[kind].c, key, e);
}

/* A transaction of some steps. Many are refused, because of their contents or by the disk. */
static void change(struct node *n)
{
	struct sl_txn *t = sl_txn_begin(n->store);
	unsigned int steps = 1 + pick(3);
	struct sl_err e = {0};
	int ret = 0;

	for (unsigned int i = 0; i < steps && ret == 0; i++)
		ret = pick(3) == 0 ? remove_something(t, &e) : put_something(t, &e);
	if (ret != 0)
		sl_txn_abort(t);
	else if (sl_txn_commit(t, &e) == 0 && !n->life->grouped)
		tale->answered = tale->now;
}

static void replace(struct node *n, const char *file)
{
	struct sl_err e = {0};
	struct sl_config *c = sl_config_parse(file, strlen(file), &e);
	cJSON *difference;

	if (desired_replace(n->store, c, NULL, false, &difference, &e) == 0 && !n->life->grouped)
		tale->answered = tale->now;
	cJSON_Delete(difference);
	sl_config_free(c);
}

static void compact(struct node *n)
{
	struct sl_err e = {0};

	if (sl_journal_compact(n->journal, n->store, &e) == 0)
		tale->answered = tale->now;
}

/* Turns of the event loop. */
static void turns(struct node *n, unsigned int most)
{
	for (unsigned int i = 0; i < most; i++)
		sl_journal_turn(n->journal, n->store);
}

static void begin_fold(struct node *n)
{
	struct sl_err e = {0};

	if (!n->journal->broken && !sl_journal_is_folding(n->journal))
		(void)sl_journal_fold(n->journal, n->store, &e);
}

void live_at_random(struct node *n)
{
	unsigned int changes = pick(CHANGES);

	for (unsigned int i = 0; i < changes; i++) {
		switch (pick(24)) {
		case 0:
			compact(n);
			break;
		case 1:
			replace(n, files[pick(N_FILES)]);
			break;
		case 2:
			kill_and_start(n);
			break;
		case 3:
			begin_fold(n);
			break;
		default:
			change(n);
		}
		if (n->life->grouped && pick(3) == 0)
			settle(n);
		turns(n, pick(16));
	}
}

void live_by_the_book(struct node *n)
{
	static const unsigned int path[] = {1, 0, 1};

	compact(n);
	for (unsigned int i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		replace(n, files[path[i]]);
		if (n->life->grouped && i % 2 == 0)
			settle(n);
		if (i > 0)
			compact(n);
	}
}

void live_while_folding(struct node *n)
{
	static const unsigned int path[] = {1, 0, 1};
	unsigned int step = 0;

	for (unsigned int every = 1; every <= 7; every += 3) {
		replace(n, files[path[step++ % 3]]);
		begin_fold(n);
		for (unsigned int i = 0; sl_journal_is_folding(n->journal) && i < 60; i++) {
			turns(n, every);
			replace(n, files[path[step++ % 3]]);
			if (n->life->grouped && step % 3 == 0)
				settle(n);
		}
	}
	if (!disk_has_failed() && n->journal->snapshot_seq == 0)
		abort();
}

bool is_expected(const struct expected *x, uint64_t state, uint64_t of_file)
{
	for (unsigned int i = 0; i < x->n; i++)
		if (x->state[i] == state)
			return true;
	return x->nothing && state == of_file;
}

_Noreturn void live(const struct life *l, const struct expected *x, uint64_t of_file)
{
	struct sl_err e = {.message = "what was answered is lost, or something else is there"};
	struct node n = {.life = l};

	is_child = true;
	seed = l->seed;
	disk_watch(l->dir, l->seed);
	disk_die_at(l->die_at, l->loss, died);
	start(&n, l->file);
	if (!is_expected(x, state_of(n.store), of_file))
		complain("start", &e);
	begin_tale(&n);
	l->live(&n);
	tale->ended = true;
	if (l->die_at == 0) {
		disk_set_failures(0);
		stop(&n);
		disk_forget();
		_exit(0);
	}
	disk_die(l->loss);
	died();
}
