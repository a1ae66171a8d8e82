/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Histories of a state directory: starts with either of two configuration files, changes,
 * compactions, clean ends, and deaths at any call that touches the disk, with what a power cut
 * may leave. A directory that was written here is never refused, and holds every state that
 * was acknowledged.
 *
 * Each life is a process of its own, which reports its states to its parent through shared memory.
 * The next life must start with one of them, and none older than the last acknowledged one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* The journal is folded at random, not only when it has grown. */
#include "ctrl/model/journal_state.h"
#include "ctrl/objects/identities.h"
#include "tests/lib/desired.h"
#include "tests/lib/disk.h"

enum { HISTORIES = 60, LIVES = 8, CHANGES = 24, STATES_MAX = 128, DIED = 7 };

/* What a life has reported. */
struct tale {
	uint64_t state[STATES_MAX]; /* each that it went through; the first is what it started with
				     */
	unsigned int n, now;	    /* state[now] is in force */
	unsigned int answered;	    /* state[answered] was acknowledged */
	bool started, ended;
	char complaint[2200];
};

/* What the directory may contain. */
struct expected {
	uint64_t state[STATES_MAX];
	unsigned int n;
	bool nothing; /* no state, as before the first start: the file decides */
};

struct node;

struct life {
	const char *dir, *file;
	unsigned int seed;
	unsigned int die_at; /* call; 0: at the end */
	enum disk_loss loss;
	unsigned int failures; /* one of so many syncs; 0: none */
	bool grouped;	       /* changes wait for the disk in groups */
	uint64_t slice_ns;     /* duration of a turn of compaction; 0: one step each */
	void (*live)(struct node *n);
};

/* The state directory's part of a started daemon. */
struct node {
	const struct life *life;
	struct sl_store *store;
	struct sl_journal *journal;
};

static struct tale *tale;
static bool telling, is_child;
static unsigned int seed;

static const char *const files[] = {
	"{}",
	"{\"ports\":[{\"name\":\"p0\",\"role\":\"access\",\"devargs\":\"net_null0\"}],"
	"\"networks\":[{\"name\":\"n1\",\"vni\":91},{\"name\":\"n2\",\"vni\":92}],"
	"\"endpoints\":[{\"name\":\"e0\",\"network\":\"n1\",\"port\":\"p0\","
	"\"mac\":\"02:00:00:00:00:01\",\"addresses\":[\"10.0.0.1\"],\"labels\":{\"app\":\"l0\"}}]}",
};
enum { N_FILES = sizeof(files) / sizeof(files[0]) };

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

/* The state as a number: every object, and of identities whether they were allocated. */

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

static uint64_t state_of(const struct sl_store *s)
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

static void died(void)
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

static void start(struct node *n, const char *file)
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

static void stop(struct node *n)
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

static void live_at_random(struct node *n)
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

/* From nothing to something, to nothing again, and to something else. */
static void live_by_the_book(struct node *n)
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

/* A change after every so many turns of a compaction, acknowledged or not. So there is a change
 * before and after every step of it. */
static void live_while_folding(struct node *n)
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

static bool is_expected(const struct expected *x, uint64_t state, uint64_t of_file)
{
	for (unsigned int i = 0; i < x->n; i++)
		if (x->state[i] == state)
			return true;
	return x->nothing && state == of_file;
}

static void live(const struct life *l, const struct expected *x, uint64_t of_file)
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

/* The parent's side. */

static uint64_t state_of_file(const char *file)
{
	struct sl_err e = {0};
	struct sl_config *c = sl_config_parse(file, strlen(file), &e);
	struct sl_store *s = sl_store_create(NULL, NULL);
	uint64_t h;

	assert_non_null(c);
	assert_int_equal(sl_config_start(c, s, NULL, NULL, &e), 0);
	h = state_of(s);
	sl_store_destroy(s);
	sl_config_free(c);
	return h;
}

static void expect_more(struct expected *x, uint64_t state)
{
	if (is_expected(x, state, ~state))
		return;
	assert_true(x->n < STATES_MAX);
	x->state[x->n++] = state;
}

static void learn(struct expected *x, uint64_t of_file)
{
	if (!tale->started) {
		if (x->nothing)
			expect_more(x, of_file);
		return;
	}
	*x = (struct expected){.n = 0};
	for (unsigned int i = tale->answered; i < tale->n; i++)
		expect_more(x, tale->state[i]);
}

/* One life, and what may be found after it. */
static void run(const struct life *l, struct expected *x)
{
	uint64_t of_file = state_of_file(l->file);
	int status;
	pid_t pid;

	memset(tale, 0, sizeof(*tale));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		live(l, x, of_file);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != DIED))
		fail_msg("a life with seed %u, death at call %u, loss %u, %s: status %x: %s",
			l->seed, l->die_at, l->loss, l->file, (unsigned int)status,
			tale->complaint);
	learn(x, of_file);
}

static char *place(char **parent)
{
	char *dir;

	*parent = temp_dir();
	assert_true(asprintf(&dir, "%s/state", *parent) > 0);
	return dir;
}

/* Removes the parent as well: temp_dir_remove() knows the names. */
static void clear(char *dir, char *parent)
{
	temp_dir_remove(dir);
	temp_dir_remove(parent);
}

/* A start after a death, a change, and another start; in this process, because
 * none of these dies. */
static void visit(const char *dir, const char *file, const struct expected *x)
{
	struct life l = {.dir = dir};
	struct node n = {.life = &l};
	uint64_t state;

	start(&n, file);
	assert_true(is_expected(x, state_of(n.store), state_of_file(file)));
	desired_must(n.store, SL_TXN_PUT, "networks", "{\"name\":\"late\",\"vni\":99}");
	state = state_of(n.store);
	stop(&n);
	start(&n, file);
	assert_int_equal(state_of(n.store), state);
	stop(&n);
}

static unsigned int die_at_each_call(
	struct life *l, const char *next_file, void (*prepare)(const char *dir, struct expected *x))
{
	unsigned int deaths = 0;

	do {
		struct expected x = {.nothing = true};
		char *parent, *dir = place(&parent);

		if (prepare != NULL)
			prepare(dir, &x);
		l->dir = dir;
		l->seed = seed + deaths;
		l->die_at = ++deaths;
		run(l, &x);
		visit(dir, next_file, &x);
		clear(dir, parent);
	} while (!tale->ended);
	return deaths;
}

static void killed_at_each_call_it_starts_again_with_what_was_answered(void **state)
{
	unsigned int deaths = 0;

	(void)state;
	for (unsigned int kind = 0; kind < N_FILES * DISK_LOSSES * 2; kind++) {
		struct life l = {.file = files[kind % N_FILES],
			.loss = (enum disk_loss)(kind / N_FILES % DISK_LOSSES),
			.grouped = kind >= N_FILES * DISK_LOSSES,
			.live = live_by_the_book};

		deaths += die_at_each_call(&l, files[(kind + kind / N_FILES) % N_FILES], NULL);
	}
	print_message("%u deaths\n", deaths);
	assert_true(deaths > 20 * N_FILES * DISK_LOSSES * 2);
}

static void killed_at_each_call_while_it_folds_it_starts_again_the_same(void **state)
{
	unsigned int deaths = 0;

	(void)state;
	for (unsigned int kind = 0; kind < DISK_LOSSES * 2; kind++) {
		struct life l = {.file = files[kind % N_FILES],
			.loss = (enum disk_loss)(kind % DISK_LOSSES),
			.grouped = kind >= DISK_LOSSES,
			.live = live_while_folding};

		deaths += die_at_each_call(&l, files[(kind + 1) % N_FILES], NULL);
	}
	print_message("%u deaths\n", deaths);
	assert_true(deaths > 60 * DISK_LOSSES * 2);
}

/* As earlier versions wrote it, which kept derived objects of the store. */
static void write_older(const char *dir, struct expected *x)
{
	static const char body[] =
		"{\"version\":1,\"seq\":5,\"config\":{\"networks\":[{\"name\":\"n\",\"vni\":7}],"
		"\"nodes\":[{\"name\":\"m\",\"address\":\"192.0.2.2\"}],"
		"\"identities\":[{\"id\":4100,\"labels\":{\"app\":\"l2\"}},"
		"{\"id\":5000,\"labels\":{\"app\":\"l1\"}}],"
		"\"endpoints\":[{\"name\":\"a\",\"network\":\"n\",\"node\":\"m\",\"mac\":"
		"\"02:00:00:00:00:01\",\"addresses\":[\"10.0.0.9\"],\"labels\":{\"app\":\"l1\"}},"
		"{\"name\":\"b\",\"network\":\"n\",\"node\":\"m\",\"mac\":"
		"\"02:00:00:00:00:02\",\"addresses\":[\"10.0.0.8\"],\"labels\":{\"app\":\"l2\"}}]},"
		"\"allocated\":[4100,5000]";
	struct life l = {.dir = dir};
	struct node n = {.life = &l};
	char text[sizeof(body) + 32];
	char *copy, *parent;

	snprintf(text, sizeof(text), "%s,\"crc\":\"%08x\"}\n", body,
		sl_crc32(0, body, sizeof(body) - 1));
	copy = place(&parent);
	assert_int_equal(mkdir(copy, 0750), 0);
	file_write(copy, "snapshot.json", text, strlen(text));
	l.dir = copy;
	start(&n, files[0]);
	*x = (struct expected){.state = {state_of(n.store)}, .n = 1};
	stop(&n);
	clear(copy, parent);
	assert_int_equal(mkdir(dir, 0750), 0);
	file_write(dir, "snapshot.json", text, strlen(text));
}

static void killed_at_each_call_it_keeps_the_numbers_of_an_earlier_version(void **state)
{
	unsigned int deaths = 0;

	(void)state;
	for (unsigned int kind = 0; kind < DISK_LOSSES * 2; kind++) {
		struct life l = {.file = files[0],
			.loss = (enum disk_loss)(kind % DISK_LOSSES),
			.grouped = kind >= DISK_LOSSES,
			.live = live_by_the_book};

		deaths += die_at_each_call(&l, files[1], write_older);
	}
	print_message("%u deaths\n", deaths);
	assert_true(deaths > 20 * DISK_LOSSES * 2);
}

static void no_directory_is_refused_and_nothing_answered_is_lost(void **state)
{
	unsigned int first = seed;

	(void)state;
	for (unsigned int h = 0; h < HISTORIES; h++) {
		struct expected x = {.nothing = true};
		char *parent, *dir = place(&parent);

		seed = first ^ h * 2654435761u;
		for (unsigned int i = 0; i < LIVES; i++) {
			struct life l = {.dir = dir,
				.file = files[pick(N_FILES)],
				.seed = (unsigned int)rand_r(&seed),
				.die_at = pick(4) == 0 ? 0 : 1 + pick(pick(2) == 0 ? 20 : 120),
				.loss = (enum disk_loss)pick(DISK_LOSSES),
				.failures = pick(4) == 0 ? 2 + pick(20) : 0,
				.grouped = pick(2),
				.slice_ns = pick(3) == 0 ? 1000000 : 0,
				.live = pick(4) == 0 ? live_while_folding : live_at_random};

			run(&l, &x);
		}
		clear(dir, parent);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_each_call_it_starts_again_with_what_was_answered),
		cmocka_unit_test(killed_at_each_call_while_it_folds_it_starts_again_the_same),
		cmocka_unit_test(killed_at_each_call_it_keeps_the_numbers_of_an_earlier_version),
		cmocka_unit_test(no_directory_is_refused_and_nothing_answered_is_lost),
	};

	seed = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : (unsigned int)time(NULL);
	printf("seed %u\n", seed);
	tale = mmap(NULL, sizeof(*tale), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tale == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
