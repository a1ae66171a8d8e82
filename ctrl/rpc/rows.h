/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A result that is an array, made row by row in turns. Every method that lists uses such a stream.
 * Threads: control. Ownership: the maker of the stream embeds struct sl_rows as the first member of
 * the struct that `destroy` frees.
 */
#ifndef SL_CTRL_RPC_ROWS_H
#define SL_CTRL_RPC_ROWS_H

#include "rpc.h"

#define SL_PAGE_MAX 10000u /* rows of a page, for those who ask for pages */

struct sl_rows {
	struct sl_stream stream;
	/*
	 * One step of at most some hundred microseconds. It may write a row or none; false at the
	 * end.
	 */
	bool (*next)(struct sl_rows *r, struct sl_text *out);
	void (*destroy)(struct sl_rows *r);
	const char *head; /* NULL, or the text before the array: {"flows": */
	void (*tail)(struct sl_rows *r, struct sl_text *out); /* NULL, or ends the text */
	uint32_t left;					      /* rows; UINT32_MAX: no limit */
	bool begun, any;
};

/* r, zeroed except next and destroy, becomes *stream. limit 0: no limit. */
void sl_rows_init(struct sl_rows *r, uint32_t limit, struct sl_stream **stream);
/* Call it before next writes a row: it writes the comma and counts the row. */
void sl_rows_begin_row(struct sl_rows *r, struct sl_text *out);
/* Writes a whole row: a struct by its shape. */
void sl_rows_shape(
	struct sl_rows *r, struct sl_text *out, const struct sl_shape *shape, const void *row);
/* Writes a whole row, and frees json; NULL: memory is out. */
void sl_rows_json(struct sl_rows *r, struct sl_text *out, cJSON *json);

#endif
