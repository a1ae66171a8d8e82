/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Folding the log into the snapshot, a slice a turn, while transactions go on:
 *
 *   1. the objects of one moment, after transaction S, are written to snapshot.json.tmp. New lines
 *      still go to the log
 *   2. once that file is on disk it is renamed to snapshot.json, and the new name is on disk before
 *      anything else is done. The log still has all lines; a start skips those up to S. Then the
 *      numbers file is replaced: it has the numbers in use after S, and its lines since S
 *   3. the lines after S are copied to journal.log.tmp, which is renamed to journal.log once they
 *      are
 *      on disk. No line is written between copying the last line and the new name, and no line is
 *      acknowledged before the name is on disk
 *
 * A crash before the new name of step 2 leaves the old snapshot with the whole log. A crash before
 * the new name of step 3 leaves the new snapshot with the whole log. A later crash leaves the new
 * snapshot with the new log. A failure without a crash leaves the same, with one exception: when
 * the directory cannot be synced in step 3, it is not known which of the logs a crash would leave.
 * So no line may follow before a snapshot that needs neither log (journal.c:recorder_mend).
 *
 * Threads: control; a helper waits for the disk (disk_helper.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sluice/clock.h"
#include "disk_helper.h"
#include "journal.h"
#include "journal_objects.h"
#include "store_impl.h"

#define LOOKS	    16		     /* objects between two looks at the clock */
#define PIECE	    65536	     /* bytes of the log to copy in one step */
#define CHANGES_MAX 1048576	     /* while the objects are written */
#define REST_MAX    ((off_t)1 << 20) /* bytes of the log to copy in the turn of the new name */
#define SYNC_EVERY  ((off_t)4 << 20)
#define ROUNDS	    8 /* rounds in which the rest may become that small */

enum stage { WRITING, SYNCING, SYNCING_NUMBERS, COPYING, SYNCING_LOG, CLOSING };

struct sl_fold {
	enum stage stage;
	uint64_t seq;	/* S */
	off_t log_from; /* where the lines after S begin */
	struct sl_state_out out;
	bool whole;
	off_t syncing;	    /* this much of the new file is on disk, or the helper waits for it */
	off_t numbers_from; /* where the lines of numbers after S begin */
	int old_fd;	    /* the old snapshot: the helper frees its blocks */
	int log_fd;
	off_t copied;
	unsigned int rounds;
	struct sl_disk_helper helper;
};

/* Giving up. */

static void fold_free(struct sl_fold *f)
{
	sl_disk_helper_end(&f->helper);
	sl_snapshot_destroy(f->out.view);
	if (f->out.text.fd >= 0)
		close(f->out.text.fd);
	if (f->old_fd >= 0)
		close(f->old_fd);
	if (f->log_fd >= 0)
		close(f->log_fd);
	free(f->out.text.p);
	sl_numbers_out_fini(&f->out.numbers);
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
	if (f->out.numbers.fd >= 0)
		unlinkat(j->dir_fd, SL_JOURNAL_NUMBERS_NEW, 0);
	fold_free(f);
}

bool sl_journal_is_folding(const struct sl_journal *j)
{
	return j->fold != NULL;
}

/* 1: the objects. */

static bool write_some(struct sl_fold *f)
{
	for (unsigned int i = 0; i < LOOKS; i++)
		if (!sl_state_out_next(&f->out))
			return false;
	return true;
}

/*
 * at_once: the transactions up to this one need not be on disk, so their numbers are added to those
 * that are on disk.
 */
static int fold_begin(struct sl_journal *j, struct sl_store *s, bool at_once, struct sl_err *e)
{
	struct sl_fold *f = calloc(1, sizeof(*f));
	int error;

	if (f == NULL)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, ENOMEM, e);
	f->old_fd = f->log_fd = f->out.text.fd = f->out.numbers.fd = -1;
	f->seq = j->seq;
	f->log_from = j->log_size;
	f->numbers_from = j->numbers.size;
	f->out.last_numbered = at_once ? j->seq : j->numbers.last;
	f->out.view = sl_snapshot_create(s, CHANGES_MAX);
	if (f->out.view != NULL)
		f->out.text.fd = sl_journal_create_file(j, SL_JOURNAL_SNAPSHOT_NEW);
	if (f->out.text.fd < 0) {
		error = f->out.view != NULL ? errno : ENOMEM;
		fold_free(f);
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, error, e);
	}
	j->fold = f;
	error = sl_numbers_out_begin(j, &f->out.numbers, f->seq, s->next_number, at_once);
	if (error != 0) {
		sl_journal_stop_folding(j);
		return sl_journal_error(j, SL_JOURNAL_NUMBERS_NEW, error, e);
	}
	sl_state_out_begin(&f->out, f->seq, s);
	return 0;
}

int sl_journal_fold(struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	return fold_begin(j, s, false, e);
}

/* 0 when the text is complete and of one moment. */
static int written(const struct sl_journal *j, const struct sl_fold *f, struct sl_err *e)
{
	if (f->out.text.error != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, f->out.text.error, e);
	if (!sl_snapshot_failed(f->out.view))
		return 0;
	sl_err_set(e, SL_ERR_STATE, "", "%s/%s: too much was changed while it was written", j->dir,
		SL_JOURNAL_SNAPSHOT_NEW);
	return -EIO;
}

/* 2: the new snapshot, which is on disk. */

static int put_in_force(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = sl_numbers_sync(j); /* transactions up to S need their numbers */

	if (error != 0) {
		j->broken = true;
		return sl_journal_error(j, SL_JOURNAL_NUMBERS, error, e);
	}
	if (f->old_fd >= 0)
		close(f->old_fd);
	f->old_fd = openat(
		j->dir_fd, SL_JOURNAL_SNAPSHOT, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (renameat(j->dir_fd, SL_JOURNAL_SNAPSHOT_NEW, j->dir_fd, SL_JOURNAL_SNAPSHOT) != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT, errno, e);
	/* The log may go only once the directory's new entry is on disk. */
	if (fsync(j->dir_fd) != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT, errno, e);
	j->snapshot_size = f->out.text.written;
	j->snapshot_seq = f->seq;
	j->has_snapshot = true;
	if (j->synced < f->seq)
		j->synced = f->seq;
	return 0;
}

/* Replaces the numbers file. The caller closes *old, its old descriptor. */
static int switch_numbers(
	struct sl_journal *j, struct sl_fold *f, off_t from, int *old, struct sl_err *e)
{
	int error = sl_numbers_out_end(j, &f->out.numbers, from, old);

	if (error == 0)
		return 0;
	/* It is not known which of the two files a crash would leave: no line may follow. */
	j->broken |= *old >= 0;
	return sl_journal_error(j, SL_JOURNAL_NUMBERS, error, e);
}

/* 3: the log without the lines that the snapshot has. */

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

/* Copies a piece of the remaining lines; returns errno. */
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

/* Copies the last lines, and renames the file. */
static int switch_log(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = 0, old = j->log_fd;

	while (error == 0 && rest(j, f) > 0)
		error = copy_piece(j, f);
	if (error == 0) {
		error = sl_numbers_sync(j); /* the last lines need their numbers */
		j->broken |= error != 0;
	}
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
	sl_disk_helper_start(&f->helper, -1, old);
	return error;
}

/* Turns. */

static int write_slice(struct sl_journal *j, struct sl_fold *f, uint64_t end, struct sl_err *e)
{
	bool more;

	do
		more = j->slice_ns > 0 ? write_some(f) : sl_state_out_next(&f->out);
	while (more && sl_cpu_ns() < end);
	if (sl_snapshot_failed(f->out.view) || f->out.text.error != 0)
		return written(j, f, e);
	if (more)
		return 0;
	f->whole = true;
	sl_snapshot_destroy(f->out.view);
	f->out.view = NULL;
	return 0;
}

/* The file is synced while it is written: one sync at the end would delay the log's syncs. */
static int turn_writing(struct sl_journal *j, struct sl_fold *f, uint64_t end, struct sl_err *e)
{
	int error;

	if (!f->whole && write_slice(j, f, end, e) != 0)
		return -EIO;
	if (f->helper.running && !sl_disk_helper_is_done(&f->helper))
		return 0;
	error = sl_disk_helper_end(&f->helper);
	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, error, e);
	if (!f->whole && f->out.text.written - f->syncing < SYNC_EVERY)
		return 0;
	f->syncing = f->out.text.written;
	sl_disk_helper_start(&f->helper, f->out.text.fd, -1);
	if (f->whole)
		f->stage = SYNCING;
	return 0;
}

static int turn_syncing(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = sl_disk_helper_end(&f->helper);

	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, error, e);
	if (put_in_force(j, f, e) != 0)
		return -EIO;
	sl_disk_helper_start(&f->helper, f->out.numbers.fd, f->old_fd);
	f->old_fd = -1;
	f->stage = SYNCING_NUMBERS;
	return 0;
}

static int turn_syncing_numbers(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = sl_disk_helper_end(&f->helper);

	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_NUMBERS_NEW, error, e);
	if (switch_numbers(j, f, f->numbers_from, &f->old_fd, e) != 0)
		return -EIO;
	return begin_log(j, f, e);
}

static int turn_copying(struct sl_journal *j, struct sl_fold *f, uint64_t end, struct sl_err *e)
{
	int error = 0;

	while (error == 0 && rest(j, f) > 0 && sl_cpu_ns() < end)
		error = copy_piece(j, f);
	if (error != 0)
		return sl_journal_error(j, SL_JOURNAL_LOG_NEW, error, e);
	if (rest(j, f) > REST_MAX / 2)
		return 0;
	sl_disk_helper_start(&f->helper, f->log_fd, f->old_fd);
	f->old_fd = -1;
	f->stage = SYNCING_LOG;
	return 0;
}

static int turn_syncing_log(struct sl_journal *j, struct sl_fold *f, struct sl_err *e)
{
	int error = sl_disk_helper_end(&f->helper);

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
	uint64_t end = sl_cpu_ns() + j->slice_ns;

	if (f->stage != WRITING && f->helper.running && !sl_disk_helper_is_done(&f->helper))
		return 0;
	switch (f->stage) {
	case WRITING:
		return turn_writing(j, f, end, e);
	case SYNCING:
		return turn_syncing(j, f, e);
	case SYNCING_NUMBERS:
		return turn_syncing_numbers(j, f, e);
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

	if (j->broken) /* mending needs a snapshot of everything */
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
	while (sl_state_out_next(&f->out))
		;
	if (written(j, f, e) != 0)
		return -EIO;
	if (fsync(f->out.text.fd) != 0)
		return sl_journal_error(j, SL_JOURNAL_SNAPSHOT_NEW, errno, e);
	/* Before the snapshot, which needs the numbers. */
	return switch_numbers(j, f, j->numbers.size, &f->old_fd, e);
}

int sl_journal_compact(struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	struct sl_fold *f;
	int ret;

	sl_journal_stop_folding(j);
	if (fold_begin(j, s, true, e) != 0)
		return -EIO;
	f = j->fold;
	ret = write_all(j, f, e);
	if (ret == 0)
		ret = put_in_force(j, f, e);
	if (ret == 0)
		j->numbers.last = f->seq;
	if (ret == 0)
		f->stage = COPYING; /* no file is left to remove */
	sl_journal_stop_folding(j);
	if (ret != 0)
		return ret;
	sl_journal_set_synced(j);
	/* Lines that never reached the disk may still be in the log: no line may follow them. */
	j->broken = ftruncate(j->log_fd, 0) != 0 || fsync(j->log_fd) != 0;
	if (j->broken)
		return sl_journal_error(j, SL_JOURNAL_LOG, errno, e);
	j->log_size = 0;
	j->retry_at = 0;
	return 0;
}
