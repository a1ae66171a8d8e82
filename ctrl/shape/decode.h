/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decoders of values that hold no other values, and helpers that the decoders of objects and lists
 * share. Threads: control. Private to decode*.c. Ownership: as in sl_shape_decode; *out is zeroed.
 */
#ifndef SL_CTRL_SHAPE_DECODE_H
#define SL_CTRL_SHAPE_DECODE_H

#include "field.h"

typedef int sl_decode_fn(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e);

sl_decode_fn sl_decode_bool, sl_decode_uint, sl_decode_number, sl_decode_name, sl_decode_names,
	sl_decode_string, sl_decode_enum, sl_decode_mac, sl_decode_ip, sl_decode_prefix,
	sl_decode_labels, sl_decode_kept_name;

/* "expected …, got …" */
int sl_decode_refused(struct sl_err *e, const char *expected, const cJSON *v);
int sl_decode_no_memory(struct sl_err *e);

int sl_check_list_length(const struct sl_field *f, size_t n, struct sl_err *e);
/*
 * Checks that a list's elements differ. The error has the path of the second of two equal elements.
 */
int sl_check_unique(const struct sl_field *elem, const struct sl_list *l, struct sl_err *e);

#endif
