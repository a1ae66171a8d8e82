/* SPDX-License-Identifier: BSD-3-Clause */
/* Reported fields of a port. Threads: control. */
#ifndef SL_CTRL_OBJECTS_PORTS_REPORT_H
#define SL_CTRL_OBJECTS_PORTS_REPORT_H

#include "ports.h"

/* The element of the configured and of the reported list: an index in workers.cores. */
extern const struct sl_field sl_port_worker_field;

void sl_port_report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported);

#endif
