/* SPDX-License-Identifier: BSD-3-Clause */
/* Encapsulations and address families in objects: their words, and what they need of a packet. */
#ifndef SL_CTRL_OBJECTS_ENCAPS_H
#define SL_CTRL_OBJECTS_ENCAPS_H

#include "ctrl/shape/shape.h"
#include "sluice/encap.h"

struct sl_store;

/*
 * The unique key of the network that uses or accepts IP-in-IP: its packets carry no network's number,
 * so one network may use it. No VNI is 0.
 */
#define SL_NETWORK_IPIP_SCOPE 0

extern const char *const sl_encap_names[];  /* in the order of enum sl_encap_id, then NULL */
extern const char *const sl_family_names[]; /* in the order of enum sl_family, then NULL */

static inline enum sl_family sl_family_of(const struct sl_ip *ip)
{
	return sl_ip_is_v4(ip) ? SL_FAMILY_IP4 : SL_FAMILY_IP6;
}

/* "IPv4", "IPv6" */
const char *sl_family_word(enum sl_family family);

#endif
