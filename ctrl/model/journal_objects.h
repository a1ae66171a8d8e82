/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes the objects of one moment as the text of a snapshot, and the numbers of derived objects as
 * the text of the numbers file. Threads: control.
 */
#ifndef SL_CTRL_MODEL_JOURNAL_OBJECTS_H
#define SL_CTRL_MODEL_JOURNAL_OBJECTS_H

#include "journal_numbers.h"

struct sl_state_out {
	struct sl_snapshot *view;
	struct sl_jtext text; /* with the file that it goes to */
	struct sl_numbers_out numbers;
	uint64_t last_numbered; /* the last transaction so far that gave numbers */
	unsigned int coll;
	bool any_list, in_list, any;
};

/* Writes the head, and the collections whose order counts: these before anything can change. */
void sl_state_out_begin(struct sl_state_out *out, uint64_t seq, const struct sl_store *s);
/* Writes one object, or the end of a list. False at the end, or when writing fails. */
bool sl_state_out_next(struct sl_state_out *out);

#endif
