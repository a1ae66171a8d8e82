/* SPDX-License-Identifier: BSD-3-Clause */
/* Short forms for the tables of fields that shapes are made of. Threads: control. */
#ifndef SL_CTRL_SHAPE_FIELDS_H
#define SL_CTRL_SHAPE_FIELDS_H

#include <stdint.h>

#include "shape.h"

/* A field of struct st called like its member, and one whose name in JSON differs. */
#define SL_FIELD(st, member, t, ...)                                                           \
	{                                                                                      \
		.name = #member, .type = t, .offset = offsetof(struct st, member), __VA_ARGS__ \
	}
#define SL_FIELD_AS(text, st, member, t, ...)                                               \
	{                                                                                   \
		.name = text, .type = t, .offset = offsetof(struct st, member), __VA_ARGS__ \
	}
#define SL_PRESENT(st, member) .present = offsetof(struct st, member) + 1

#define SL_SHAPE(sname, st, table, text, ...)                                           \
	{                                                                               \
		.name = sname, .size = sizeof(struct st), .fields = table,              \
		.n_fields = sizeof(table) / sizeof(table[0]), .help = text, __VA_ARGS__ \
	}

/* Borrowed constant text where the shape has an allocated string: encoding only reads it. */
static inline char *sl_borrow(const char *s)
{
	return (char *)(uintptr_t)s;
}

#endif
