/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cJSON with its traps closed: strict parsing of untrusted text, exact lookups, whole numbers.
 * Threads: control. Ownership: cJSON's own.
 */
#ifndef SL_CTRL_JSON_H
#define SL_CTRL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "sluice/error.h"

#define SL_JSON_NESTING_MAX	64
#define SL_JSON_VALUES_FREE	2097152u /* values any text may hold... */
#define SL_JSON_BYTES_PER_VALUE 8u	 /* ...beyond them it needs this many bytes for each */

/*
 * Parse exactly one JSON text of len bytes. Refused with a sentence and the byte offset: anything
 * after it but white space, nesting beyond SL_JSON_NESTING_MAX, invalid UTF-8, lone surrogates, NUL
 * inside strings, numbers that are not finite or longer than 63 characters; and, with its path, a
 * key that an object has twice.
 */
cJSON *sl_json_parse(const char *text, size_t len, struct sl_err *e);

/* Member of that exact name, NULL when absent. */
cJSON *sl_json_get(const cJSON *obj, const char *name);

/* A whole number in 0..2^53-1 (1e3 and 1.0 are whole, as JSON has it); false for anything else
 * (1.5, -1, -0). */
bool sl_json_uint(const cJSON *v, uint64_t *out);

/* A number that survives 64 bits (up to 2^53 exact as JSON readers have it). */
cJSON *sl_json_from_u64(uint64_t v);

/* A string from text that may have been cut short or come from elsewhere: bytes that are no UTF-8
 * become '?'. */
cJSON *sl_json_string(const char *text);

#endif
