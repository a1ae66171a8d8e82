/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Folding the log into the snapshot, a slice a turn, while transactions go on:
 *
 *   1. the objects of one moment, after transaction S, are written to snapshot.json.tmp; lines go
 *      to the log as ever
 *   2. once that is on disk it becomes snapshot.json, and that is on disk before anything else is
 *      done. The log has all lines still, and whoever starts with it skips those up to S
 *   3. the lines behind S are copied to journal.log.tmp, which becomes journal.log once they are on
 *      disk. No line is written between the last that is copied and the new name, nor acknowledged
 *      before the name is on disk
 *
 * A crash before the new name of 2 leaves the old snapshot with the whole log, one before that of 3
 * the new snapshot with the whole log, later the new one with its rest. Failure is the same without
 * a crash, but for a directory that cannot be synced in 3: which of the logs is there after a crash
 * is then not known, so no line may follow before a snapshot that needs neither (sl_journal_mend).
 *
 * Threads: control; one helper at a time waits for the disk and frees the blocks of old files, for
 * both take long for large files. It touches nothing but its struct helper.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "journal_text.h"

#define LOOKS	    16		     /* objects between two looks at the clock */
#define PIECE	    65536	     /* bytes of the log copied in one step */
#define CHANGES_MAX 1048576	     /* while the objects are written */
#define REST_MAX    ((off_t)1 << 20) /* of the log, copied in the turn of the new name */
#define SYNC_EVERY  ((off_t)4 << 20)
#define ROUNDS	    8 /* in which the rest may become small */

struct helper {
	pthread_t thread;
	bool running, is_thread;
	int sync_fd, close_fd; /* or -1 */
	int error;
	atomic_bool done; /* by the thread; error is to be read then */
};

enum stage { WRITING, SYNCING, COPYING, SYNCING_LOG, CLOSING };

struct sl_fold {
	enum stage stage;
	struct sl_snapshot *view;
	uint64_t seq;	/* S */
	off_t log_from; /* where the lines behind it begin */
	struct sl_jtext text;
	unsigned int coll;
	bool any_list, in_list, any, whole;
	off_t syncing;			/* so much of it is on disk, or the helper waits for that */
	uint64_t allocated[65536 / 64]; /* one bit for each number of an identity */
	int old_fd; /* of the snapshot before: its blocks are the helper's to free */
	int log_fd;
	off_t copied;
	unsigned int rounds;
	struct helper helper;
};

/* Waiting for the disk. */

static void *help(void *arg)
{
	struct helper *h = arg;

	if (h->sync_fd >= 0 && fsync(h->sync_fd) != 0)
		h->error = errno;
	if (h->close_fd >= 0)
		close(h->close_fd);
	atomic_store_explicit(&h->done, true, memory_order_release);
	return NULL;
}

/* Closes close_fd in any case. Without a thread it is done here. */
static void helper_start(struct helper *h, int sync_fd, int close_fd)
{
	h->sync_fd = sync_fd;
	h->close_fd = close_fd;
	h->error = 0;
	atomic_store_explicit(&h->done, false, memory_order_relaxed);
	h->running = true;
	h->is_thread = pthread_create(&h->thread, NULL, help, h) == 0;
	if (!h->is_thread)
		help(h);
}

/* 0, or the errno of what it waited for. */
static int helper_end(struct helper *h)
{
	if (h->running && h->is_thread)
		pthread_join(h->thread, NULL);
	h->running = false;
	return h->error;
}

static bool helper_is_done(const struct helper *h)
{
	return atomic_load_explicit(&h->done, memory_order_acquire);
}

/* Giving up. */

static void fold_free(struct sl_fold *f)
{
	helper_end(&f->helper);
	sl_snapshot_destroy(f->view);
	if (f->text.fd >= 0)
		close(f->text.fd);
	if (f->old_fd >= 0)
		close(f->old_fd);
	if (f->log_fd >= 0)
		close(f->log_fd);
	free(f->text.p);
	free(f);
}

void sl_journal_stop_folding(struct sl_journal *j)
{
	struct sl_fold *f = j->fold;

	if (f == NULL)
		return;
	j->fold = NULL;
	if (f->stage <= SYNCING)
		unlinkat(j->dir_fd, SL_JOURNAL_SNAPSHOT_NEW, 0);
	else if (f->log_fd >= 0)
		unlinkat(j->dir_fd, SL_JOURNAL_LOG_NEW, 0);
	fold_free(f);
}

bool sl_journal_is_folding(const struct sl_journal *j)
{
	return j->fold != NULL;
}

/* 1: the objects. */

static void write_object(struct sl_fold *f, unsigned int c, const struct sl_object *o)
{
	unsigned long id;

	sl_jtext_add(&f->text, f->any ? "," : "");
	sl_jtext_object(&f->text, c, o);
	f->any = true;
	if (!o->derived)
		return;
	id = strtoul(o->key, NULL, 10);
	f->allocated[id % 65536 / 64] |= UINT64_C(1) << id % 64;
}

static void write_allocated(struct sl_fold *f)
{
	const char *comma = "";
	char text[16];

	sl_jtext_add(&f->text, "},\"allocated\":[");
	for (unsigned int id = 0; id < 65536; id++) {
		if ((f->allocated[id / 64] >> id % 64 & 1) == 0)
			continue;
		snprintf(text, sizeof(text), "%s%u", comma, id);
		sl_jtext_add(&f->text, text);
		comma = ",";
	}
	sl_jtext_add(&f->text, "]");
	sl_jtext_end(&f->text);
	sl_jtext_flush(&f->text);
}

static void begin_list(struct sl_fold *f, const struct sl_collection *coll)
{
	sl_jtext_add(&f->text, f->any_list ? ",\"" : "\"");
	sl_jtext_add(&f->text, coll->name);
	sl_jtext_add(&f->text, "\":[");
	f->any_list = true;
	f->any = false;
}

/* One object, or an end of a list. False at the end of all. */
static bool write_next(struct sl_fold *f)
{
	const struct sl_object *o;

	while (f->coll < sl_n_collections && sl_collections[f->coll]->in_order)
		f->coll++; /* written already */
	if (f->coll == sl_n_collections) {
		write_allocated(f);
		return false;
	}
	if (!f->in_list)
		begin_list(f, sl_collections[f->coll]);
	f->in_list = true;
	if (!sl_snapshot_next(f->view, f->coll, &o)) {
		sl_jtext_add(&f->text, "]");
		f->in_list = false;
		f->coll++;
	} else if (o != NULL) {
		write_object(f, f->coll, o);
	}
	return f->text.error == 0;
}

static bool write_some(struct sl_fold *f)
{
	for (unsigned int i = 0; i < LOOKS; i++)
		if (!write_next(f))
			return false;
	return true;
}

static bool write_in_order(const struct sl_object *o, void *ctx)
{
	struct sl_fold *f = ctx;

	write_object(f, f->coll, o);
	return true;
}

/* Collections whose order counts. They are few objects, so all are written before anything
 * changes. */
static void write_ordered(struct sl_fold *f, const struct sl_store *s)
{
	for (f->coll = 0; f->coll < sl_n_collections; f->coll++) {
		if (!sl_collections[f->coll]->in_order)
			continue;
		begin_list(f, sl_collections[f->coll]);
		sl_store_walk(s, f->coll, write_in_order, f);
		sl_jtext_add(&f->text, "]");
	}
	f->coll = 0;
}

int sl_journal_fold(struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	struct sl_fold *f = calloc(1, sizeof(*f));
	int error;

	if (f == NULL)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, ENOMEM, e);
	f->old_fd = f->log_fd = f->text.fd = -1;
	f->seq = j->seq;
	f->log_from = j->log_size;
	f->view = sl_snapshot_create(s, CHANGES_MAX);
	if (f->view != NULL)
		f->text.fd = sl_journal_create_file(j, SL_JOURNAL_SNAPSHOT_NEW);
	if (f->text.fd < 0) {
		error = f->view != NULL ? errno : ENOMEM;
		fold_free(f);
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, error, e);
	}
	sl_jtext_begin(&f->text, f->seq);
	sl_jtext_add(&f->text, ",\"config\":{");
	write_ordered(f, s);
	j->fold = f;
	return 0;
}

/* 0 when the text is whole and of one moment. */
static int written(const struct sl_journal *j, const struct sl_fold *f, struct sl_err *e)
{
	if (f->text.error != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, f->text.error, e);
	if (!sl_snapshot_failed(f->view))
		return 0;
	sl_err_set(e, SL_ERR_STATE, "", "%s/%s: too much was changed while it was written", j->dir,
		SL_JOURNAL_SNAPSHOT_NEW);
	return -EIO;
}

/* 2: the new snapshot. It is on disk. */

static int put_in_force(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	f->old_fd = openat(
		j->dir_fd, SL_JOURNAL_SNAPSHOT, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (renameat(j->dir_fd, SL_JOURNAL_SNAPSHOT_NEW, j->dir_fd, SL_JOURNAL_SNAPSHOT) != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT, errno, e);
	/* The log may go only once the directory's new entry is on disk. */
	if (fsync(j->dir_fd) != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT, errno, e);
	j->snapshot_size = f->text.written;
	j->snapshot_seq = f->seq;
	j->has_snapshot = true;
	if (j->synced < f->seq)
		j->synced = f->seq;
	return 0;
}

/* 3: the log without what the snapshot has. */

static int begin_log(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	f->log_fd = sl_journal_create_file(j, SL_JOURNAL_LOG_NEW);
	f->stage = COPYING;
	return f->log_fd >= 0 ? 0 : sl_journal_error(j, SL_JOURNAL_LOG_NEW, errno, e);
}

static off_t rest(const struct sl_journal *j, const struct sl_fold *f)
{
	return j->log_size - f->log_from - f->copied;
}

/* A piece of what is left; errno. */
static int copy_piece(const struct sl_journal *j, struct sl_fold *f)
{
	static char piece[PIECE];
	size_t len = rest(j, f) < PIECE ? (size_t)rest(j, f) : PIECE;
	ssize_t got = pread(j->log_fd, piece, len, f->log_from + f->copied);
	int error;

	if (got <= 0)
		return got == 0 ? EIO : errno == EINTR ? 0 : errno;
	error = sl_journal_write(f->log_fd, piece, (size_t)got, f->copied);
	if (error == 0)
		f->copied += got;
	return error;
}

/* The last lines, and the name. */
static int switch_log(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = 0, old = j->log_fd;

	while (error == 0 && rest(j, f) > 0)
		error = copy_piece(j, f);
	if (error == 0 && fsync(f->log_fd) != 0)
		error = errno;
	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_LOG_NEW, error, e);
	if (renameat(j->dir_fd, SL_JOURNAL_LOG_NEW, j->dir_fd, SL_JOURNAL_LOG) != 0)
		return sl_journal_error(j, SL_JOURNAL_LOG, errno, e);
	j->log_fd = f->log_fd;
	j->log_size = f->copied;
	j->retry_at = 0;
	f->log_fd = -1;
	f->stage = CLOSING;
	j->broken = fsync(j->dir_fd) != 0;
	error = j->broken ? sl_journal_error(j, SL_JOURNAL_LOG, errno, e) : 0;
	if (error == 0)
		sl_journal_set_synced(j);
	helper_start(&f->helper, -1, old);
	return error;
}

/* Turns. */

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int write_slice(struct sl_journal *j, struct sl_fold *f, uint64_t end, struct sl_err *e)
{
	bool more;

	do
		more = j->slice_ns > 0 ? write_some(f) : write_next(f);
	while (more && cpu_ns() < end);
	if (sl_snapshot_failed(f->view) || f->text.error != 0)
		return written(j, f, e);
	if (more)
		return 0;
	f->whole = true;
	sl_snapshot_destroy(f->view);
	f->view = NULL;
	return 0;
}

/* On its way to the disk as it is written: what is left to the end would hold up the log's syncs.
 */
static int turn_writing(struct sl_journal *j, struct sl_fold *f, uint64_t end, struct sl_err *e)
{
	int error;

	if (!f->whole && write_slice(j, f, end, e) != 0)
		return -EIO;
	if (f->helper.running && !helper_is_done(&f->helper))
		return 0;
	error = helper_end(&f->helper);
	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, error, e);
	if (!f->whole && f->text.written - f->syncing < SYNC_EVERY)
		return 0;
	f->syncing = f->text.written;
	helper_start(&f->helper, f->text.fd, -1);
	if (f->whole)
		f->stage = SYNCING;
	return 0;
}

static int turn_syncing(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = helper_end(&f->helper);

	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, error, e);
	return put_in_force(j, f, e) != 0 ? -EIO : begin_log(j, f, e);
}

static int turn_copying(struct sl_journal *j, struct sl_fold *f, uint64_t end, struct sl_err *e)
{
	int error = 0;

	while (error == 0 && rest(j, f) > 0 && cpu_ns() < end)
		error = copy_piece(j, f);
	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_LOG_NEW, error, e);
	if (rest(j, f) > REST_MAX / 2)
		return 0;
	helper_start(&f->helper, f->log_fd, f->old_fd);
	f->old_fd = -1;
	f->stage = SYNCING_LOG;
	return 0;
}

static int turn_syncing_log(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = helper_end(&f->helper);

	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_LOG_NEW, error, e);
	if (rest(j, f) <= REST_MAX || f->rounds == ROUNDS)
		return switch_log(j, f, e);
	f->rounds++;
	f->stage = COPYING;
	return 0;
}

static int turn(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	uint64_t end = cpu_ns() + j->slice_ns;

	if (f->stage != WRITING && f->helper.running && !helper_is_done(&f->helper))
		return 0;
	switch (f->stage) {
	case WRITING:
		return turn_writing(j, f, end, e);
	case SYNCING:
		return turn_syncing(j, f, e);
	case COPYING:
		return turn_copying(j, f, end, e);
	case SYNCING_LOG:
		return turn_syncing_log(j, f, e);
	case CLOSING:
		sl_journal_stop_folding(j);
		break;
	}
	return 0;
}

static bool is_due(const struct sl_journal *j)
{
	return j->log_size > (off_t)j->log_max && j->log_size > j->snapshot_size &&
	       j->log_size >= j->retry_at;
}

void sl_journal_turn(struct sl_journal *j, struct sl_store *s)
{
	struct sl_err e = {0};
	int ret = 0;

	if (j->broken) /* what mends it needs a snapshot of all there is */
		sl_journal_stop_folding(j);
	else if (j->fold != NULL)
		ret = turn(j, j->fold, &e);
	else if (is_due(j))
		ret = sl_journal_fold(j, s, &e);
	if (ret == 0)
		return;
	sl_journal_stop_folding(j);
	j->retry_at = j->log_size * 2;
	sl_journal_notice(j, "%s; %s", e.message,
		j->broken ? "changes are refused until a snapshot can be written"
			  : "the journal goes on growing");
}

/* All at once. */

static int write_all(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	while (write_next(f))
		;
	if (written(j, f, e) != 0)
		return -EIO;
	if (fsync(f->text.fd) != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, errno, e);
	return 0;
}

int sl_journal_compact(struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	struct sl_fold *f;
	int ret;

	sl_journal_stop_folding(j);
	if (sl_journal_fold(j, s, e) != 0)
		return -EIO;
	f = j->fold;
	ret = write_all(j, f, e);
	if (ret == 0)
		ret = put_in_force(j, f, e);
	if (ret == 0)
		f->stage = COPYING; /* nothing is left to be removed */
	sl_journal_stop_folding(j);
	if (ret != 0)
		return ret;
	sl_journal_set_synced(j);
	/* Lines that never came to the disk may still stand there: none may follow them. */
	j->broken = ftruncate(j->log_fd, 0) != 0 || fsync(j->log_fd) != 0;
	if (j->broken)
		return sl_journal_error(j, SL_JOURNAL_LOG, errno, e);
	j->log_size = 0;
	j->retry_at = 0;
	return 0;
}
