/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>

#include "encaps.h"

const char *const sl_encap_names[] = {
#define X(id, name, sym) name,
	SL_ENCAP_LIST(X)
#undef X
		NULL,
};

const char *const sl_family_names[] = {"ipv4", "ipv6", NULL};

const char *sl_family_word(enum sl_family family)
{
	return family == SL_FAMILY_IP4 ? "IPv4" : "IPv6";
}
