/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of labels as the key of a map: "k\0v\0" for each pair, in order of keys. Threads: any. */
#ifndef SL_CTRL_MODEL_LABELS_KEY_H
#define SL_CTRL_MODEL_LABELS_KEY_H

#include "ctrl/shape/field.h"

/* Longest text of a label set: all its keys and values with their NULs. */
#define SL_LABELS_KEY_MAX (SL_LABELS_MAX * (SL_LABEL_KEY_LEN + SL_LABEL_LEN + 2))
/* The text's length; SIZE_MAX: longer than any that a shape lets in. */
size_t sl_labels_key(const struct sl_labels *labels, char key[SL_LABELS_KEY_MAX]);

#endif
