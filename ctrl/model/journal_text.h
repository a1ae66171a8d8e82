/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the text of the state directory's files: a line of the log in memory, or a snapshot that is
 * written to its file in parts. Threads: control. Ownership: the caller frees p.
 */
#ifndef SL_CTRL_MODEL_JOURNAL_TEXT_H
#define SL_CTRL_MODEL_JOURNAL_TEXT_H

#include "journal_state.h"

/* With fd >= 0 the text is written out whenever there is enough of it. */
struct sl_jtext {
	char *p;
	size_t n, size;
	int fd;
	off_t written;
	uint32_t crc;
	size_t n_crc; /* how many of p's bytes crc covers */
	int error;    /* errno of the first failure; later calls do nothing */
};

/* {"version":1,"seq":NUMBER */
void sl_jtext_begin(struct sl_jtext *t, uint64_t seq);
void sl_jtext_synced(struct sl_jtext *t, uint64_t seq);
void sl_jtext_add(struct sl_jtext *t, const char *s);
/* Writes the object as a client would write it, without the fields that only answers have. */
void sl_jtext_object(struct sl_jtext *t, unsigned int c, const struct sl_object *o);
/* Writes the change. A change of a derived object is not written: false. */
bool sl_jtext_change(struct sl_jtext *t, const struct sl_change *ch, bool comma);
void sl_jtext_shape(struct sl_jtext *t, const struct sl_shape *s, const void *obj);
/* Writes the checksum of everything before it, and the end of the line. */
void sl_jtext_end(struct sl_jtext *t);
void sl_jtext_flush(struct sl_jtext *t);

#endif
