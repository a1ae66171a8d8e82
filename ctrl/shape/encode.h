/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk over a struct by its shape. Two encoders use it: one makes text, one makes a tree.
 * Threads: control. Private to encode*.c.
 */
#ifndef SL_CTRL_SHAPE_ENCODE_H
#define SL_CTRL_SHAPE_ENCODE_H

#include "field.h"

/*
 * The walk calls these in order; inside an object each value follows its key. Each returns false
 * when memory is out, which ends the walk.
 */
struct sl_encoder {
	bool (*begin)(struct sl_encoder *en, char bracket); /* '{' or '[' */
	bool (*end)(struct sl_encoder *en, char bracket);   /* '}' or ']' */
	bool (*key)(struct sl_encoder *en, const char *name);
	bool (*boolean)(struct sl_encoder *en, bool b);
	bool (*whole)(struct sl_encoder *en, uint64_t n);
	bool (*number)(struct sl_encoder *en, double d); /* finite */
	bool (*string)(struct sl_encoder *en, const char *s);
	bool (*json)(struct sl_encoder *en, const cJSON *v); /* NULL: null */
};

bool sl_shape_walk(const struct sl_shape *s, const void *obj, struct sl_encoder *en);

#endif
