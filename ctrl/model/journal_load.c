/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the state directory: nothing is believed before its checksum, version and number are
 * right. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_impl.h"
#include "ctrl/shape/json.h"
#include "store_impl.h"

/* Where in which file something was found. line 0: the file as a whole. */
struct place {
	const struct sl_journal *j;
	const char *file;
	size_t line;
};

static int broken(const struct place *at, struct sl_err *e, const char *what)
{
	char line[32] = "";

	if (at->line > 0)
		snprintf(line, sizeof(line), " line %zu", at->line);
	sl_err_set(e, SL_ERR_STATE, "", "%s/%s%s: %s", at->j->dir, at->file, line, what);
	sl_err_hint(e,
		"restore the state directory from a backup, or move it away to start from the "
		"configuration file");
	return -EIO;
}

/* *text is malloc'ed and NUL-terminated; NULL when there is no such file. */
static int read_file(const struct place *at, char **text, size_t *len, struct sl_err *e)
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
	broken(at, e, strerror(errno));
	close(fd);
	return -EIO;
}

static const char nothing[SL_JOURNAL_PIECE];

static bool newer(const char *s)
{
	static const char head[] = "{\"version\":";

	return strncmp(s, head, sizeof(head) - 1) == 0 &&
	       strtoul(s + sizeof(head) - 1, NULL, 10) > SL_JOURNAL_VERSION;
}

static bool crc_right(const char *s, size_t len)
{
	char tail[SL_JOURNAL_TAIL_LEN + 1];

	if (len <= SL_JOURNAL_TAIL_LEN)
		return false;
	len -= SL_JOURNAL_TAIL_LEN;
	snprintf(tail, sizeof(tail), ",\"crc\":\"%08x\"}", sl_crc32(0, s, len));
	return memcmp(s + len, tail, SL_JOURNAL_TAIL_LEN) == 0;
}

/* The number behind the head that text_begin writes; false: it is not there. 0 is a number: that of
 * a snapshot before the first transaction. */
static bool seq_of(const char *s, uint64_t *seq)
{
	return sscanf(s, "{\"version\":1,\"seq\":%" SCNu64, seq) == 1;
}

/* What text_synced writes behind that; false: a line of an earlier version. */
static bool synced_of(const char *s, uint64_t *synced)
{
	return sscanf(s, "{\"version\":1,\"seq\":%*u,\"synced\":%" SCNu64, synced) == 1;
}

static int check_text(
	const struct place *at, const char *s, size_t len, uint64_t *seq, struct sl_err *e)
{
	char what[96];

	if (newer(s)) {
		snprintf(what, sizeof(what),
			"written by a newer version of sluice; this one reads format %d",
			SL_JOURNAL_VERSION);
		broken(at, e, what);
		sl_err_hint(e, "run the newer version, or move the directory away");
		return -EIO;
	}
	if (!crc_right(s, len))
		return broken(at, e, "the checksum does not fit the text");
	return seq_of(s, seq) ? 0
			      : broken(at, e, "no version and sequence number at its beginning");
}

static int load_snapshot(struct sl_journal *j, struct sl_err *e)
{
	struct place at = {j, SL_JOURNAL_SNAPSHOT, 0};
	int ret = read_file(&at, &j->snapshot_text, &j->snapshot_len, e);

	if (ret != 0 || j->snapshot_text == NULL)
		return ret;
	j->snapshot_size = (off_t)j->snapshot_len;
	if (j->snapshot_len == 0 || j->snapshot_text[j->snapshot_len - 1] != '\n')
		return newer(j->snapshot_text) ? check_text(&at, j->snapshot_text, j->snapshot_len,
							 &j->snapshot_seq, e)
					       : broken(&at, e, "the file is incomplete");
	j->snapshot_text[--j->snapshot_len] = '\0';
	ret = check_text(&at, j->snapshot_text, j->snapshot_len, &j->snapshot_seq, e);
	j->seq = j->snapshot_seq;
	j->has_snapshot = ret == 0;
	return ret;
}

/* The last transaction that is good so far: of the snapshot, or of the lines up to number last. */
static uint64_t known_seq(const struct sl_journal *j, uint64_t last)
{
	return last > j->snapshot_seq ? last : j->snapshot_seq;
}

/*
 * The line that begins at off was being written when a crash came: its end is not there, or a piece
 * of it is missing. What has all its pieces was written as it stands, or is damaged.
 */
static bool is_incomplete(const struct sl_journal *j, size_t off, size_t len, bool has_end)
{
	size_t at = off, end = off + len;

	while (has_end && at < end) {
		size_t next = (at / SL_JOURNAL_PIECE + 1) * SL_JOURNAL_PIECE;
		size_t stop = next < end ? next : end;

		if (memcmp(j->log_text + at, nothing, stop - at) == 0)
			return true;
		at = stop;
	}
	return !has_end;
}

/*
 * Behind a broken line, which follows number last: does a good one prove that it was on disk once
 * and is not in the snapshot, or prove nothing? Replaces newlines by NUL.
 */
static bool was_durable(const struct sl_journal *j, size_t off, uint64_t last)
{
	while (off < j->log_len) {
		char *line = j->log_text + off, *nl = memchr(line, '\n', j->log_len - off);
		uint64_t synced, seq;

		if (nl == NULL)
			return false;
		*nl = '\0';
		if (crc_right(line, (size_t)(nl - line)) &&
			(!synced_of(line, &synced) || synced > known_seq(j, last) ||
				!seq_of(line, &seq) || seq <= last + 1))
			return true;
		off += (size_t)(nl - line) + 1;
	}
	return false;
}

static int cut_log(struct sl_journal *j, const struct place *at, size_t len, struct sl_err *e)
{
	if (!j->only_looks && (ftruncate(j->log_fd, (off_t)len) != 0 || fsync(j->log_fd) != 0))
		return broken(at, e, strerror(errno));
	j->log_size = (off_t)len;
	j->log_len = len;
	j->log_text[len] = '\0';
	return 0;
}

/* Cut the log off behind its last whole line. */
static int drop_tail(struct sl_journal *j, const struct place *at, size_t good, struct sl_err *e)
{
	sl_journal_notice(j,
		"%s/%s line %zu is incomplete, as after a crash, and %s dropped with what follows "
		"(%zu bytes)",
		j->dir, at->file, at->line, j->only_looks ? "will be" : "was", j->log_len - good);
	return cut_log(j, at, good, e);
}

/*
 * Numbers rise by one from line to line, and the first goes on from the snapshot. Only what the
 * snapshot has may be missing: earlier versions went on behind what a crash had left of lines that
 * were being folded into it.
 */
static int check_seq(const struct sl_journal *j, const struct place *at, uint64_t seq,
	uint64_t last, struct sl_err *e)
{
	char what[128];

	if (seq > last && seq <= known_seq(j, last) + 1)
		return 0;
	snprintf(what, sizeof(what), "transaction %" PRIu64 " follows %" PRIu64 ": %s", seq,
		last == 0 ? j->snapshot_seq : last,
		seq > last ? "some are missing" : "they are out of order");
	return broken(at, e, what);
}

/* How to go on without a damaged line: the state is then as before it. */
static void hint_cut(const struct place *at, struct sl_err *e)
{
	sl_err_hint(e,
		"restore the state directory from a backup; or give up this change and all behind "
		"it: sed -i '%zu,$d' '%s/%s'",
		at->line, at->j->dir, at->file);
}

/* Check each line, replacing its newline by NUL. */
static int load_log(struct sl_journal *j, struct sl_err *e)
{
	struct place at = {j, SL_JOURNAL_LOG, 0};
	uint64_t seq, last = 0;
	int ret = read_file(&at, &j->log_text, &j->log_len, e);

	for (size_t off = 0; ret == 0 && off < j->log_len;) {
		char *line = j->log_text + off;
		char *nl = memchr(line, '\n', j->log_len - off);
		size_t len = nl != NULL ? (size_t)(nl - line) : j->log_len - off;

		at.line++;
		line[len] = '\0';
		if (!newer(line) && (nl == NULL || !crc_right(line, len)) &&
			is_incomplete(j, off, len, nl != NULL) &&
			!was_durable(j, off + len + 1, last)) {
			ret = drop_tail(j, &at, off, e);
			break;
		}
		ret = check_text(&at, line, len, &seq, e);
		if (ret != 0 && !newer(line))
			hint_cut(&at, e);
		if (ret == 0)
			ret = check_seq(j, &at, seq, last, e);
		last = seq;
		off += len + 1;
	}
	j->seq = known_seq(j, last);
	j->log_size = (off_t)j->log_len;
	at.line = 0;
	/* The last step of a compaction was not made. */
	if (ret == 0 && j->log_len > 0 && last <= j->snapshot_seq)
		ret = cut_log(j, &at, 0, e);
	/* What is loaded is in force, so it must be on disk. */
	if (ret == 0 && !j->only_looks && fdatasync(j->log_fd) != 0)
		ret = broken(&at, e, strerror(errno));
	j->synced = j->seq;
	return ret;
}

int sl_journal_load(struct sl_journal *j, struct sl_err *e)
{
	int ret = load_snapshot(j, e);

	return ret != 0 ? ret : load_log(j, e);
}

static int replay_put(struct sl_txn *t, const struct sl_collection *coll, const cJSON *json,
	bool allocated, struct sl_err *e)
{
	void *obj = calloc(1, coll->shape->size);
	int ret;

	if (obj == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	ret = sl_shape_decode_stored(coll->shape, json, obj, e);
	if (ret == 0) {
		((struct sl_object *)obj)->derived = allocated;
		if (coll->from_stored != NULL)
			coll->from_stored(obj);
		ret = sl_txn_step(t, SL_TXN_PUT, coll->id, obj, e);
		sl_shape_fini(coll->shape, obj);
	}
	free(obj);
	return ret;
}

static int replay_change(struct sl_txn *t, const cJSON *change, struct sl_err *e)
{
	const cJSON *put = sl_json_get(change, "put"), *del = sl_json_get(change, "del");
	const cJSON *what = put != NULL ? put : del;
	const struct sl_collection *coll =
		sl_collection_named(cJSON_GetStringValue(sl_json_get(what, "collection")));
	const cJSON *key = sl_json_get(del, "key");

	if (coll == NULL)
		return sl_err_set(e, SL_ERR_STATE, "", "a change of no known collection");
	if (put != NULL)
		return replay_put(t, coll, sl_json_get(put, "object"),
			cJSON_IsTrue(sl_json_get(put, "allocated")), e);
	if (!cJSON_IsString(key))
		return sl_err_set(e, SL_ERR_STATE, "", "a deletion without a key");
	return sl_txn_del(t, coll->id, key->valuestring, e);
}

/* Say where the error of a replayed object came from. */
static int located(const struct place *at, struct sl_err *e, int ret)
{
	struct sl_err inner;
	char what[820];

	if (ret == 0 || e == NULL)
		return ret;
	inner = *e;
	snprintf(what, sizeof(what), "%.200s%s%.600s", inner.path,
		inner.path[0] != '\0' ? ": " : "", inner.message);
	return broken(at, e, what);
}

static int replay_line(
	struct sl_txn *t, const struct place *at, const char *line, size_t len, struct sl_err *e)
{
	struct sl_arena arena = {0};
	size_t pos = 0;
	const cJSON *json = sl_json_scan(&arena, line, len, &pos, e), *change;
	int ret = json != NULL ? 0 : -EINVAL;

	cJSON_ArrayForEach (change, sl_json_get(json, "changes"))
		if (ret == 0)
			ret = replay_change(t, change, e);
	sl_arena_fini(&arena);
	return located(at, e, ret);
}

/* One bit for each number of the list. */
struct numbers {
	uint64_t bits[65536 / 64];
};

static void read_numbers(struct numbers *n, const cJSON *list)
{
	const cJSON *v;
	uint64_t id;

	cJSON_ArrayForEach (v, list)
		if (sl_json_uint(v, &id) && id < 65536)
			n->bits[id / 64] |= UINT64_C(1) << id % 64;
}

static bool number_listed(const struct numbers *n, const cJSON *identity)
{
	uint64_t id;

	return sl_json_uint(sl_json_get(identity, "id"), &id) && id < 65536 &&
	       (n->bits[id / 64] >> id % 64 & 1) != 0;
}

/* Our own text, read value by value: as a whole it would be a tree of gigabytes. */
struct reader {
	struct sl_txn *t;
	const char *text;
	size_t pos, len;
	struct sl_arena arena;
	struct numbers allocated;
	struct sl_err *e;
};

/* Past s, if that is what comes next. */
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
				: replay_put(r->t, coll, v,
					  coll->labels_role == SL_LABELS_DECLARED &&
						  number_listed(&r->allocated, v),
					  r->e);
	}
	return ret;
}

/* Stands behind all objects, and is needed before. In a string its quotes would be escaped. */
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

static int replay_snapshot(struct sl_txn *t, struct sl_journal *j, struct sl_err *e)
{
	struct place at = {j, SL_JOURNAL_SNAPSHOT, 0};
	struct reader r = {.t = t, .text = j->snapshot_text, .len = j->snapshot_len, .e = e};
	int ret = read_allocated(&r);

	if (ret == 0)
		ret = replay_config(&r);
	sl_arena_fini(&r.arena);
	return located(&at, e, ret);
}

static int replay_log(struct sl_txn *t, struct sl_journal *j, struct sl_err *e)
{
	struct place at = {j, SL_JOURNAL_LOG, 0};
	int ret = 0;

	for (size_t off = 0, len; ret == 0 && off < j->log_len; off += len + 1) {
		const char *line = j->log_text + off;
		uint64_t seq;

		at.line++;
		len = strlen(line);
		if (seq_of(line, &seq) && seq > j->snapshot_seq)
			ret = replay_line(t, &at, line, len, e);
	}
	return ret;
}

/* What only the whole shows: which of its objects disagree. Either file may have them. */
static int check_whole(struct sl_txn *t, const struct sl_journal *j, struct sl_err *e)
{
	struct place at = {j, j->has_snapshot ? SL_JOURNAL_SNAPSHOT : SL_JOURNAL_LOG, 0};

	if (j->has_snapshot && j->log_len > 0)
		at.file = SL_JOURNAL_SNAPSHOT " with " SL_JOURNAL_LOG;
	return located(&at, e, sl_txn_check(t, e));
}

int sl_journal_replay(struct sl_journal *j, struct sl_store *s, struct sl_err *e)
{
	struct sl_txn *t = sl_txn_begin_replay(s);
	int ret = 0;

	if (t == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	if (j->snapshot_text != NULL)
		ret = replay_snapshot(t, j, e);
	free(j->snapshot_text); /* objects have what they need of it */
	j->snapshot_text = NULL;
	if (ret == 0)
		ret = replay_log(t, j, e);
	if (ret == 0)
		ret = check_whole(t, j, e);
	if (ret == 0)
		ret = sl_txn_commit(t, e);
	else
		sl_txn_abort(t);
	free(j->snapshot_text);
	free(j->log_text);
	j->snapshot_text = j->log_text = NULL;
	j->log_len = 0;
	return ret;
}
