/* SPDX-License-Identifier: BSD-3-Clause */
/* What is reported of a port. Threads: control. */
#ifndef SL_CTRL_OBJECTS_PORTS_REPORT_H
#define SL_CTRL_OBJECTS_PORTS_REPORT_H

#include "ports.h"

/* An index in workers.cores; of the configured list and the reported one. */
extern const struct sl_field sl_port_worker_field;

void sl_port_report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported);

#endif
