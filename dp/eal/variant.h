/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which instruction set this program is built for. A portable build has a program for each of
 * several levels of x86-64; the one that is started, built for the lowest, makes way for the best
 * that the CPU runs before anything else happens.
 * Threads: any; control for sl_variant_become.
 */
#ifndef SL_DP_VARIANT_H
#define SL_DP_VARIANT_H

#include <stdbool.h>

#include "sluice/error.h"

#define SL_VARIANT_AUTO "auto"

/* What this program is built for: "native", "x86-64-v2", or the value of the build's -march. */
const char *sl_variant_name(void);

/*
 * The variant to run. wanted: "auto" (or NULL) for the best, or one by name. runs() says whether
 * the CPU has a variant's instructions and its program is there. NULL with *e when the wanted one
 * is not to be had. base: the program asked is a portable build's lowest.
 */
const char *sl_variant_choose(const char *wanted, const char *self, bool base,
	bool (*runs)(const char *name), struct sl_err *e);

/*
 * Start `path`, the program of a variant, in this one's place, once a process: whoever comes back
 * here after that is not what it was installed as. Returns -errno with *e, or not at all.
 */
int sl_variant_exec(const char *name, const char *path, char *const *argv, struct sl_err *e);

/* 0, or what sl_variant_become would refuse before it starts anything. */
int sl_variant_check(const char *wanted, struct sl_err *e);

/*
 * Replace this program with the variant wanted, which starts over with the same arguments and
 * process id; returns 0 when this one is it. -errno with *e when it is not to be had.
 */
int sl_variant_become(const char *wanted, char *const *argv, struct sl_err *e);

#endif
