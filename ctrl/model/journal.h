/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state directory: a snapshot of the whole desired state, and a line for each transaction since.
 *
 *   snapshot.json
 *     {"version":2,"seq":7,"config":{"ports":[…],…},"numbers":5,"crc":"89abcdef"}
 *   journal.log
 *     {"version":2,"seq":8,"synced":7,"numbered":true,"changes":[
 *       {"put":{"collection":"ports","object":{…}}},
 *       {"del":{"collection":"nodes","key":"node-b"}}],"crc":"01234567"}
 *   numbers.log
 *     the numbers that the store has given to labels: journal_numbers.h
 *
 * A line is whole or it never happened: its CRC covers all bytes before it. "synced" is the last
 * transaction that was known to be on disk when the line was written. "numbered" says that the
 * transaction gave numbers; "numbers" is the last one up to the snapshot that did.
 *
 * Incomplete is what a crash or a power cut leaves of lines that waited for the disk: no newline at
 * the end, or a piece (SL_JOURNAL_PIECE) that holds nothing but NULs, of which the text has none.
 * Pieces may reach the disk in any order, so the end of a line may be there without its middle, and
 * a line without the one before it. That relies on a file system that shows NULs for what of a file
 * was never written, as ext4 (not with data=writeback), XFS, btrfs and f2fs do. The log is never
 * written over: it is emptied, or another takes its place, and that is on disk before lines follow.
 * An incomplete line and all behind it are dropped with a notice. But when a good line behind it
 * says that it was on disk before, or has no "synced" (lines of earlier versions), that is damage.
 *
 * Version 1 of the format, which had no numbers.log, is read too. The start that does so appends a
 * line of version 2, so that a daemon that knows version 1 only refuses the directory.
 *
 * Damage is everything else: a line that has all its pieces and the wrong checksum, the last one
 * too, for no crash leaves that. It is an error that names the file and the line, as any newer
 * version is. Lines that the snapshot has already are skipped: after a crash between the two steps
 * of a folding they stand before those that it has not. The directory is locked while open.
 *
 * Threads: control; a helper of journal_fold.c waits for the disk (disk_helper.h).
 */
#ifndef SL_CTRL_MODEL_JOURNAL_H
#define SL_CTRL_MODEL_JOURNAL_H

#include "store.h"

/* The log is folded into the snapshot once it is larger than this and than the snapshot. */
#define SL_JOURNAL_LOG_MAX (64u << 20)

struct sl_journal;

/*
 * Makes the directory when it is missing. It and its files must be root's or the daemon's own, with
 * nobody else able to write; links are refused, not followed. notice gets what people should know,
 * a line at a time; may be NULL.
 */
struct sl_journal *sl_journal_open(
	const char *dir, void (*notice)(const char *text), struct sl_err *e);
/*
 * The same to look only: nothing is made, cut off or waited for, and it takes no changes. A
 * directory that is not there but can be made is empty. -EBUSY in *ret: a daemon has it open.
 */
struct sl_journal *sl_journal_look(
	const char *dir, void (*notice)(const char *text), int *ret, struct sl_err *e);
void sl_journal_close(struct sl_journal *j);
/* For sl_store_create; the journal's own. NULL for NULL. */
const struct sl_recorder *sl_journal_recorder(struct sl_journal *j);

/* True when nothing has ever been written here, be it a snapshot of nothing: whoever starts with it
 * decides what is in it. */
bool sl_journal_empty(const struct sl_journal *j);
/* Load everything into the empty store, as one transaction through its applier. Once, before any
 * append. */
int sl_journal_replay(struct sl_journal *j, struct sl_store *s, struct sl_err *e);
/* On disk when it returns 0, unless that is deferred; on error the log is as before. */
int sl_journal_append(
	struct sl_journal *j, const struct sl_change *changes, size_t n, struct sl_err *e);
/*
 * Deferred: what append wrote is on disk after the next sync, so that one wait serves many
 * transactions; nobody may be told of them before. When the disk refuses, sync writes everything
 * anew as a snapshot; when that fails as well, it is an error, as is each sync from then on until
 * a snapshot succeeds.
 */
void sl_journal_set_deferred(struct sl_journal *j, bool deferred);
int sl_journal_sync(struct sl_journal *j, struct sl_store *s, struct sl_err *e);
/* Write the snapshot and empty the log, all at once; on error the old snapshot and the log are in
 * force. */
int sl_journal_compact(struct sl_journal *j, struct sl_store *s, struct sl_err *e);
/* After the disk refused: try a snapshot, with which changes are accepted again. Before each
 * transaction; does nothing when all is well. */
void sl_journal_mend(struct sl_journal *j, struct sl_store *s);
/*
 * Once a turn: when the log has grown enough, fold it into a snapshot of that moment, a slice a
 * turn, while transactions go on (journal_fold.c). Failure is a notice; it is tried again once the
 * log is twice as long.
 */
void sl_journal_turn(struct sl_journal *j, struct sl_store *s);
bool sl_journal_is_folding(const struct sl_journal *j);
/* Before the store goes away: the old snapshot and the log stay in force. */
void sl_journal_stop_folding(struct sl_journal *j);
/* Another threshold than SL_JOURNAL_LOG_MAX. */
void sl_journal_set_log_max(struct sl_journal *j, size_t bytes);

#endif
