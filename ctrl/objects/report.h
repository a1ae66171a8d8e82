/* SPDX-License-Identifier: BSD-3-Clause */
/* The sources of reported fields: the parts of the running daemon that exist. Threads: control. */
#ifndef SL_CTRL_OBJECTS_REPORT_H
#define SL_CTRL_OBJECTS_REPORT_H

struct sl_engine;
struct sl_apply;
struct sl_store;

struct sl_report_ctx {
	struct sl_engine *engine; /* NULL: no packet path */
	struct sl_apply *apply;	  /* NULL: no packet path */
	const struct sl_store *store;
};

#endif
