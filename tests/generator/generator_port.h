/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The test generator as a port driver. Threads: as in port_driver.h.
 */
#ifndef SL_TESTS_GENERATOR_PORT_H
#define SL_TESTS_GENERATOR_PORT_H

#include "dp/device/port_driver.h"

extern const struct sl_port_driver sl_generator_driver;

#endif
