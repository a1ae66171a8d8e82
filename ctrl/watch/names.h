/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names for the numbers that the packet path uses.
 * Threads: control. Ownership: a name lives as long as its object.
 */
#ifndef SL_CTRL_WATCH_NAMES_H
#define SL_CTRL_WATCH_NAMES_H

#include "running.h"

struct sl_sample;
struct sl_recent;

/* Each returns "" when there is no such object. */
const char *sl_name_of_origin(const struct sl_running *run, uint32_t origin);
const char *sl_name_of_network(const struct sl_running *run, uint32_t id);
/* The policy in a slot; "default" for slot 0; "" for UINT32_MAX: no policy was asked. */
const char *sl_name_of_policy(const struct sl_running *run, uint32_t slot);
/* "tcp", "udp", ...; buf holds the number of a protocol without a name. */
const char *sl_name_of_protocol(uint8_t proto, char buf[8]);

/* Puts a worker's sample of a dropped packet into words, with the present names, and keeps it. */
void sl_recent_note(
	struct sl_recent *r, const struct sl_running *run, const struct sl_sample *sample);

#endif
