/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cJSON with its traps closed: strict parsing of untrusted text, exact lookups, whole numbers.
 * Threads: control. Ownership: cJSON's own.
 */
#ifndef SL_CTRL_SHAPE_JSON_H
#define SL_CTRL_SHAPE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "arena.h"
#include "sluice/error.h"

#define SL_JSON_NESTING_MAX	64
#define SL_JSON_VALUES_FREE	2097152u /* values any text may hold... */
#define SL_JSON_BYTES_PER_VALUE 8u	 /* ...beyond them it needs this many bytes for each */

/*
 * Like sl_json_parse, but the tree is the arena's: good until it is reset, only to be looked at,
 * and never given to cJSON_Delete.
 */
cJSON *sl_json_read(struct sl_arena *a, const char *text, size_t len, struct sl_err *e);
/*
 * The one value that begins at *pos; *pos is behind it and the white space that follows. Keys that
 * occur twice are not looked for, and there is no limit to the number of values: for text of our
 * own, which has more of them than the message it comes from (defaults are written out).
 */
cJSON *sl_json_scan(
	struct sl_arena *a, const char *text, size_t len, size_t *pos, struct sl_err *e);
/* The same with the limit of values that a text from others has. */
cJSON *sl_json_scan_message(
	struct sl_arena *a, const char *text, size_t len, size_t *pos, struct sl_err *e);

/*
 * Parse exactly one JSON text of len bytes. Refused with "LINE:COLUMN: " and a sentence: anything
 * after it but white space, nesting beyond SL_JSON_NESTING_MAX, invalid UTF-8, lone surrogates, NUL
 * inside strings, numbers that are not finite or longer than 63 characters; and, with its path, a
 * key that an object has twice.
 */
cJSON *sl_json_parse(const char *text, size_t len, struct sl_err *e);

/* Lines and columns begin with 1; a column is a character, of however many bytes. */
struct sl_json_place {
	size_t line, column;
};
struct sl_json_place sl_json_place(const char *text, size_t pos);

/*
 * Where in a valid text the value stands that an error's path names ("endpoints[1].mac"), or as far
 * as the text has the path: a field that is missing is where its object is. False when not even
 * the first step is there.
 */
bool sl_json_locate(const char *text, size_t len, const char *path, struct sl_json_place *at);

/* Member of that exact name, NULL when absent. */
cJSON *sl_json_get(const cJSON *obj, const char *name);

/* A whole number in 0..2^53-1 (1e3 and 1.0 are whole, as JSON has it); false for anything else
 * (1.5, -1, -0). */
bool sl_json_uint(const cJSON *v, uint64_t *out);

/* A number that survives 64 bits (up to 2^53 exact as JSON readers have it). */
cJSON *sl_json_from_u64(uint64_t v);

/* Bytes of the UTF-8 sequence at p, by the table of RFC 3629 section 4; 0 when it is none. */
size_t sl_utf8_len(const uint8_t *p, size_t left);

/*
 * A string from text that may have been cut short or come from elsewhere: bytes that are no UTF-8
 * become '?'.
 */
cJSON *sl_json_string(const char *text);

#endif
