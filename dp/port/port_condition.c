/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>

#include "ports.h"

const char *const sl_port_condition_names[] = {
#define NAME(name, text) text,
	SL_PORT_CONDITION_LIST(NAME)
#undef NAME
		NULL,
};
