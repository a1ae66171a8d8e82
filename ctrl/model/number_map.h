/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The number of each set of labels, as read from a state directory. A later binding replaces
 * earlier ones of the same labels or the same number. Threads: control.
 */
#ifndef SL_CTRL_MODEL_NUMBER_MAP_H
#define SL_CTRL_MODEL_NUMBER_MAP_H

#include "ctrl/shape/shape.h"

struct sl_number_map;

struct sl_number_map *sl_number_map_create(void); /* NULL: out of memory */
void sl_number_map_destroy(struct sl_number_map *m);

bool sl_number_map_bind(struct sl_number_map *m, const struct sl_labels *labels,
	uint32_t number); /* false: out of memory */
/* False: the number is bound to nothing. */
bool sl_number_map_unbind(struct sl_number_map *m, uint32_t number);
/* key comes from sl_labels_key; 0: the labels have no number. */
uint32_t sl_number_map_find(const struct sl_number_map *m, const char *key, size_t len);
bool sl_number_map_has(const struct sl_number_map *m, uint32_t number);

/* Where the search for a free number continues; 0: not known. */
void sl_number_map_set_next(struct sl_number_map *m, uint32_t next);
uint32_t sl_number_map_next(const struct sl_number_map *m);

#endif
