/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "outside.h"
#include "pipelines/context/world.h"

static const char *const vias[] = {"host", "nat", "node", NULL};

static const struct sl_field address = {
	.name = "address", .type = SL_F_IP, .help = "A translated address."};

static const struct sl_field outside_fields[] = {
	SL_FIELD(sl_outside_obj, via, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = vias,
		.help = "host: the host endpoint's kernel routes; nat: by an underlay port, from a "
			"translated address; node: through the tunnel to an egress node."),
	SL_FIELD(sl_outside_obj, endpoint, SL_F_KEPT_NAME,
		.help = "For host: the host endpoint of this node in this network."),
	SL_FIELD(sl_outside_obj, node, SL_F_KEPT_NAME,
		.help = "For node: the egress node, where this network has a way out of its own."),
	SL_FIELD(sl_outside_obj, port, SL_F_KEPT_NAME,
		.help = "For nat: the underlay port; absent: as the underlay's routes say."),
	SL_FIELD(sl_outside_obj, addresses, SL_F_LIST, .flags = SL_FIELD_UNIQUE,
		.max = SL_OUTSIDE_ADDRESSES, .elem = &address,
		.help = "For nat: the translated addresses; absent: the node's own."),
	SL_FIELD(sl_outside_obj, ports, SL_F_STRING, .min = 3, .max = 11,
		.help = "For nat: the translated ports, \"FIRST-LAST\". Absent: \"1024-65535\", or "
			"\"1024-32767\" where the host shares an underlay port."),
};

bool sl_port_range_parse(const char *text, struct sl_port_range *range)
{
	unsigned int first, last;
	int end = 0;

	if (strspn(text, "0123456789-") != strlen(text) ||
		sscanf(text, "%5u-%5u%n", &first, &last, &end) != 2 || text[end] != '\0')
		return false;
	if (first == 0 || first > last || last > UINT16_MAX)
		return false;
	*range = (struct sl_port_range){(uint16_t)first, (uint16_t)last};
	return true;
}

/* A field that belongs to another way out. */
static const char *stray_field(const struct sl_outside_obj *o)
{
	if (o->via != SL_OUTSIDE_VIA_HOST && o->endpoint[0] != '\0')
		return "endpoint";
	if (o->via != SL_OUTSIDE_VIA_NODE && o->node[0] != '\0')
		return "node";
	if (o->via == SL_OUTSIDE_VIA_NAT)
		return NULL;
	if (o->port[0] != '\0')
		return "port";
	if (o->addresses.n > 0)
		return "addresses";
	return o->ports != NULL ? "ports" : NULL;
}

static int check_fields(const struct sl_outside_obj *o, struct sl_err *e)
{
	const char *stray = stray_field(o);

	if (stray != NULL)
		sl_err_set(e, SL_ERR_PARAMS, stray, "%s is not for a way out via %s", stray,
			vias[o->via]);
	else if (o->via == SL_OUTSIDE_VIA_HOST && o->endpoint[0] == '\0')
		sl_err_set(e, SL_ERR_PARAMS, "endpoint",
			"a way out via host needs the name of the host endpoint");
	else if (o->via == SL_OUTSIDE_VIA_NODE && o->node[0] == '\0')
		sl_err_set(e, SL_ERR_PARAMS, "node",
			"a way out via node needs the name of the egress node");
	else
		return 0;
	sl_err_hint(e, "host takes endpoint; nat takes port, addresses and ports; node takes node");
	return -EINVAL;
}

static int check_outside(const void *obj, struct sl_err *e)
{
	const struct sl_outside_obj *o = obj;
	const struct sl_ip *ip = o->addresses.items;
	struct sl_port_range range;
	char path[32];

	if (check_fields(o, e) != 0)
		return -EINVAL;
	for (size_t i = 0; i < o->addresses.n; i++) {
		snprintf(path, sizeof(path), "addresses[%zu]", i);
		if (sl_check_unicast(&ip[i], path, e) != 0)
			return -EINVAL;
	}
	if (o->ports == NULL || sl_port_range_parse(o->ports, &range))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "ports", "\"%s\" is no range of ports", o->ports);
	sl_err_hint(e, "write FIRST-LAST, for instance 1024-65535");
	return -EINVAL;
}

const struct sl_shape sl_shape_outside = SL_SHAPE("outside", sl_outside_obj, outside_fields,
	"A network's way to the world.", .check = check_outside);
