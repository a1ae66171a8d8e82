/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an open journal holds, and what all parts of it share: names of files, messages, reading and
 * writing. For journal*.c and tests only. Threads: control.
 */
#ifndef SL_CTRL_MODEL_JOURNAL_STATE_H
#define SL_CTRL_MODEL_JOURNAL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store.h"

/*
 * What lines say that this version writes. It reads those of 1 too, in which allocated identities
 * stood among the objects: journal_numbers.h. A version that writes 1 refuses 2.
 */
#define SL_JOURNAL_VERSION 2
/* For sscanf: how a line of either begins. */
#define SL_JOURNAL_HEAD		"{\"version\":%*1[12],\"seq\":"
#define SL_JOURNAL_SNAPSHOT	"snapshot.json"
#define SL_JOURNAL_SNAPSHOT_NEW "snapshot.json.tmp"
#define SL_JOURNAL_LOG		"journal.log"
#define SL_JOURNAL_LOG_NEW	"journal.log.tmp"
#define SL_JOURNAL_NUMBERS	"numbers.log"
#define SL_JOURNAL_NUMBERS_NEW	"numbers.log.tmp"
/*
 * When a part of a file does not reach the disk, whole pieces are missing, aligned in the file:
 * sectors of 512 bytes or more, or lines of 64 bytes in persistent memory. NULs are read in their
 * place.
 */
#define SL_JOURNAL_PIECE 64
/* ,"crc":"01234567"} */
#define SL_JOURNAL_TAIL_LEN 18

/* numbers.log: journal_numbers.h. */
struct sl_journal_numbers {
	int fd;		     /* -1: none */
	off_t size, durable; /* bytes written; bytes known to be on disk */
	bool unsynced;
	bool exists;   /* the directory has the file */
	bool stale;    /* it has lines that do not count, or is missing: it must be rewritten */
	uint64_t last; /* the last transaction that gave numbers; 0: none */
	/*
	 * What open found, kept until replay: the checked text, and the transactions that its lines
	 * belong to.
	 */
	char *text;
	size_t len;
	uint64_t *seqs, whole;
	size_t n_seqs, max_seqs;
};

struct sl_journal {
	struct sl_recorder recorder; /* of this journal */
	char *dir;
	int dir_fd, log_fd;
	void (*notice)(const char *text);
	uint64_t seq;	       /* of the last transaction written */
	uint64_t snapshot_seq; /* 0: no snapshot, or one from before the first transaction... */
	bool has_snapshot;     /* ...which this distinguishes */
	uint64_t synced;       /* the last transaction known to be on disk */
	off_t log_size, snapshot_size;
	size_t log_max;
	off_t retry_at; /* after a failed compaction: not before the log is that large */
	bool older;	/* the last line, or the snapshot without one, is of an earlier format */
	bool broken;	/* what the log holds is not known: nothing may follow before a snapshot */
	bool only_looks;
	bool deferred;	  /* only sl_journal_sync makes durable what append has written... */
	bool unsynced;	  /* ...and something is not durable yet */
	uint64_t mend_ns; /* when broken: no snapshot is tried before this time */
	struct sl_fold *fold;
	struct sl_journal_numbers numbers;
	uint64_t slice_ns; /* CPU time for folding in one turn; 0: a single step */
	/* What open found, kept until replay: the whole texts, checked. */
	char *snapshot_text, *log_text;
	size_t snapshot_len, log_len;
};

/* Nothing has ever been written to the directory, be it a snapshot of nothing. */
static inline bool sl_journal_is_blank(const struct sl_journal *j)
{
	return j->seq == 0 && !j->has_snapshot;
}

uint32_t sl_crc32(uint32_t crc, const void *data, size_t len);
void sl_journal_notice(const struct sl_journal *j, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* 0, or the errno of a write that was not complete. */
int sl_journal_write(int fd, const char *p, size_t n, off_t at);
/* "cannot write FILE"; -EIO. */
int sl_journal_error(const struct sl_journal *j, const char *file, int error, struct sl_err *e);
/* Notes that all lines are on disk. */
void sl_journal_set_synced(struct sl_journal *j);
/* Begins to fold the log, whatever its size. Only one folding at a time. */
int sl_journal_fold(struct sl_journal *j, struct sl_store *s, struct sl_err *e);
/* Opens the directory, locks it, and opens the log. */
int sl_journal_open_files(struct sl_journal *j, struct sl_err *e);
/*
 * Opens a file that the daemon has left; anything else is refused. *fd is -1 when there is no file.
 */
int sl_journal_open_file(
	const struct sl_journal *j, const char *file, int flags, int *fd, struct sl_err *e);
/* Creates a new file, in the place of any that is there; -1 and errno on error. */
int sl_journal_create_file(const struct sl_journal *j, const char *file);
/* Reads and checks all files; cuts off a broken last line. */
int sl_journal_load(struct sl_journal *j, struct sl_err *e);

/* Where in which file something was found. line 0: the file as a whole. */
struct sl_journal_place {
	const struct sl_journal *j;
	const char *file;
	size_t line;
};
/* "DIR/FILE line N: what"; -EIO. */
int sl_journal_broken(const struct sl_journal_place *at, struct sl_err *e, const char *what);
/* Adds to the error where the text was read; returns ret. */
int sl_journal_located(const struct sl_journal_place *at, struct sl_err *e, int ret);
/* *text is malloc'ed and NUL-terminated; NULL when there is no such file. */
int sl_journal_read_file(
	const struct sl_journal_place *at, char **text, size_t *len, struct sl_err *e);
/*
 * Checks of a line without its newline: written by a newer version; with the right checksum; with a
 * number in its head; all of these.
 */
bool sl_journal_is_newer(const char *s);
bool sl_journal_is_older(const char *s);
bool sl_journal_crc_right(const char *s, size_t len);
bool sl_journal_seq_of(const char *s, uint64_t *seq);
int sl_journal_check_text(const struct sl_journal_place *at, const char *s, size_t len,
	uint64_t *seq, struct sl_err *e);
/*
 * True when a crash interrupted the writing of the line that begins at off: its end or a piece of
 * it is missing. A line that has all its pieces was written completely, or is damaged. len goes to
 * the next newline in text, which is NUL-terminated: when the newline of the line itself is missing,
 * that is the end of a later line.
 */
bool sl_journal_is_incomplete(const char *text, size_t off, size_t len, bool has_end);

#endif
