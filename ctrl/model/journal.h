/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state directory: a snapshot of the whole desired state, and one line for each transaction
 * since.
 *
 *   snapshot.json
 *     {"version":2,"seq":7,"config":{"ports":[…],…},"numbers":5,"crc":"89abcdef"}
 *   journal.log
 *     {"version":2,"seq":8,"synced":7,"numbered":true,"changes":[
 *       {"put":{"collection":"ports","object":{…}}},
 *       {"del":{"collection":"nodes","key":"node-b"}}],"crc":"01234567"}
 *   numbers.log
 *     the numbers that the store has given to sets of labels: journal_numbers.h
 *
 * A line is whole, or its transaction never happened: the line's CRC covers all bytes before it.
 * "synced" is the last transaction that was known to be on disk when the line was written.
 * "numbered" says that the transaction gave numbers. "numbers" in the snapshot is the last
 * transaction before it that gave numbers.
 *
 * A crash or a power cut may leave incomplete lines, which were waiting for the disk. A line is
 * incomplete when it has no newline at its end, or when a piece of it (SL_JOURNAL_PIECE) holds only
 * NULs; the text itself has none. Pieces may reach the disk in any order: the end of a line may be
 * there without its middle, and a line without the line before it. Two lines may share a piece, and
 * it may hold only the second one's part: then the NULs go up to the head of the second line. This
 * relies on a file system that shows NULs where a file was never written, as ext4 (not with
 * data=writeback), XFS, btrfs and f2fs do. The log is never overwritten: it is emptied or replaced
 * by another file, and that is on disk before new lines follow. An incomplete line and all lines
 * after it are dropped with a notice. But if a good line after it says that the incomplete line was
 * on disk before, or has no "synced" (lines of earlier versions), that is damage.
 *
 * Everything else is damage: a line that has all its pieces and a wrong checksum, even the last
 * line, because no crash leaves that. Damage is an error that names the file and the line; so is a
 * line of a newer version. Lines that the snapshot already contains are skipped: after a crash
 * between the two steps of folding, the log still begins with them. The directory is locked while
 * it is open.
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
 * Makes the directory when it is missing. The directory and its files must belong to root or to the
 * daemon's user, and nobody else may write to them. Links are refused, not followed. notice gets
 * one line for each thing that people should know; it may be NULL.
 */
struct sl_journal *sl_journal_open(
	const char *dir, void (*notice)(const char *text), struct sl_err *e);
/*
 * The same for reading only: it makes nothing, cuts nothing off, waits for nothing, and accepts no
 * changes. A missing directory that can be made counts as empty. -EBUSY in *ret: a daemon has it
 * open.
 */
struct sl_journal *sl_journal_look(
	const char *dir, void (*notice)(const char *text), int *ret, struct sl_err *e);
void sl_journal_close(struct sl_journal *j);
/* For sl_store_create; the journal's own. NULL for NULL. */
const struct sl_recorder *sl_journal_recorder(struct sl_journal *j);

/*
 * True when nothing was ever written here, not even a snapshot without objects: then the
 * configuration file decides what is in force.
 */
bool sl_journal_empty(const struct sl_journal *j);
/*
 * Loads everything into the empty store, as one transaction through its applier. Call it once,
 * before any append.
 */
int sl_journal_replay(struct sl_journal *j, struct sl_store *s, struct sl_err *e);
/*
 * The line is on disk when this returns 0, unless syncing is deferred. On error the log is as
 * before.
 */
int sl_journal_append(
	struct sl_journal *j, const struct sl_change *changes, size_t n, struct sl_err *e);
/*
 * Deferred: what append wrote is on disk only after the next sync, so that one wait serves many
 * transactions. No client may get an answer about them before. When the disk fails, sync writes
 * everything as a new snapshot. When that fails too, sync returns an error, and so does every later
 * sync until a snapshot succeeds.
 */
void sl_journal_set_deferred(struct sl_journal *j, bool deferred);
int sl_journal_sync(struct sl_journal *j, struct sl_store *s, struct sl_err *e);
/*
 * Writes the snapshot and empties the log, in one go. On error the old snapshot and the log stay in
 * force.
 */
int sl_journal_compact(struct sl_journal *j, struct sl_store *s, struct sl_err *e);
/*
 * Call it once a turn. When the log has grown enough, it is folded into a snapshot of that moment,
 * one slice a turn, while transactions go on (journal_fold.c). Failure is a notice; folding is
 * tried again once the log is twice as long.
 */
void sl_journal_turn(struct sl_journal *j, struct sl_store *s);
bool sl_journal_is_folding(const struct sl_journal *j);
/* Call it before the store is destroyed: the old snapshot and the log stay in force. */
void sl_journal_stop_folding(struct sl_journal *j);
/* Sets another threshold than SL_JOURNAL_LOG_MAX. */
void sl_journal_set_log_max(struct sl_journal *j, size_t bytes);

#endif
