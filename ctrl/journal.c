/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing the state directory: each step leaves something that journal_load.c reads as a whole
 * state. */
#include <endian.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "journal_impl.h"
#include "json.h"

/* Text on its way to a file; with fd >= 0 it is written out whenever there is enough of it. */
struct text {
	char *p;
	size_t n, size;
	int fd;
	off_t written;
	uint32_t crc;
	size_t n_crc; /* of p's bytes, how many crc has seen */
	int error;    /* errno of the first failure; nothing more is done then */
};

#define TEXT_CHUNK 65536

/* table[k][b]: what byte b does to the sum, k bytes before the end of eight. */
static void make_table(uint32_t table[8][256])
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = v >> 1 ^ (v & 1 ? 0xedb88320u : 0);
		table[0][i] = v;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t sl_crc32(uint32_t crc, const void *data, size_t len)
{
	static uint32_t table[8][256];
	const uint8_t *p = data;
	uint64_t w;

	if (table[0][255] == 0)
		make_table(table);
	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, sizeof(w));
		w = le64toh(w) ^ crc;
		crc = table[7][w & 0xff] ^ table[6][w >> 8 & 0xff] ^ table[5][w >> 16 & 0xff] ^
		      table[4][w >> 24 & 0xff] ^ table[3][w >> 32 & 0xff] ^
		      table[2][w >> 40 & 0xff] ^ table[1][w >> 48 & 0xff] ^ table[0][w >> 56];
	}
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[0][(crc ^ p[i]) & 0xff];
	return ~crc;
}

void sl_journal_notice(const struct sl_journal *j, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (j->notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	j->notice(text);
}

static int write_all(int fd, const char *p, size_t n, off_t at)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done == 0 ? ENOSPC : errno;
		p += done;
		n -= (size_t)done;
		at += done;
	}
	return 0;
}

static void text_crc(struct text *t)
{
	t->crc = sl_crc32(t->crc, t->p + t->n_crc, t->n - t->n_crc);
	t->n_crc = t->n;
}

static void text_flush(struct text *t)
{
	text_crc(t);
	if (t->error == 0)
		t->error = write_all(t->fd, t->p, t->n, t->written);
	t->written += (off_t)t->n;
	t->n = t->n_crc = 0;
}

static void text_add_len(struct text *t, const char *s, size_t len)
{
	if (t->error != 0)
		return;
	if (t->n + len > t->size) {
		size_t size = (t->n + len) * 2 + 256;
		char *p = realloc(t->p, size);

		if (p == NULL) {
			t->error = ENOMEM;
			return;
		}
		t->p = p;
		t->size = size;
	}
	memcpy(t->p + t->n, s, len);
	t->n += len;
	if (t->fd >= 0 && t->n >= TEXT_CHUNK)
		text_flush(t);
}

static void text_add(struct text *t, const char *s)
{
	text_add_len(t, s, strlen(s));
}

static void text_json(struct text *t, const cJSON *json)
{
	char *s = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

	if (s == NULL && t->error == 0)
		t->error = ENOMEM;
	if (s != NULL)
		text_add(t, s);
	cJSON_free(s);
}

static void text_put(void *ctx, const char *s, size_t len)
{
	text_add_len(ctx, s, len);
}

/* The object as a caller would write it, without what only answers have. */
static void text_object(struct text *t, enum sl_collection_id c, const struct sl_object *o)
{
	const struct sl_text_out out = {.ctx = t, .put = text_put};
	struct sl_identity_obj declared;
	struct sl_policy_obj older;
	const void *obj = o;

	if (c == SL_COLL_IDENTITIES) { /* whether it was allocated stands elsewhere */
		declared = *(const struct sl_identity_obj *)o;
		declared.allocated = false;
		obj = &declared;
	}
	if (c == SL_COLL_POLICIES && ((const struct sl_policy_obj *)o)->network_assumed) {
		older = *(const struct sl_policy_obj *)o; /* as it was found: without a network */
		older.networks = (struct sl_names){.all = false};
		obj = &older;
	}
	if (!sl_shape_write(sl_collections[c].shape, obj, &out) && t->error == 0)
		t->error = ENOMEM;
}

static void text_key(struct text *t, const char *key)
{
	cJSON *json = cJSON_CreateString(key);

	text_json(t, json);
	cJSON_Delete(json);
}

static void text_begin(struct text *t, uint64_t seq)
{
	char head[64];

	snprintf(head, sizeof(head), "{\"version\":%d,\"seq\":%" PRIu64, SL_JOURNAL_VERSION, seq);
	text_add(t, head);
}

static void text_synced(struct text *t, uint64_t seq)
{
	char member[40];

	snprintf(member, sizeof(member), ",\"synced\":%" PRIu64, seq);
	text_add(t, member);
}

static void text_end(struct text *t)
{
	char tail[32];

	text_crc(t);
	snprintf(tail, sizeof(tail), ",\"crc\":\"%08x\"}\n", t->crc);
	text_add(t, tail);
}

static bool is_allocated(enum sl_collection_id c, const struct sl_object *o)
{
	return c == SL_COLL_IDENTITIES && ((const struct sl_identity_obj *)o)->allocated;
}

static void text_change(struct text *t, const struct sl_change *ch)
{
	const char *coll = sl_collections[ch->coll].name;

	text_add(t, ch->new_obj != NULL ? "{\"put\":{\"collection\":\""
					: "{\"del\":{\"collection\":\"");
	text_add(t, coll);
	if (ch->new_obj != NULL) {
		text_add(t, "\",\"object\":");
		text_object(t, ch->coll, ch->new_obj);
		if (is_allocated(ch->coll, ch->new_obj))
			text_add(t, ",\"allocated\":true");
	} else {
		text_add(t, "\",\"key\":");
		text_key(t, ch->old_obj->key);
	}
	text_add(t, "}}");
}

static int state_error(const struct sl_journal *j, const char *file, int error, struct sl_err *e)
{
	sl_err_set(e, SL_ERR_STATE, "", "cannot write %s/%s: %s", j->dir, file, strerror(error));
	sl_err_hint(
		e, "nothing was changed; make the state directory writable and free space in it");
	return -EIO;
}

/* All lines are on disk. */
static void set_synced(struct sl_journal *j)
{
	j->unsynced = false;
	j->synced = j->seq;
}

/* What was begun must not stand in front of the next line. */
static void take_back(struct sl_journal *j)
{
	if (ftruncate(j->log_fd, j->log_size) == 0 && fsync(j->log_fd) == 0) {
		set_synced(j);
		return;
	}
	/* The error may be that of lines before: the kernel tells of it once. */
	j->broken = true;
	sl_journal_notice(j,
		"%s/%s: cannot cut off an incomplete line: %s; changes are refused until a "
		"snapshot can be written",
		j->dir, SL_JOURNAL_LOG, strerror(errno));
}

int sl_journal_append(
	struct sl_journal *j, const struct sl_change *changes, size_t n, struct sl_err *e)
{
	struct text t = {.fd = -1};

	if (j->broken)
		return state_error(j, SL_JOURNAL_LOG, EIO, e);
	text_begin(&t, j->seq + 1);
	text_synced(&t, j->synced);
	text_add(&t, ",\"changes\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			text_add(&t, ",");
		text_change(&t, &changes[i]);
	}
	text_add(&t, "]");
	text_end(&t);
	if (t.error == 0)
		t.error = write_all(j->log_fd, t.p, t.n, j->log_size);
	if (t.error == 0 && !j->deferred && fdatasync(j->log_fd) != 0)
		t.error = errno;
	free(t.p);
	if (t.error != 0) {
		take_back(j);
		return state_error(j, SL_JOURNAL_LOG, t.error, e);
	}
	j->log_size += (off_t)t.n;
	j->seq++;
	if (j->deferred)
		j->unsynced = true;
	else
		set_synced(j);
	return 0;
}

void sl_journal_set_deferred(struct sl_journal *j, bool deferred)
{
	j->deferred = deferred;
}

int sl_journal_sync(struct sl_journal *j, const struct sl_store *s, struct sl_err *e)
{
	if (!j->unsynced)
		return 0;
	if (!j->broken && fdatasync(j->log_fd) == 0) {
		set_synced(j);
		return 0;
	}
	/* What of the log is on disk is not known any more: a second try would prove nothing. */
	if (!j->broken)
		sl_journal_notice(j, "%s/%s: %s; writing a snapshot instead", j->dir,
			SL_JOURNAL_LOG, strerror(errno));
	j->broken = true;
	return sl_journal_compact(j, s, e);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void sl_journal_mend(struct sl_journal *j, const struct sl_store *s)
{
	uint64_t begin;

	if (!j->broken)
		return;
	begin = now_ns();
	if (begin < j->mend_ns)
		return;
	if (sl_journal_compact(j, s, NULL) == 0) {
		sl_journal_notice(
			j, "%s: a snapshot could be written; changes are accepted again", j->dir);
		return;
	}
	/* A large state takes seconds to fail: a tenth of the time at most. */
	j->mend_ns = now_ns() + 9 * (now_ns() - begin);
}

struct listing {
	struct text *t;
	enum sl_collection_id coll;
	bool any;
};

static bool list_object(const struct sl_object *o, void *ctx)
{
	struct listing *l = ctx;

	text_add(l->t, l->any ? "," : "");
	text_object(l->t, l->coll, o);
	l->any = true;
	return l->t->error == 0;
}

static bool list_allocated(const struct sl_object *o, void *ctx)
{
	struct listing *l = ctx;

	if (!is_allocated(SL_COLL_IDENTITIES, o))
		return true;
	text_add(l->t, l->any ? "," : "");
	text_add(l->t, o->key); /* a number */
	l->any = true;
	return true;
}

static void text_store(struct text *t, const struct sl_store *s)
{
	struct listing l = {.t = t};

	text_add(t, ",\"config\":{");
	for (unsigned int c = 0; c < SL_COLL_COUNT; c++) {
		l = (struct listing){.t = t, .coll = c};
		text_add(t, c == 0 ? "\"" : ",\"");
		text_add(t, sl_collections[c].name);
		text_add(t, "\":[");
		sl_store_walk(s, c, list_object, &l);
		text_add(t, "]");
	}
	text_add(t, "},\"allocated\":[");
	l = (struct listing){.t = t};
	sl_store_walk(s, SL_COLL_IDENTITIES, list_allocated, &l);
	text_add(t, "]");
}

static int write_snapshot(
	struct sl_journal *j, const struct sl_store *s, off_t *size, struct sl_err *e)
{
	struct text t = {.fd = sl_journal_create_file(j, SL_JOURNAL_SNAPSHOT_NEW)};

	if (t.fd < 0)
		return state_error(j, SL_JOURNAL_SNAPSHOT_NEW, errno, e);
	text_begin(&t, j->seq);
	text_store(&t, s);
	text_end(&t);
	text_flush(&t);
	if (t.error == 0 && fsync(t.fd) != 0)
		t.error = errno;
	close(t.fd);
	free(t.p);
	*size = t.written;
	if (t.error == 0)
		return 0;
	unlinkat(j->dir_fd, SL_JOURNAL_SNAPSHOT_NEW, 0);
	return state_error(j, SL_JOURNAL_SNAPSHOT_NEW, t.error, e);
}

int sl_journal_compact(struct sl_journal *j, const struct sl_store *s, struct sl_err *e)
{
	off_t size;

	if (write_snapshot(j, s, &size, e) != 0)
		return -EIO;
	if (renameat(j->dir_fd, SL_JOURNAL_SNAPSHOT_NEW, j->dir_fd, SL_JOURNAL_SNAPSHOT) != 0)
		return state_error(j, SL_JOURNAL_SNAPSHOT, errno, e);
	/* The log may go only once the directory's new entry is on disk. */
	if (fsync(j->dir_fd) != 0)
		return state_error(j, SL_JOURNAL_SNAPSHOT, errno, e);
	j->snapshot_size = size;
	j->snapshot_seq = j->seq;
	j->has_snapshot = true;
	set_synced(j);
	/* Lines that never came to the disk may still stand there: none may follow them. */
	j->broken = ftruncate(j->log_fd, 0) != 0 || fsync(j->log_fd) != 0;
	if (j->broken)
		return state_error(j, SL_JOURNAL_LOG, errno, e);
	j->log_size = 0;
	j->retry_at = 0;
	return 0;
}

void sl_journal_tend(struct sl_journal *j, const struct sl_store *s)
{
	struct sl_err e = {0};

	if (j->log_size <= (off_t)j->log_max || j->log_size <= j->snapshot_size ||
		j->log_size < j->retry_at)
		return;
	if (sl_journal_compact(j, s, &e) == 0)
		return;
	j->retry_at = j->log_size * 2;
	sl_journal_notice(j, "%s; the journal goes on growing", e.message);
}

void sl_journal_set_log_max(struct sl_journal *j, size_t bytes)
{
	j->log_max = bytes;
}

bool sl_journal_empty(const struct sl_journal *j)
{
	return j->seq == 0 && !j->has_snapshot;
}

static struct sl_journal *open_or_look(const char *dir, bool only_looks,
	void (*notice)(const char *text), int *ret, struct sl_err *e)
{
	struct sl_journal *j = calloc(1, sizeof(*j));

	*ret = -ENOMEM;
	if (j == NULL)
		goto no_memory;
	j->only_looks = only_looks;
	j->dir_fd = j->log_fd = -1;
	j->notice = notice;
	j->log_max = SL_JOURNAL_LOG_MAX;
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

void sl_journal_close(struct sl_journal *j)
{
	if (j == NULL)
		return;
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
