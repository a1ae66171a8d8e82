/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file of numbers, in the state directory: which number each set of labels has that the store
 * derived one for, so that it keeps the number when the daemon is started again.
 *
 *   numbers.log
 * {"version":2,"seq":8,"next":4097,"numbers":[{"number":4096,"labels":{"app":"web"}}],"crc":"…"}
 *
 * A line holds what one transaction gave. Later lines take the place of earlier ones with the same
 * labels or the same number. seq is the transaction's number in the journal; its line there says
 * "numbered":true. next is where the search for a free number goes on.
 *
 * Lines reach the disk before the journal's line of the same transaction is known to. So after a
 * crash:
 *   - a line whose transaction is not in the journal never happened, and is left out;
 *   - a transaction whose line is missing here was told to nobody: it is dropped with all behind
 *     it, like an incomplete line, unless a later line of the journal says that it was on disk.
 *     That is damage, and an error.
 *
 * The file is written anew when the journal is folded: lines with "whole":true have all numbers in
 * use at that transaction. It is written anew as well after a start that has left lines out, and
 * when there is none: earlier versions kept the numbers in the journal.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_MODEL_JOURNAL_NUMBERS_H
#define SL_CTRL_MODEL_JOURNAL_NUMBERS_H

#include "journal_text.h"
#include "number_map.h"

/* Reading. */

/* Before the journal's lines are read: check the file's, and learn whose numbers it has. */
int sl_numbers_load(struct sl_journal *j, struct sl_err *e);
/* After that: the file to append to, when there is one or the directory is new. */
int sl_numbers_open(struct sl_journal *j, struct sl_err *e);
/* The file has what the transaction gave. */
bool sl_numbers_has(const struct sl_journal *j, uint64_t seq);
/* "numbers.log lacks the numbers that transaction 8 gave" */
#define SL_NUMBERS_WHAT_LEN 96
const char *sl_numbers_lacks(uint64_t seq, char what[SL_NUMBERS_WHAT_LEN]);
/* What the journal's last transaction left bound, into m. */
int sl_numbers_read(struct sl_journal *j, struct sl_number_map *m, struct sl_err *e);

/* Writing. */

/* The line of a transaction, if it gave numbers (*any). On disk when it returns 0, unless that is
 * deferred. */
int sl_numbers_append(struct sl_journal *j, const struct sl_change *changes, size_t n, bool *any,
	struct sl_err *e);
/* 0 or errno. */
int sl_numbers_sync(struct sl_journal *j);
/* The last append is undone; it made the file longer than size. False: what the file holds is not
 * known. */
bool sl_numbers_take_back(struct sl_journal *j, off_t size);

/* The file written anew, on its way to numbers.log.tmp. */
struct sl_numbers_out {
	int fd; /* -1: none */
	off_t at;
	struct sl_jtext text;
	uint64_t seq;
	uint32_t next;
	bool whole; /* the transaction is on disk before the file gets its name */
};
/* Of transaction seq. keep_old: what is on disk of the present file stays in front. 0 or errno. */
int sl_numbers_out_begin(
	struct sl_journal *j, struct sl_numbers_out *o, uint64_t seq, uint32_t next, bool keep_old);
void sl_numbers_out_add(
	struct sl_numbers_out *o, const struct sl_collection *coll, const struct sl_object *obj);
int sl_numbers_out_flush(struct sl_numbers_out *o);
/*
 * Put it in the place of the old file. Lines of the old file from `from` on are copied first. *old
 * is the old file's descriptor, or -1, and the caller's to close. 0 or errno; on error all is as
 * before, but for a directory that could not be synced: *old is set then.
 */
int sl_numbers_out_end(struct sl_journal *j, struct sl_numbers_out *o, off_t from, int *old);
void sl_numbers_out_fini(struct sl_numbers_out *o);
/* All of that at once, with what the store holds: at a start. */
int sl_numbers_rewrite(struct sl_journal *j, const struct sl_store *s, struct sl_err *e);
void sl_numbers_close(struct sl_journal *j);

#endif
