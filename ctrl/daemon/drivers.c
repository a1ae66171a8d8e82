/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon without the test generator: a port that asks for one gets an error that says how to
 * build it in.
 */
#include "drivers.h"

#include <ctype.h>
#include <string.h>

static const char generator[] = "generator";

/* "generator" and a number or none, alone or with options. */
static bool serves(const char *devargs)
{
	size_t len = sizeof(generator) - 1;

	if (strncmp(devargs, generator, len) != 0)
		return false;
	while (isdigit((unsigned char)devargs[len]))
		len++;
	return devargs[len] == '\0' || devargs[len] == ',';
}

static int check(const char *devargs, struct sl_err *e)
{
	int ret = sl_err_set(e, SL_ERR_UNSUPPORTED, "devargs",
		"\"%.64s\": this sluiced is built without the test generator", devargs);

	sl_err_hint(e, "build one with it: meson setup build-generator -Dgenerator=true");
	return ret;
}

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	(void)port;
	(void)name;
	(void)size;
	return check(devargs, e);
}

/* parse refuses, so that nothing of it is ever opened. */
static const struct sl_port_driver no_generator = {
	.name = generator,
	.serves = serves,
	.check = check,
	.parse = parse,
};

const struct sl_port_driver *const sl_daemon_drivers[] = {&no_generator, NULL};
