/* SPDX-License-Identifier: BSD-3-Clause */
/* Short forms for the tables of fields that shapes are made of. Threads: control. */
#ifndef SL_CTRL_SHAPE_FIELDS_H
#define SL_CTRL_SHAPE_FIELDS_H

#include <stdint.h>

#include "shape.h"

/* A field with the name of its member in struct st, and a field with another name in JSON. */
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

/*
 * A list of objects: its element, a member that holds the list, and a method's result that is a
 * list.
 */
#define SL_ELEM(ename, s, text)                                               \
	{                                                                     \
		.name = ename, .type = SL_F_OBJECT, .shape = s, .help = text, \
	}
#define SL_FIELD_LIST(st, member, e, s, text)                                              \
	SL_FIELD(st, member, SL_F_LIST, .flags = SL_FIELD_REQUIRED, .elem = e, .shape = s, \
		.help = text)
#define SL_RESULT_LIST(e, s, text)                                                        \
	{                                                                                 \
		.name = "result", .type = SL_F_LIST, .elem = e, .shape = s, .help = text, \
	}
/* A method's result that is one object. */
#define SL_RESULT(s, text)                                                       \
	{                                                                        \
		.name = "result", .type = SL_F_OBJECT, .shape = s, .help = text, \
	}

/* Lends constant text to a shape's allocated string: encoding only reads it. */
static inline char *sl_borrow(const char *s)
{
	return (char *)(uintptr_t)s;
}

#endif
