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
#define SL_JSON_BYTES_PER_VALUE 8u	 /* ...beyond them, it needs this many bytes a value */

/*
 * Like sl_json_parse, but the tree is in the arena: it is valid until the arena is reset,
 * read-only, and must not be given to cJSON_Delete.
 */
cJSON *sl_json_read(struct sl_arena *a, const char *text, size_t len, struct sl_err *e);
/*
 * Parses the value that begins at *pos, and sets *pos after it and the white space that follows.
 * For sluice's own text: it does not look for keys that occur twice, and has no limit for the
 * number of values. Such text has more values than the message that it comes from, because defaults
 * are written out.
 */
cJSON *sl_json_scan(
	struct sl_arena *a, const char *text, size_t len, size_t *pos, struct sl_err *e);
/* The same, with the limit of values that messages from clients have. */
cJSON *sl_json_scan_message(
	struct sl_arena *a, const char *text, size_t len, size_t *pos, struct sl_err *e);

/*
 * Parses exactly one JSON text of len bytes. Refuses, with "LINE:COLUMN: " and a sentence: anything
 * but white space after the text, nesting deeper than SL_JSON_NESTING_MAX, invalid UTF-8, lone
 * surrogates, NUL inside strings, and numbers that are not finite or longer than 63 characters.
 * Refuses, with its path, a key that an object has twice.
 */
cJSON *sl_json_parse(const char *text, size_t len, struct sl_err *e);

/* Lines and columns begin with 1. A column is one character, of any number of bytes. */
struct sl_json_place {
	size_t line, column;
};
struct sl_json_place sl_json_place(const char *text, size_t pos);

/*
 * Finds the value in a valid text that an error's path names ("endpoints[1].mac"). When the text
 * does not have the whole path, it finds the last part that is there: for a missing field, the
 * object. False when not even the first step is there.
 */
bool sl_json_locate(const char *text, size_t len, const char *path, struct sl_json_place *at);

/* The member with exactly this name; NULL: absent. */
cJSON *sl_json_get(const cJSON *obj, const char *name);

/* A whole number in 0..2^53-1 (1e3 and 1.0 are whole, as JSON has it); false for anything else
 * (1.5, -1, -0). */
bool sl_json_uint(const cJSON *v, uint64_t *out);

/* A JSON number with all digits of 64 bits. JSON readers are exact up to 2^53. */
cJSON *sl_json_from_u64(uint64_t v);

/* Bytes of the UTF-8 sequence at p, by the table of RFC 3629 section 4; 0 when it is none. */
size_t sl_utf8_len(const uint8_t *p, size_t left);

/*
 * A string from text that may have been cut short or come from outside: bytes that are not UTF-8
 * become '?'.
 */
cJSON *sl_json_string(const char *text);

#endif
