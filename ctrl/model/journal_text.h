/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of the state directory's files, as it is made: a line of the log in memory, a snapshot
 * on its way to its file.
 * Threads: control. Ownership: p is freed by who had the text made.
 */
#ifndef SL_CTRL_MODEL_JOURNAL_TEXT_H
#define SL_CTRL_MODEL_JOURNAL_TEXT_H

#include "journal_state.h"

/* With fd >= 0 it is written out whenever there is enough of it. */
struct sl_jtext {
	char *p;
	size_t n, size;
	int fd;
	off_t written;
	uint32_t crc;
	size_t n_crc; /* of p's bytes, how many crc has seen */
	int error;    /* errno of the first failure; nothing more is done then */
};

/* {"version":1,"seq":NUMBER */
void sl_jtext_begin(struct sl_jtext *t, uint64_t seq);
void sl_jtext_synced(struct sl_jtext *t, uint64_t seq);
void sl_jtext_add(struct sl_jtext *t, const char *s);
/* The object as a caller would write it, without what only answers have. */
void sl_jtext_object(struct sl_jtext *t, unsigned int c, const struct sl_object *o);
/* Nothing, and false, when it is of nothing but what was derived. */
bool sl_jtext_change(struct sl_jtext *t, const struct sl_change *ch, bool comma);
void sl_jtext_shape(struct sl_jtext *t, const struct sl_shape *s, const void *obj);
/* The checksum of all before it, and the end of the line. */
void sl_jtext_end(struct sl_jtext *t);
void sl_jtext_flush(struct sl_jtext *t);

#endif
