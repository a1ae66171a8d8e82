/* SPDX-License-Identifier: BSD-3-Clause */
#include "key_dp.h"

#include <errno.h>
#include <sys/random.h>

struct sl_key_seeds sl_key_seeds;

/* Once in a process: tables keep hashes, which must stay the same while a table exists. */
bool sl_key_seeds_draw(void)
{
	static const struct sl_key_seeds none;
	struct sl_key_seeds s;

	if (memcmp(&sl_key_seeds, &none, sizeof(none)) != 0)
		return true;
	if (getrandom(&s, sizeof(s), 0) != sizeof(s))
		return false;
	sl_key_seeds = s;
	return true;
}
