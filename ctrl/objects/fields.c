/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that several collections share. */
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "ctrl/model/store.h"
#include "collections.h"
#include "encaps.h"

#define OWN_LEN 96 /* what an address of this node is, in words */

uint32_t sl_overhead_least(const struct sl_store *s, enum sl_family family)
{
	const struct sl_unique_key key = {.scope = SL_NETWORK_IPIP_SCOPE};
	bool ipip = sl_store_unique_owner(s, SL_COLL_NETWORKS, &key) != NULL;

	return sl_encap_overhead(ipip ? SL_ENCAP_IPIP : SL_ENCAP_VXLAN, family);
}

uint32_t sl_inner_mtu(uint32_t underlay_mtu, uint32_t overhead)
{
	return underlay_mtu > overhead ? underlay_mtu - overhead : 0;
}

/*
 * What an address of this node is: "tunnel address", "address on port \"uplink\"". NULL: not of
 * this node.
 */
static const char *own_address(const struct sl_store *s, const struct sl_ip *ip, char what[OWN_LEN])
{
	const struct sl_unique_key key = {.ip = *ip};
	const struct sl_object *port = sl_store_unique_owner(s, SL_COLL_PORTS, &key);

	if (sl_store_is_tunnel_address(s, ip))
		snprintf(what, OWN_LEN, "tunnel address");
	else if (port != NULL)
		snprintf(what, OWN_LEN, "address on port \"%s\"", port->key);
	else
		return NULL;
	return what;
}

int sl_check_not_own(const struct sl_store *s, const struct sl_collection *coll,
	const struct sl_object *o, const struct sl_ip *ip, const char *field, const char *hint,
	struct sl_err *e)
{
	char text[SL_IP_STR_LEN], own[OWN_LEN], what[SL_WHAT_LEN];

	if (own_address(s, ip, own) == NULL)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, field, "address %s of %s is this node's own %s",
		sl_format_ip(ip, text), sl_object_what(coll, o, what), own);
	sl_err_hint(e, "%s", hint);
	return -EINVAL;
}

/* Wholly in 0/8, 127/8 or 224/3; IPv6: in ff00::/8. */
static bool is_hostless(const struct sl_prefix *p)
{
	uint8_t first = p->ip.b[12];

	if (!sl_prefix_is_v4(p))
		return p->len >= 8 && p->ip.b[0] == 0xff;
	if (first >= 224)
		return p->len >= 96 + 3;
	return p->len >= 96 + 8 && (first == 0 || first == 127);
}

int sl_check_prefix_of_hosts(const struct sl_prefix *p, const char *field, struct sl_err *e)
{
	char text[SL_PREFIX_STR_LEN];

	if (!is_hostless(p))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, field, "%s has no address that a host may have",
		sl_format_prefix(p, text));
	sl_err_hint(e, "give a prefix of unicast addresses");
	return -EINVAL;
}

/* Names that the kernel takes, and that mean themselves: it reads % as a pattern. */
int sl_check_interface_name(const char *name, const char *field, struct sl_err *e)
{
	const char *bad = strpbrk(name, "/:% \t\n\v\f\r");
	size_t len = strlen(name);

	if (bad == NULL && len > 0 && len <= SL_INTERFACE_NAME_MAX && strcmp(name, ".") != 0 &&
		strcmp(name, "..") != 0)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, field, "\"%s\" is no name of a kernel interface", name);
	sl_err_hint(e, "1 to %d bytes, without spaces and / : %%", SL_INTERFACE_NAME_MAX);
	return -EINVAL;
}
