/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of one moment as the text of a snapshot, and the numbers of those that were derived as
 * that of the file of numbers.
 * Threads: control.
 */
#ifndef SL_CTRL_MODEL_JOURNAL_OBJECTS_H
#define SL_CTRL_MODEL_JOURNAL_OBJECTS_H

#include "journal_numbers.h"

struct sl_state_out {
	struct sl_snapshot *view;
	struct sl_jtext text; /* with its file */
	struct sl_numbers_out numbers;
	uint64_t last_numbered; /* the last transaction so far that gave numbers */
	unsigned int coll;
	bool any_list, in_list, any;
};

/* The head, and collections whose order counts: they are written before anything changes. */
void sl_state_out_begin(struct sl_state_out *out, uint64_t seq, const struct sl_store *s);
/* One object, or an end of a list. False at the end of all, or of what can be written. */
bool sl_state_out_next(struct sl_state_out *out);

#endif
