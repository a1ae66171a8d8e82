/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The input buffer of a JSON stream. It finds where each value ends, and looks at every byte once,
 * however the bytes arrive. It knows brackets and strings, not the grammar: text that is not JSON
 * has an end too, so that a broken message is answered and the next one is understood.
 *   - a value that begins with a bracket ends with the bracket that closes it, on one line or many;
 *   - a line break inside a string, which JSON forbids, ends the value;
 *   - anything else ends with its line.
 * Threads: control. Ownership: the buffer is the struct's own; messages point into it.
 */
#ifndef SL_CTRL_RPC_FRAME_H
#define SL_CTRL_RPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>

struct sl_frame {
	char *buf;
	size_t room, len; /* allocated, filled */
	size_t start;	  /* first byte of the value being read */
	size_t pos;	  /* first byte not looked at */
	size_t depth;
	int mode;
};

enum sl_frame_status {
	SL_FRAME_MORE,	   /* no whole value is there yet */
	SL_FRAME_MESSAGE,  /* *msg, *len; valid until the next reserve */
	SL_FRAME_TOO_LONG, /* longer than the limit: the stream cannot be read further */
};

/*
 * Makes room for at least 4 KiB after the buffered bytes: *n bytes at the result. NULL: out of
 * memory.
 */
char *sl_frame_reserve(struct sl_frame *f, size_t *n);
void sl_frame_filled(struct sl_frame *f, size_t n);

enum sl_frame_status sl_frame_next(struct sl_frame *f, size_t limit, const char **msg, size_t *len);
/* What is left at the end of the stream, if anything: an incomplete value. */
bool sl_frame_rest(struct sl_frame *f, const char **msg, size_t *len);
void sl_frame_fini(struct sl_frame *f);

#endif
