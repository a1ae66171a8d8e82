/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline: all stages in their order. The worker loop gets it as function pointers at start.
 * Threads: worker.
 */
#ifndef SL_PIPELINE_H
#define SL_PIPELINE_H

#include "pipelines/context/trip.h"

/* Process a burst received from port `in`. */
void sl_pipeline_run(struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b);
/* Call after a loop turn without packets: checks fragments that wait for their first one. */
void sl_pipeline_spare(struct sl_worker *w);
/* Whether packets wait, so that spare must be called again soon. */
bool sl_pipeline_waits(const struct sl_worker *w);

#endif
