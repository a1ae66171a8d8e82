/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts of sluicectl's tables. Control characters, which a terminal could take for a command,
 * become '?'. Threads: one. Ownership: the caller frees texts.
 */
#ifndef SL_TOOLS_SLUICECTL_CELL_H
#define SL_TOOLS_SLUICECTL_CELL_H

#include <stddef.h>
#include <cjson/cJSON.h>

/* The value in one line; "-" for NULL and for an empty value. */
char *ctl_cell(const cJSON *v);
char *ctl_upper(const char *name);

/* Columns a text takes, where each character takes one. */
size_t ctl_width_of(const char *s);
/* Bytes of the first n characters. */
size_t ctl_bytes_of(const char *s, size_t n);
/* Print n spaces. */
void ctl_pad(size_t n);

#endif
