/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices of ports that a transaction will add, opened before it, beside this thread: that takes 50
 * to 800 ms each. One opening serves one transaction:
 *
 *   1. The transaction has been checked: sl_opening_begin with its changes. Then the transaction is
 *      taken back, and nothing has changed.
 *   2. Other transactions go on until sl_opening_is_done.
 *   3. The same transaction is run again. sl_opening_covers says whether it adds only ports that it
 *      added before. sl_opening_use makes it take its devices from the opening.
 *   4. sl_opening_destroy has the devices closed that no port was made of.
 *
 * A device that did not open is an error of step 3. A port is known by its name, for the
 * transaction of step 3 is the one of step 1.
 *
 * Threads: control. Ownership: the caller's; destroy it before the engine.
 */
#ifndef SL_CTRL_APPLY_OPENING_H
#define SL_CTRL_APPLY_OPENING_H

#include "ctrl/model/store.h"

struct sl_apply;
struct sl_opening;

struct sl_opening *sl_opening_create(struct sl_apply *a); /* NULL: out of memory */
void sl_opening_destroy(struct sl_opening *o);		  /* accepts NULL */

/*
 * Once for each opening; s shows the result of the changes. 0, or -errno and *e for what can be
 * told before a device is opened: destroy it then.
 */
int sl_opening_begin(struct sl_opening *o, const struct sl_store *s,
	const struct sl_change *changes, size_t n, struct sl_err *e);
bool sl_opening_is_done(const struct sl_opening *o);
/* The changes add no port that the opening has no device of. */
bool sl_opening_covers(
	struct sl_opening *o, const struct sl_store *s, const struct sl_change *changes, size_t n);
/* Transactions take devices from it; NULL: from none, they open them themselves. */
void sl_opening_use(struct sl_apply *a, struct sl_opening *o);

#endif
