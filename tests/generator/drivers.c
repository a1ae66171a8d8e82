/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's own port drivers where it is built with the test generator: -Dgenerator=true. */
#include "ctrl/daemon/drivers.h"

#include "generator_port.h"

const struct sl_port_driver *const sl_daemon_drivers[] = {&sl_generator_driver, NULL};
