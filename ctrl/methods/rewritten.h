/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What packets become, as methods report it.
 * Threads: control. Ownership: network is borrowed.
 */
#ifndef SL_CTRL_METHODS_REWRITTEN_H
#define SL_CTRL_METHODS_REWRITTEN_H

#include "ctrl/shape/shape.h"

struct sl_rewritten_out {
	char *network;
	struct sl_ip source, destination;
	uint32_t source_port, destination_port;
};
extern const struct sl_shape sl_rewritten_shape;

#endif
