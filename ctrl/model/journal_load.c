/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the state directory. A line counts only when its checksum, version and number are right. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_state.h"
#include "journal_numbers.h"

int sl_journal_read_file(
	const struct sl_journal_place *at, char **text, size_t *len, struct sl_err *e)
{
	struct stat st;
	size_t n = 0;
	int fd, ret = sl_journal_open_file(at->j, at->file, O_RDONLY, &fd, e);

	*text = NULL;
	*len = 0;
	if (ret != 0 || fd < 0)
		return ret;
	if (fstat(fd, &st) != 0)
		goto fail;
	*text = malloc((size_t)st.st_size + 1);
	if (*text == NULL)
		goto fail;
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, *text + n, (size_t)st.st_size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto fail;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	(*text)[n] = '\0';
	*len = n;
	return 0;
fail:
	sl_journal_broken(at, e, strerror(errno));
	close(fd);
	return -EIO;
}

/* Every line begins with it. 0: the text does not. A label "version" has a string, no number. */
static unsigned long version_of(const char *s)
{
	static const char head[] = "{\"version\":";

	return strncmp(s, head, sizeof(head) - 1) == 0 ? strtoul(s + sizeof(head) - 1, NULL, 10)
						       : 0;
}

bool sl_journal_is_newer(const char *s)
{
	return version_of(s) > SL_JOURNAL_VERSION;
}

bool sl_journal_is_older(const char *s)
{
	return version_of(s) < SL_JOURNAL_VERSION;
}

bool sl_journal_crc_right(const char *s, size_t len)
{
	char tail[SL_JOURNAL_TAIL_LEN + 1];

	if (len <= SL_JOURNAL_TAIL_LEN)
		return false;
	len -= SL_JOURNAL_TAIL_LEN;
	snprintf(tail, sizeof(tail), ",\"crc\":\"%08x\"}", sl_crc32(0, s, len));
	return memcmp(s + len, tail, SL_JOURNAL_TAIL_LEN) == 0;
}

/*
 * The number after the head that text_begin writes; false: it is not there. 0 is valid: a snapshot
 * before the first transaction has it.
 */
bool sl_journal_seq_of(const char *s, uint64_t *seq)
{
	return sscanf(s, SL_JOURNAL_HEAD "%" SCNu64, seq) == 1;
}

/* The value that text_synced writes after that; false: a line of an earlier version. */
static bool synced_of(const char *s, uint64_t *synced)
{
	return sscanf(s, SL_JOURNAL_HEAD "%*u,\"synced\":%" SCNu64, synced) == 1;
}

int sl_journal_check_text(const struct sl_journal_place *at, const char *s, size_t len,
	uint64_t *seq, struct sl_err *e)
{
	char what[96];

	if (sl_journal_is_newer(s)) {
		snprintf(what, sizeof(what),
			"written by a newer version of sluice; this one reads format %d",
			SL_JOURNAL_VERSION);
		sl_journal_broken(at, e, what);
		sl_err_hint(e, "run the newer version, or move the directory away");
		return -EIO;
	}
	if (!sl_journal_crc_right(s, len))
		return sl_journal_broken(at, e, "the checksum does not fit the text");
	return sl_journal_seq_of(s, seq)
		       ? 0
		       : sl_journal_broken(
				 at, e, "no version and sequence number at its beginning");
}

/*
 * The last transaction up to the snapshot's that gave numbers: it is at the end of the snapshot's
 * text.
 */
static uint64_t last_numbered(const char *s, size_t len)
{
	static const char key[] = "},\"numbers\":";
	size_t tail = len < 96 ? len : 96;
	const char *at = memmem(s + len - tail, tail, key, sizeof(key) - 1);

	return at != NULL ? strtoull(at + sizeof(key) - 1, NULL, 10) : 0;
}

static int check_numbers(const struct sl_journal *j, const struct sl_journal_place *at,
	uint64_t seq, struct sl_err *e)
{
	char what[SL_NUMBERS_WHAT_LEN];

	if (seq == 0 || sl_numbers_has(j, seq))
		return 0;
	return sl_journal_broken(at, e, sl_numbers_lacks(seq, what));
}

static int load_snapshot(struct sl_journal *j, struct sl_err *e)
{
	struct sl_journal_place at = {j, SL_JOURNAL_SNAPSHOT, 0};
	int ret = sl_journal_read_file(&at, &j->snapshot_text, &j->snapshot_len, e);

	if (ret != 0 || j->snapshot_text == NULL)
		return ret;
	j->snapshot_size = (off_t)j->snapshot_len;
	if (j->snapshot_len == 0 || j->snapshot_text[j->snapshot_len - 1] != '\n')
		return sl_journal_is_newer(j->snapshot_text)
			       ? sl_journal_check_text(&at, j->snapshot_text, j->snapshot_len,
					 &j->snapshot_seq, e)
			       : sl_journal_broken(&at, e, "the file is incomplete");
	j->snapshot_text[--j->snapshot_len] = '\0';
	ret = sl_journal_check_text(&at, j->snapshot_text, j->snapshot_len, &j->snapshot_seq, e);
	j->seq = j->snapshot_seq;
	j->has_snapshot = ret == 0;
	j->older = ret == 0 && sl_journal_is_older(j->snapshot_text);
	j->numbers.last = ret == 0 ? last_numbered(j->snapshot_text, j->snapshot_len) : 0;
	return ret != 0 ? ret : check_numbers(j, &at, j->numbers.last, e);
}

/* The last good transaction so far: the snapshot's, or that of the lines up to number last. */
static uint64_t known_seq(const struct sl_journal *j, uint64_t last)
{
	return last > j->snapshot_seq ? last : j->snapshot_seq;
}

/*
 * Is the text from at on missing, up to stop or up to the head of another line? A line whose own
 * end is missing contains the head of the next one: two lines can share a piece, and the disk may
 * have the second line's part of it and not the first one's.
 */
static bool is_missing(const char *text, size_t at, size_t stop)
{
	size_t begin = at;

	while (at < stop && text[at] == '\0')
		at++;
	return at == stop || (at > begin && version_of(text + at) > 0);
}

bool sl_journal_is_incomplete(const char *text, size_t off, size_t len, bool has_end)
{
	size_t at = off, end = off + len;

	while (has_end && at < end) {
		size_t next = (at / SL_JOURNAL_PIECE + 1) * SL_JOURNAL_PIECE;
		size_t stop = next < end ? next : end;

		if (is_missing(text, at, stop))
			return true;
		at = stop;
	}
	return !has_end;
}

/*
 * A broken line follows number last. Does this line after it prove that the broken line was on disk
 * and is not in the snapshot?
 */
static bool proves_durable(const struct sl_journal *j, const char *line, size_t len, uint64_t last)
{
	uint64_t synced, seq;

	return sl_journal_crc_right(line, len) &&
	       (!synced_of(line, &synced) || synced > known_seq(j, last) ||
		       !sl_journal_seq_of(line, &seq) || seq <= last + 1);
}

/*
 * The lines after the line of len bytes at off, and a line that it runs into. Replaces newlines by
 * NUL.
 */
static bool was_durable(const struct sl_journal *j, size_t off, size_t len, uint64_t last)
{
	char *line, *end = j->log_text + off + len;

	for (line = end; line > j->log_text + off; line--)
		if (version_of(line) > 0 && proves_durable(j, line, (size_t)(end - line), last))
			return true;
	for (off += len + 1; off < j->log_len; off += (size_t)(end - line) + 1) {
		line = j->log_text + off;
		end = memchr(line, '\n', j->log_len - off);
		if (end == NULL)
			return false;
		*end = '\0';
		if (proves_durable(j, line, (size_t)(end - line), last))
			return true;
	}
	return false;
}

static int cut_log(
	struct sl_journal *j, const struct sl_journal_place *at, size_t len, struct sl_err *e)
{
	if (!j->only_looks && (ftruncate(j->log_fd, (off_t)len) != 0 || fsync(j->log_fd) != 0))
		return sl_journal_broken(at, e, strerror(errno));
	j->log_size = (off_t)len;
	j->log_len = len;
	j->log_text[len] = '\0';
	return 0;
}

/* Cut the log off behind its last good line. what: why the next one is not good. */
static int drop_tail(struct sl_journal *j, const struct sl_journal_place *at, size_t good,
	const char *what, struct sl_err *e)
{
	sl_journal_notice(j,
		"%s/%s line %zu %s, as after a crash, and %s dropped with what follows (%zu bytes)",
		j->dir, at->file, at->line, what, j->only_looks ? "will be" : "was",
		j->log_len - good);
	return cut_log(j, at, good, e);
}

/*
 * Numbers rise by one from line to line, and the first line continues from the snapshot. Only lines
 * that the snapshot has may be missing: earlier versions appended lines after the rest that a crash
 * had left of lines being folded.
 */
static int check_seq(const struct sl_journal *j, const struct sl_journal_place *at, uint64_t seq,
	uint64_t last, struct sl_err *e)
{
	char what[128];

	if (seq > last && seq <= known_seq(j, last) + 1)
		return 0;
	snprintf(what, sizeof(what), "transaction %" PRIu64 " follows %" PRIu64 ": %s", seq,
		last == 0 ? j->snapshot_seq : last,
		seq > last ? "some are missing" : "they are out of order");
	return sl_journal_broken(at, e, what);
}

/* The hint how to continue without a damaged line: with the state from before the line. */
static void hint_cut(const struct sl_journal_place *at, struct sl_err *e)
{
	sl_err_hint(e,
		"restore the state directory from a backup; or give up this change and all behind "
		"it: sed -i '%zu,$d' '%s/%s'",
		at->line, at->j->dir, at->file);
}

static int log_is_loaded(
	struct sl_journal *j, struct sl_journal_place *at, uint64_t last, struct sl_err *e)
{
	int ret = 0;

	j->seq = known_seq(j, last);
	j->log_size = (off_t)j->log_len;
	j->synced = j->seq;
	at->line = 0;
	/* A crash came before the last step of a compaction. */
	if (j->log_len > 0 && last <= j->snapshot_seq)
		ret = cut_log(j, at, 0, e);
	/* The loaded state is in force, so it must be on disk. */
	if (ret == 0 && !j->only_looks && fdatasync(j->log_fd) != 0)
		ret = sl_journal_broken(at, e, strerror(errno));
	return ret;
}

/* The transaction of the line gave numbers. */
static bool is_numbered(const char *line)
{
	int at = 0;

	return sscanf(line, SL_JOURNAL_HEAD "%*u,\"synced\":%*u%n", &at) == 0 && at > 0 &&
	       strncmp(line + at, ",\"numbered\":true", 16) == 0;
}

/* Checks each line, and replaces its newline by NUL. */
static int load_log(struct sl_journal *j, struct sl_err *e)
{
	struct sl_journal_place at = {j, SL_JOURNAL_LOG, 0};
	uint64_t seq, last = 0;
	int ret = sl_journal_read_file(&at, &j->log_text, &j->log_len, e);

	for (size_t off = 0; ret == 0 && off < j->log_len;) {
		char *line = j->log_text + off;
		char *nl = memchr(line, '\n', j->log_len - off);
		size_t len = nl != NULL ? (size_t)(nl - line) : j->log_len - off;
		bool numbered;

		at.line++;
		line[len] = '\0';
		if (!sl_journal_is_newer(line) &&
			(nl == NULL || !sl_journal_crc_right(line, len)) &&
			sl_journal_is_incomplete(j->log_text, off, len, nl != NULL) &&
			!was_durable(j, off, len, last)) {
			ret = drop_tail(j, &at, off, "is incomplete", e);
			break;
		}
		ret = sl_journal_check_text(&at, line, len, &seq, e);
		if (ret != 0 && !sl_journal_is_newer(line))
			hint_cut(&at, e);
		if (ret == 0)
			ret = check_seq(j, &at, seq, last, e);
		numbered = ret == 0 && seq > j->snapshot_seq && is_numbered(line);
		if (numbered && !sl_numbers_has(j, seq) && !was_durable(j, off, len, last)) {
			ret = drop_tail(j, &at, off, "has no numbers in " SL_JOURNAL_NUMBERS, e);
			break;
		}
		if (numbered) {
			ret = check_numbers(j, &at, seq, e);
			j->numbers.last = seq;
		}
		j->older = ret == 0 && sl_journal_is_older(line);
		last = seq;
		off += len + 1;
	}
	return ret != 0 ? ret : log_is_loaded(j, &at, last, e);
}

int sl_journal_load(struct sl_journal *j, struct sl_err *e)
{
	int ret = sl_numbers_load(j, e);

	if (ret == 0)
		ret = load_snapshot(j, e);
	if (ret == 0)
		ret = load_log(j, e);
	return ret != 0 ? ret : sl_numbers_open(j, e);
}
