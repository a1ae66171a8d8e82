/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A result that is an array, made row by row as turns come: the stream of every method that lists.
 * Threads: control. Ownership: the stream's maker embeds struct sl_rows first in what `destroy`
 * frees.
 */
#ifndef SL_CTRL_RPC_ROWS_H
#define SL_CTRL_RPC_ROWS_H

#include "rpc.h"

#define SL_PAGE_MAX 10000u /* rows of a page, for those who ask for pages */

struct sl_rows {
	struct sl_stream stream;
	/*
	 * One step of at most some hundred microseconds, with a row or without; false at the end.
	 */
	bool (*next)(struct sl_rows *r, struct sl_text *out);
	void (*destroy)(struct sl_rows *r);
	const char *head; /* NULL, or what stands before the array: {"flows": */
	void (*tail)(struct sl_rows *r, struct sl_text *out); /* NULL, or what comes behind it */
	uint32_t left;					      /* rows; UINT32_MAX: no limit */
	bool begun, any;
};

/* r, zeroed but for next and destroy, becomes *stream. limit 0: none. */
void sl_rows_init(struct sl_rows *r, uint32_t limit, struct sl_stream **stream);
/* Before next writes a row: the comma, and the count. */
void sl_rows_begin_row(struct sl_rows *r, struct sl_text *out);
/* A whole row: a struct by its shape. */
void sl_rows_shape(
	struct sl_rows *r, struct sl_text *out, const struct sl_shape *shape, const void *row);
/* A whole row; takes json, NULL: memory is out. */
void sl_rows_json(struct sl_rows *r, struct sl_text *out, cJSON *json);

#endif
