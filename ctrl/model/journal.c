/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the state directory. After each step, journal_load.c can read a complete state. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"
#include "journal_numbers.h"
#include "journal_text.h"
#include "sluice/clock.h"

/* For folding, in a turn of at most 10 ms, of which clients get 4. */
#define SLICE_NS 2000000

/*
 * An unfinished line must not stay before the next one. The numbers are removed last: the log's
 * line may be on disk although the disk reported an error, and then it needs its numbers.
 */
static void take_back(struct sl_journal *j, off_t numbers_size)
{
	if (ftruncate(j->log_fd, j->log_size) == 0 && fsync(j->log_fd) == 0 &&
		sl_numbers_take_back(j, numbers_size)) {
		sl_journal_set_synced(j);
		return;
	}
	/* The error may concern earlier lines: the kernel reports it only once. */
	j->broken = true;
	sl_journal_notice(j,
		"%s/%s: cannot cut off an incomplete line: %s; changes are refused until a "
		"snapshot can be written",
		j->dir, SL_JOURNAL_LOG, strerror(errno));
}

/* Appends the log's line of a transaction; returns errno. */
static int append_line(
	struct sl_journal *j, const struct sl_change *changes, size_t n, bool numbered)
{
	struct sl_jtext t = {.fd = -1};
	bool any = false;

	sl_jtext_begin(&t, j->seq + 1);
	sl_jtext_synced(&t, j->synced);
	sl_jtext_add(&t, numbered ? ",\"numbered\":true,\"changes\":[" : ",\"changes\":[");
	for (size_t i = 0; i < n; i++)
		any |= sl_jtext_change(&t, &changes[i], any);
	sl_jtext_add(&t, "]");
	sl_jtext_end(&t);
	if (t.error == 0)
		t.error = sl_journal_write(j->log_fd, t.p, t.n, j->log_size);
	if (t.error == 0 && !j->deferred && fdatasync(j->log_fd) != 0)
		t.error = errno;
	if (t.error == 0)
		j->log_size += (off_t)t.n;
	free(t.p);
	return t.error;
}

int sl_journal_append(
	struct sl_journal *j, const struct sl_change *changes, size_t n, struct sl_err *e)
{
	off_t numbers_size = j->numbers.size;
	bool numbered;
	int error;

	if (j->broken)
		return sl_journal_error(j, SL_JOURNAL_LOG, EIO, e);
	if (sl_numbers_append(j, changes, n, &numbered, e) != 0) {
		take_back(j, numbers_size);
		return -EIO;
	}
	error = append_line(j, changes, n, numbered);
	if (error != 0) {
		take_back(j, numbers_size);
		return sl_journal_error(j, SL_JOURNAL_LOG, error, e);
	}
	j->seq++;
	if (numbered)
		j->numbers.last = j->seq;
	if (j->deferred)
		j->unsynced = true;
	else
		sl_journal_set_synced(j);
	return 0;
}

void sl_journal_set_deferred(struct sl_journal *j, bool deferred)
{
	j->deferred = deferred;
}

int sl_journal_sync(struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	if (!j->unsynced)
		return 0;
	errno = 0;
	if (!j->broken)
		errno = sl_numbers_sync(j);
	if (!j->broken && errno == 0 && fdatasync(j->log_fd) == 0) {
		sl_journal_set_synced(j);
		return 0;
	}
	/*
	 * It is no longer known how much of the log is on disk: a second try would prove nothing.
	 */
	if (!j->broken)
		sl_journal_notice(j, "%s/%s: %s; writing a snapshot instead", j->dir,
			SL_JOURNAL_LOG, strerror(errno));
	j->broken = true;
	return sl_journal_compact(j, s, e);
}

void sl_journal_set_log_max(struct sl_journal *j, size_t bytes)
{
	j->log_max = bytes;
}

bool sl_journal_empty(const struct sl_journal *j)
{
	return sl_journal_is_blank(j);
}

/*
 * After the disk failed, this tries to write a snapshot. When that succeeds, changes are accepted
 * again.
 */
static void recorder_mend(void *ctx, struct sl_store *s)
{
	struct sl_journal *j = ctx;
	uint64_t begin;

	if (!j->broken)
		return;
	begin = sl_now_ns();
	if (begin < j->mend_ns)
		return;
	if (sl_journal_compact(j, s, NULL) == 0) {
		sl_journal_notice(
			j, "%s: a snapshot could be written; changes are accepted again", j->dir);
		return;
	}
	/* A large state takes seconds to fail: a tenth of the time at most. */
	j->mend_ns = sl_now_ns() + 9 * (sl_now_ns() - begin);
}

static int recorder_append(void *ctx, const struct sl_change *changes, size_t n, struct sl_err *e)
{
	return sl_journal_append(ctx, changes, n, e);
}

static void recorder_stop(void *ctx)
{
	sl_journal_stop_folding(ctx);
}

static struct sl_journal *open_or_look(const char *dir, bool only_looks,
	void (*notice)(const char *text), int *ret, struct sl_err *e)
{
	struct sl_journal *j = calloc(1, sizeof(*j));

	*ret = -ENOMEM;
	if (j == NULL)
		goto no_memory;
	j->recorder = (struct sl_recorder){j, recorder_mend, recorder_append, recorder_stop};
	j->only_looks = only_looks;
	j->dir_fd = j->log_fd = j->numbers.fd = -1;
	j->notice = notice;
	j->log_max = SL_JOURNAL_LOG_MAX;
	j->slice_ns = SLICE_NS;
	j->dir = strdup(dir);
	if (j->dir == NULL)
		goto no_memory;
	*ret = sl_journal_open_files(j, e);
	if (*ret == 0 && (j->dir_fd < 0 || (*ret = sl_journal_load(j, e)) == 0))
		return j;
	sl_journal_close(j);
	return NULL;
no_memory:
	sl_journal_close(j);
	sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	return NULL;
}

struct sl_journal *sl_journal_open(
	const char *dir, void (*notice)(const char *text), struct sl_err *e)
{
	int ret;

	return open_or_look(dir, false, notice, &ret, e);
}

struct sl_journal *sl_journal_look(
	const char *dir, void (*notice)(const char *text), int *ret, struct sl_err *e)
{
	return open_or_look(dir, true, notice, ret, e);
}

const struct sl_recorder *sl_journal_recorder(struct sl_journal *j)
{
	return j != NULL ? &j->recorder : NULL;
}

void sl_journal_close(struct sl_journal *j)
{
	if (j == NULL)
		return;
	sl_journal_stop_folding(j);
	sl_numbers_close(j); /* first: lines of the log need the numbers */
	if (j->unsynced)
		fdatasync(j->log_fd);
	if (j->log_fd >= 0)
		close(j->log_fd);
	if (j->dir_fd >= 0)
		close(j->dir_fd);
	free(j->snapshot_text);
	free(j->log_text);
	free(j->dir);
	free(j);
}
