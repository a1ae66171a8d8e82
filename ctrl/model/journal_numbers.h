/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The numbers file in the state directory: it holds the number of each set of labels that the store
 * derived a number for. So the labels keep their number when the daemon starts again.
 *
 *   numbers.log
 * {"version":2,"seq":8,"next":4097,"numbers":[{"number":4096,"labels":{"app":"web"}}],"crc":"…"}
 *
 * A line holds the numbers that one transaction gave. A later line replaces earlier ones with the
 * same labels or the same number. seq is the transaction's number in the journal; the transaction's
 * line there says "numbered":true. next is where the search for a free number continues.
 *
 * A line reaches the disk before the journal's line of the same transaction is known to be on disk.
 * So after a crash:
 *   - a line whose transaction is not in the journal is ignored: the transaction never happened;
 *   - no client has heard of a transaction whose line is missing here: it is dropped with all
 *     transactions after it, like an incomplete line. But if a later line of the journal says that
 *     it
 *     was on disk, that is damage, and an error.
 *
 * The file is rewritten when the journal is folded: lines with "whole":true hold all numbers that
 * were in use at that transaction. It is also rewritten after a start that ignored lines, and when
 * there is no file: earlier versions kept the numbers in the journal.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_MODEL_JOURNAL_NUMBERS_H
#define SL_CTRL_MODEL_JOURNAL_NUMBERS_H

#include "journal_text.h"
#include "number_map.h"

/* Reading. */

/*
 * Call it before the journal's lines are read: it checks the lines of the file and notes which
 * transactions they belong to.
 */
int sl_numbers_load(struct sl_journal *j, struct sl_err *e);
/*
 * Call it after that: it opens the file for appending, when there is one or the directory is new.
 */
int sl_numbers_open(struct sl_journal *j, struct sl_err *e);
/* True when the file has the numbers that the transaction gave. */
bool sl_numbers_has(const struct sl_journal *j, uint64_t seq);
/* "numbers.log lacks the numbers that transaction 8 gave" */
#define SL_NUMBERS_WHAT_LEN 96
const char *sl_numbers_lacks(uint64_t seq, char what[SL_NUMBERS_WHAT_LEN]);
/* Reads into m which numbers are bound after the journal's last transaction. */
int sl_numbers_read(struct sl_journal *j, struct sl_number_map *m, struct sl_err *e);

/* Writing. */

/*
 * Appends the line of a transaction, if it gave numbers (*any). The line is on disk when this
 * returns 0, unless syncing is deferred.
 */
int sl_numbers_append(struct sl_journal *j, const struct sl_change *changes, size_t n, bool *any,
	struct sl_err *e);
/* 0 or errno. */
int sl_numbers_sync(struct sl_journal *j);
/*
 * Undoes the last append, which made the file longer than size. False: the file's contents are
 * unknown.
 */
bool sl_numbers_take_back(struct sl_journal *j, off_t size);

/* The file while it is rewritten, as numbers.log.tmp. */
struct sl_numbers_out {
	int fd; /* -1: none */
	off_t at;
	struct sl_jtext text;
	uint64_t seq;
	uint32_t next;
	bool whole; /* the transaction will be on disk before the file gets its name */
};
/*
 * Begins to rewrite the file as of transaction seq. keep_old: lines of the present file that are on
 * disk stay at the front. 0 or errno.
 */
int sl_numbers_out_begin(
	struct sl_journal *j, struct sl_numbers_out *o, uint64_t seq, uint32_t next, bool keep_old);
void sl_numbers_out_add(
	struct sl_numbers_out *o, const struct sl_collection *coll, const struct sl_object *obj);
int sl_numbers_out_flush(struct sl_numbers_out *o);
/*
 * Replaces the old file. Lines of the old file from `from` on are copied first. *old is the old
 * file's descriptor, which the caller closes, or -1. 0 or errno. On error everything is as before,
 * except when the directory could not be synced: then *old is set.
 */
int sl_numbers_out_end(struct sl_journal *j, struct sl_numbers_out *o, off_t from, int *old);
void sl_numbers_out_fini(struct sl_numbers_out *o);
/* All of that in one call, with what the store holds, at a start. */
int sl_numbers_rewrite(struct sl_journal *j, const struct sl_store *s, struct sl_err *e);
void sl_numbers_close(struct sl_journal *j);

#endif
