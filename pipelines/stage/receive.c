/* SPDX-License-Identifier: BSD-3-Clause */
#include "receive.h"

#define OCTET(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7
const uint8_t sl_stage_every[SL_BURST_MAX] = {
	OCTET(0), OCTET(8), OCTET(16), OCTET(24), OCTET(32), OCTET(40), OCTET(48), OCTET(56)};
#undef OCTET
