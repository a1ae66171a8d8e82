/* SPDX-License-Identifier: BSD-3-Clause */
/* What collections report from: the running daemon, or as much of it as there is. Threads: control. */
#ifndef SL_CTRL_OBJECTS_REPORT_H
#define SL_CTRL_OBJECTS_REPORT_H

struct sl_engine;
struct sl_apply;
struct sl_store;

struct sl_report_ctx {
	struct sl_engine *engine; /* NULL: no packet path */
	struct sl_apply *apply;	  /* NULL: likewise */
	const struct sl_store *store;
};

#endif
