/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the numbers file, and appends to it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctrl/shape/grow.h"
#include "ctrl/shape/fields.h"
#include "ctrl/shape/json.h"
#include "journal_numbers.h"
#include "store_impl.h"

struct number_entry {
	uint32_t number;
	struct sl_labels labels;
};

static const struct sl_field entry_fields[] = {
	SL_FIELD(number_entry, number, SL_F_UINT, .flags = SL_FIELD_REQUIRED, .min = 1),
	SL_FIELD(number_entry, labels, SL_F_LABELS, .flags = SL_FIELD_REQUIRED),
};
static const struct sl_shape entry_shape =
	SL_SHAPE("number", number_entry, entry_fields, "Labels and their number.");

/* Reading. */

const char *sl_numbers_lacks(uint64_t seq, char what[SL_NUMBERS_WHAT_LEN])
{
	snprintf(what, SL_NUMBERS_WHAT_LEN,
		SL_JOURNAL_NUMBERS " lacks the numbers that transaction %" PRIu64 " gave", seq);
	return what;
}

static bool is_whole(const char *line)
{
	int at = 0;

	return sscanf(line, SL_JOURNAL_HEAD "%*u%n", &at) == 0 && at > 0 &&
	       strncmp(line + at, ",\"whole\":true", 13) == 0;
}

/* Each line has a number in seqs, in order, except lines of a rewritten file. */
static int note_line(struct sl_journal_numbers *n, const char *line, uint64_t seq)
{
	uint64_t *more;

	if (is_whole(line) && seq > n->whole)
		n->whole = seq;
	if (n->n_seqs > 0 && n->seqs[n->n_seqs - 1] == seq)
		return 0;
	more = sl_grow(n->seqs, n->n_seqs + 1, &n->max_seqs, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	n->seqs = more;
	n->seqs[n->n_seqs++] = seq;
	return 0;
}

static int compare_seqs(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool sl_numbers_has(const struct sl_journal *j, uint64_t seq)
{
	const struct sl_journal_numbers *n = &j->numbers;

	return seq <= n->whole || (n->n_seqs > 0 && bsearch(&seq, n->seqs, n->n_seqs, sizeof(seq),
							    compare_seqs) != NULL);
}

/*
 * Drops lines that waited for the disk when a crash came. The journal knows whether a client got an
 * answer about any of them.
 */
static void drop_tail(struct sl_journal *j, const struct sl_journal_place *at, size_t good)
{
	sl_journal_notice(j,
		"%s/%s line %zu is incomplete, as after a crash, and %s dropped with what follows "
		"(%zu bytes)",
		j->dir, at->file, at->line, j->only_looks ? "will be" : "was",
		j->numbers.len - good);
	j->numbers.len = good;
	j->numbers.text[good] = '\0';
	j->numbers.stale = true;
}

int sl_numbers_load(struct sl_journal *j, struct sl_err *e)
{
	struct sl_journal_numbers *n = &j->numbers;
	struct sl_journal_place at = {j, SL_JOURNAL_NUMBERS, 0};
	int ret = sl_journal_read_file(&at, &n->text, &n->len, e);

	n->exists = n->text != NULL;
	for (size_t off = 0, len; ret == 0 && off < n->len; off += len + 1) {
		char *line = n->text + off, *nl = memchr(line, '\n', n->len - off);
		uint64_t seq;

		len = nl != NULL ? (size_t)(nl - line) : n->len - off;
		at.line++;
		line[len] = '\0';
		if (!sl_journal_is_newer(line) &&
			(nl == NULL || !sl_journal_crc_right(line, len)) &&
			sl_journal_is_incomplete(n->text, off, len, nl != NULL)) {
			drop_tail(j, &at, off);
			break;
		}
		ret = sl_journal_check_text(&at, line, len, &seq, e);
		if (ret == 0 && note_line(n, line, seq) != 0)
			ret = sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	}
	if (n->n_seqs > 0)
		qsort(n->seqs, n->n_seqs, sizeof(n->seqs[0]), compare_seqs);
	return ret;
}

int sl_numbers_open(struct sl_journal *j, struct sl_err *e)
{
	struct sl_journal_numbers *n = &j->numbers;
	int ret;

	if (j->only_looks || (!n->exists && !sl_journal_is_blank(j)))
		return 0;
	ret = sl_journal_open_file(j, SL_JOURNAL_NUMBERS, O_RDWR | O_CREAT, &n->fd, e);
	if (ret != 0)
		return ret;
	/* The loaded numbers are in force, so they must be on disk, and so must the file's name. */
	if (n->fd < 0 || fsync(n->fd) != 0 || (!n->exists && fsync(j->dir_fd) != 0))
		return sl_journal_error(j, SL_JOURNAL_NUMBERS, errno, e);
	n->exists = true;
	n->size = n->durable = (off_t)n->len;
	return 0;
}

static int read_entry(struct sl_number_map *m, const cJSON *json, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collection_declaring();
	struct number_entry entry = {0};
	int ret = sl_shape_decode(&entry_shape, json, &entry, e);

	if (ret != 0)
		return ret;
	if (coll == NULL || entry.number < coll->number_min || entry.number > coll->number_max)
		ret = sl_err_set(e, SL_ERR_STATE, "", "number %u is none that labels are given",
			entry.number);
	else if (!sl_number_map_bind(m, &entry.labels, entry.number))
		ret = sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	sl_shape_fini(&entry_shape, &entry);
	return ret;
}

static int read_line(struct sl_number_map *m, const char *line, size_t len, struct sl_err *e)
{
	struct sl_arena arena = {0};
	size_t pos = 0;
	const cJSON *json = sl_json_scan(&arena, line, len, &pos, e), *entry;
	int ret = json != NULL ? 0 : -EINVAL;
	uint64_t next;

	cJSON_ArrayForEach (entry, sl_json_get(json, "numbers"))
		if (ret == 0)
			ret = read_entry(m, entry, e);
	if (ret == 0 && sl_json_uint(sl_json_get(json, "next"), &next) && next <= UINT32_MAX)
		sl_number_map_set_next(m, (uint32_t)next);
	sl_arena_fini(&arena);
	return ret;
}

int sl_numbers_read(struct sl_journal *j, struct sl_number_map *m, struct sl_err *e)
{
	struct sl_journal_numbers *n = &j->numbers;
	struct sl_journal_place at = {j, SL_JOURNAL_NUMBERS, 0};
	int ret = 0;

	for (size_t off = 0, len; ret == 0 && off < n->len; off += len + 1) {
		const char *line = n->text + off;
		uint64_t seq;

		at.line++;
		len = strlen(line);
		if (sl_journal_seq_of(line, &seq) && seq <= j->seq)
			ret = sl_journal_located(&at, e, read_line(m, line, len, e));
		else
			n->stale = true; /* such a line would count when its number comes again */
	}
	free(n->text);
	n->text = NULL;
	n->len = 0;
	return ret;
}

/* Writing. */

static void begin_line(struct sl_jtext *t, uint64_t seq, bool whole, uint32_t next)
{
	char head[80];

	t->crc = 0;
	t->n_crc = t->n;
	sl_jtext_begin(t, seq);
	snprintf(head, sizeof(head), "%s,\"next\":%u,\"numbers\":[", whole ? ",\"whole\":true" : "",
		next);
	sl_jtext_add(t, head);
}

static void add_entry(
	struct sl_jtext *t, const struct sl_collection *coll, const struct sl_object *o)
{
	const struct number_entry entry = {.number = sl_number_in(coll, o),
		.labels = *(
			const struct sl_labels *)(const void *)((const char *)o + coll->labels_at)};

	sl_jtext_shape(t, &entry_shape, &entry);
}

static void end_line(struct sl_jtext *t)
{
	sl_jtext_add(t, "]");
	sl_jtext_end(t);
}

static bool gives_number(const struct sl_change *ch)
{
	return ch->new_obj != NULL && ch->new_obj->derived;
}

int sl_numbers_append(struct sl_journal *j, const struct sl_change *changes, size_t n, bool *any,
	struct sl_err *e)
{
	struct sl_journal_numbers *numbers = &j->numbers;
	struct sl_jtext t = {.fd = -1};
	uint32_t next = 0;

	*any = false;
	for (size_t i = 0; i < n; i++)
		if (gives_number(&changes[i]))
			next = sl_number_in(sl_collections[changes[i].coll], changes[i].new_obj) +
			       1;
	if (next == 0)
		return 0;
	*any = true;
	begin_line(&t, j->seq + 1, false, next);
	for (size_t i = 0, k = 0; i < n; i++) {
		if (!gives_number(&changes[i]))
			continue;
		sl_jtext_add(&t, k++ > 0 ? "," : "");
		add_entry(&t, sl_collections[changes[i].coll], changes[i].new_obj);
	}
	end_line(&t);
	if (t.error == 0)
		t.error = sl_journal_write(numbers->fd, t.p, t.n, numbers->size);
	if (t.error == 0) {
		numbers->size += (off_t)t.n;
		numbers->unsynced = true;
		if (!j->deferred)
			t.error = sl_numbers_sync(j);
	}
	free(t.p);
	return t.error == 0 ? 0 : sl_journal_error(j, SL_JOURNAL_NUMBERS, t.error, e);
}

int sl_numbers_sync(struct sl_journal *j)
{
	struct sl_journal_numbers *n = &j->numbers;

	if (!n->unsynced)
		return 0;
	if (fdatasync(n->fd) != 0)
		return errno;
	n->unsynced = false;
	n->durable = n->size;
	return 0;
}

bool sl_numbers_take_back(struct sl_journal *j, off_t size)
{
	struct sl_journal_numbers *n = &j->numbers;

	if (n->fd < 0)
		return true;
	if (ftruncate(n->fd, size) != 0 || fsync(n->fd) != 0)
		return false;
	n->size = n->durable = size;
	n->unsynced = false;
	return true;
}

void sl_numbers_close(struct sl_journal *j)
{
	if (j->numbers.fd >= 0) {
		(void)sl_numbers_sync(j);
		close(j->numbers.fd);
	}
	free(j->numbers.text);
	free(j->numbers.seqs);
}

/* Anew. */

static void flush_some(struct sl_numbers_out *o, size_t least)
{
	struct sl_jtext *t = &o->text;

	if (t->error != 0 || t->n < least || t->n == 0)
		return;
	t->error = sl_journal_write(o->fd, t->p, t->n, o->at);
	o->at += (off_t)t->n;
	t->n = t->n_crc = 0;
}

/* Copies the first bytes of another file; returns errno. */
static int copy(int from, off_t at, off_t end, int to, off_t *to_at)
{
	char piece[16384];

	while (at < end) {
		size_t len = end - at < (off_t)sizeof(piece) ? (size_t)(end - at) : sizeof(piece);
		ssize_t got = pread(from, piece, len, at);
		int error;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? EIO : errno;
		error = sl_journal_write(to, piece, (size_t)got, *to_at);
		if (error != 0)
			return error;
		at += got;
		*to_at += got;
	}
	return 0;
}

int sl_numbers_out_begin(
	struct sl_journal *j, struct sl_numbers_out *o, uint64_t seq, uint32_t next, bool keep_old)
{
	*o = (struct sl_numbers_out){.seq = seq, .next = next, .whole = !keep_old};
	o->text.fd = -1;
	o->fd = sl_journal_create_file(j, SL_JOURNAL_NUMBERS_NEW);
	if (o->fd < 0)
		return errno;
	if (keep_old && j->numbers.fd >= 0)
		o->text.error = copy(j->numbers.fd, 0, j->numbers.durable, o->fd, &o->at);
	/* There must be a line of this transaction in any case. */
	begin_line(&o->text, seq, o->whole, next);
	end_line(&o->text);
	return o->text.error;
}

void sl_numbers_out_add(
	struct sl_numbers_out *o, const struct sl_collection *coll, const struct sl_object *obj)
{
	begin_line(&o->text, o->seq, o->whole, o->next);
	add_entry(&o->text, coll, obj);
	end_line(&o->text);
	flush_some(o, 65536);
}

int sl_numbers_out_flush(struct sl_numbers_out *o)
{
	flush_some(o, 0);
	return o->text.error;
}

int sl_numbers_out_end(struct sl_journal *j, struct sl_numbers_out *o, off_t from, int *old)
{
	int error = sl_numbers_out_flush(o);

	*old = -1;
	if (error == 0 && from < j->numbers.size)
		error = copy(j->numbers.fd, from, j->numbers.size, o->fd, &o->at);
	if (error == 0 && fsync(o->fd) != 0)
		error = errno;
	if (error == 0 &&
		renameat(j->dir_fd, SL_JOURNAL_NUMBERS_NEW, j->dir_fd, SL_JOURNAL_NUMBERS) != 0)
		error = errno;
	if (error != 0)
		return error;
	*old = j->numbers.fd;
	j->numbers.fd = o->fd;
	j->numbers.size = j->numbers.durable = o->at;
	j->numbers.unsynced = false;
	j->numbers.exists = true;
	o->fd = -1;
	return fsync(j->dir_fd) != 0 ? errno : 0;
}

void sl_numbers_out_fini(struct sl_numbers_out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	free(o->text.p);
	*o = (struct sl_numbers_out){.fd = -1};
}

struct rewriting {
	struct sl_numbers_out out;
	const struct sl_collection *coll;
};

static bool rewrite_object(const struct sl_object *o, void *ctx)
{
	struct rewriting *r = ctx;

	if (o->derived)
		sl_numbers_out_add(&r->out, r->coll, o);
	return true;
}

int sl_numbers_rewrite(struct sl_journal *j, const struct sl_store *s, struct sl_err *e)
{
	struct rewriting r = {.coll = sl_collection_declaring()};
	int old = -1, error = sl_numbers_out_begin(j, &r.out, j->seq, s->next_number, false);

	if (error == 0 && r.coll != NULL)
		sl_store_walk(s, r.coll->id, rewrite_object, &r);
	if (error == 0)
		error = sl_numbers_out_end(j, &r.out, j->numbers.size, &old);
	sl_numbers_out_fini(&r.out);
	if (old >= 0)
		close(old);
	return error == 0 ? 0 : sl_journal_error(j, SL_JOURNAL_NUMBERS, error, e);
}
