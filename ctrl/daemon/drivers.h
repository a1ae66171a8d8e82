/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port drivers that the daemon puts before the engine's own. Two files define the list, and the
 * build links one of them: drivers.c, or tests/generator/drivers.c with -Dgenerator=true. Threads:
 * any; the list does not change.
 */
#ifndef SL_CTRL_DAEMON_DRIVERS_H
#define SL_CTRL_DAEMON_DRIVERS_H

#include "dp/device/port_driver.h"

extern const struct sl_port_driver *const sl_daemon_drivers[]; /* ends with NULL */

#endif
