/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which instruction set this program is built for. A portable build has a program for each of
 * several levels of x86-64. The program that is started is the one for the lowest level. Before
 * anything else, it replaces itself with the best one that the CPU supports.
 * Threads: any; control for sl_variant_become.
 */
#ifndef SL_DP_VARIANT_H
#define SL_DP_VARIANT_H

#include <stdbool.h>

#include "sluice/error.h"

#define SL_VARIANT_AUTO "auto"

/* The instruction set of this program: "native", "x86-64-v2", or the value of
 * the build's -march. */
const char *sl_variant_name(void);

/*
 * The variant to run. wanted: "auto" (or NULL) for the best, or one by name. runs() tells whether
 * the CPU has a variant's instructions and its program exists. NULL with *e when the wanted variant
 * is not available. base: this program is a portable build's lowest variant.
 */
const char *sl_variant_choose(const char *wanted, const char *self, bool base,
	bool (*runs)(const char *name), struct sl_err *e);

/*
 * Replace this program with `path`, the program of a variant. At most once a process: if the
 * process gets here a second time, the program at `path` is not the variant that it should be.
 * Returns -errno with *e, or does not return.
 */
int sl_variant_exec(const char *name, const char *path, char *const *argv, struct sl_err *e);

/* 0, or the error that sl_variant_become would return before it starts anything. */
int sl_variant_check(const char *wanted, struct sl_err *e);

/*
 * Replace this program with the wanted variant, which starts with the same arguments and process
 * id. Returns 0 when this program is that variant. -errno with *e when it is not available.
 */
int sl_variant_become(const char *wanted, char *const *argv, struct sl_err *e);

#endif
