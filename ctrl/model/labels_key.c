/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "labels_key.h"

size_t sl_labels_key(const struct sl_labels *labels, char key[SL_LABELS_KEY_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < labels->n; i++) {
		size_t k = strlen(labels->pair[i].key) + 1, v = strlen(labels->pair[i].value) + 1;

		if (n + k + v > SL_LABELS_KEY_MAX)
			return SIZE_MAX;
		memcpy(key + n, labels->pair[i].key, k);
		memcpy(key + n + k, labels->pair[i].value, v);
		n += k + v;
	}
	return n;
}
