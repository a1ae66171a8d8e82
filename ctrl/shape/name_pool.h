/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of stored objects. Each text is stored once, however many objects have it: a million
 * endpoints of one network share the network's name. A kept name is a plain string that lasts until
 * it was dropped as often as it was kept. Threads: control.
 */
#ifndef SL_CTRL_SHAPE_NAME_POOL_H
#define SL_CTRL_SHAPE_NAME_POOL_H

/* "": for a field that names nothing. It is kept and dropped like other names, at no cost. */
extern const char sl_name_none[];

const char *sl_name_keep(const char *text);  /* copied; NULL: out of memory */
const char *sl_name_again(const char *kept); /* one more holder of a kept name; NULL: none */
void sl_name_drop(const char *kept);	     /* accepts NULL */

#endif
