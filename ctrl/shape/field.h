/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the shape engine share: sizes, limits and order of one field's value.
 * Threads: control. Private to ctrl/shape/ and ctrl/rpc/.
 */
#ifndef SL_CTRL_SHAPE_FIELD_H
#define SL_CTRL_SHAPE_FIELD_H

#include "shape.h"

#define SL_FIELDS_MAX	 64 /* fields of one shape */
#define SL_LABELS_MAX	 32 /* pairs of one label set, unless the field says otherwise */
#define SL_LABEL_LEN	 63 /* of a value, and of a key after its prefix */
#define SL_LABEL_KEY_LEN (SL_NAME_PART_LEN + 1 + SL_LABEL_LEN) /* "PREFIX/NAME" */
#define SL_LABEL_CHARS	 "/_.-"				       /* besides letters and digits */
#define SL_UINT_JSON_MAX 9007199254740991ull		       /* 2^53 - 1 */
#define SL_NAME_PART	 "[A-Za-z0-9][A-Za-z0-9_.-]{0,252}"
#define SL_NAME_PATTERN	 "^" SL_NAME_PART "(/" SL_NAME_PART ")*$"

/* The size of one value in C. */
size_t sl_field_size(const struct sl_field *f);

/* Largest value of a UINT or UINT64. */
uint64_t sl_field_uint_max(const struct sl_field *f);

/* True for a word of an ENUM that means nothing yet. */
bool sl_field_is_inert(const struct sl_field *f, const char *word);

/* The type of a list's elements. */
struct sl_field sl_field_elem(const struct sl_field *list);

/* Total order over values; 0 means equal. */
int sl_field_compare(const struct sl_field *f, const void *a, const void *b);

/* NULL when the field keeps no note of its presence. */
static inline bool *sl_field_present(const struct sl_field *f, void *obj)
{
	return f->present != 0 ? (bool *)((char *)obj + f->present - 1) : NULL;
}

static inline bool sl_field_is_present(const struct sl_field *f, const void *obj)
{
	return f->present == 0 || *(const bool *)((const char *)obj + f->present - 1);
}

static inline void *sl_field_at(const struct sl_field *f, void *obj)
{
	return (char *)obj + f->offset;
}

static inline const void *sl_field_at_const(const struct sl_field *f, const void *obj)
{
	return (const char *)obj + f->offset;
}

/*
 * The name in a NULL-terminated list that word was probably meant to be, or NULL. It may differ by
 * two letters in a long word, by one in a short word.
 */
const char *sl_nearest_name(const char *word, const char *const *names);

/* Quotes untrusted text for a message, and shortens it, never inside a UTF-8 sequence. */
const char *sl_quote(const char *text, char *buf, size_t size);

#endif
