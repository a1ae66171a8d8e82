/* SPDX-License-Identifier: BSD-3-Clause */
/* drops.recent: samples of dropped packets, in words. */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl.h"
#include "ctrl/objects/fields.h"
#include "ctrl/rpc/rows.h"
#include "ctrl/shape/time_text.h"
#include "ctrl/watch/names.h"
#include "methods.h"
#include "rewritten.h"

struct recent_in {
	uint32_t limit;
	bool has_after;
	uint64_t after;
	struct sl_names reason;
	bool has_port, has_network, has_endpoint, has_node, has_policy, has_mac;
	char port[SL_NAME_LEN], network[SL_NAME_LEN], endpoint[SL_NAME_LEN], node[SL_NAME_LEN];
	char policy[SL_NAME_LEN];
	bool has_source, has_destination, has_outer_source, has_outer_destination;
	struct sl_ip source, destination, outer_source, outer_destination;
	struct sl_mac mac;
};
static const struct sl_field recent_params_fields[] = {
	SL_FIELD(recent_in, limit, SL_F_UINT, .min = 1, .max = SL_PAGE_MAX, .def = 20,
		.help = "How many at most."),
	SL_FIELD(recent_in, after, SL_F_UINT64, SL_PRESENT(recent_in, has_after),
		.help = "Only rows newer than the row with this sequence, oldest first: to "
			"continue, give the last row's sequence. 0: from the oldest kept row. "
			"Sequences keep growing when the daemon starts again."),
	SL_FIELD(
		recent_in, reason, SL_F_NAMES, .max = SL_DROP_COUNT, .help = "Only these reasons."),
	SL_FIELD(recent_in, port, SL_F_NAME, SL_PRESENT(recent_in, has_port),
		.help = "Only packets that entered by this port, or did not leave by it."),
	SL_FIELD(recent_in, network, SL_F_NAME, SL_PRESENT(recent_in, has_network),
		.help = "Only packets of this network."),
	SL_FIELD(recent_in, endpoint, SL_F_NAME, SL_PRESENT(recent_in, has_endpoint),
		.help = "Only packets from or to this endpoint."),
	SL_FIELD(recent_in, node, SL_F_NAME, SL_PRESENT(recent_in, has_node),
		.help = "Only packets that came from this node."),
	SL_FIELD(recent_in, policy, SL_F_NAME, SL_PRESENT(recent_in, has_policy),
		.help = "Only packets that this policy denied; default: packets that no policy "
			"matched."),
	SL_FIELD(recent_in, source, SL_F_IP, SL_PRESENT(recent_in, has_source),
		.help = "Only packets from this address."),
	SL_FIELD(recent_in, destination, SL_F_IP, SL_PRESENT(recent_in, has_destination),
		.help = "Only packets to this address."),
	SL_FIELD(recent_in, outer_source, SL_F_IP, SL_PRESENT(recent_in, has_outer_source),
		.help = "Only tunnel packets from this address."),
	SL_FIELD(recent_in, outer_destination, SL_F_IP,
		SL_PRESENT(recent_in, has_outer_destination),
		.help = "Only tunnel packets to this address."),
	SL_FIELD(recent_in, mac, SL_F_MAC, SL_PRESENT(recent_in, has_mac),
		.help = "Only packets from or to this MAC."),
};
static const struct sl_shape recent_params = SL_SHAPE("drops.recent", recent_in,
	recent_params_fields, "How many to show, and which: all given fields must match.");

struct recent_out {
	uint64_t sequence;
	char *time, *reason, *policy, *network, *from;
	char *port, *out_port, *endpoint, *to;
	bool has_policy, has_network, has_from, has_port, has_out_port, has_endpoint, has_to;
	bool has_protocol, has_addresses, has_ports, has_outer, has_vni, has_macs, has_ethertype;
	char *protocol, *ethertype;
	struct sl_ip source, destination, outer_source, outer_destination;
	uint32_t source_port, destination_port, length, vni;
	char *source_mac, *destination_mac;
	bool audited, has_detail, has_rewritten;
	struct sl_rewritten_out rewritten;
	uint64_t lost;
	char *detail;
};
#define SHOWN(name) SL_PRESENT(recent_out, has_##name)
static const struct sl_field recent_fields[] = {
	SL_FIELD(recent_out, time, SL_F_STRING, .max = 40, .help = "When, UTC."),
	SL_FIELD(recent_out, reason, SL_F_STRING, .max = 64, .help = "The drop reason."),
	SL_FIELD(recent_out, policy, SL_F_STRING, SHOWN(policy), .max = SL_NAME_LEN - 1,
		.help = "The policy that denied it; \"default\" when none matched."),
	SL_FIELD(recent_out, network, SL_F_STRING, SHOWN(network), .max = SL_NAME_LEN - 1,
		.help = "The network."),
	SL_FIELD(recent_out, from, SL_F_STRING, SHOWN(from), .max = SL_NAME_LEN - 1,
		.help = "Port or node it came from."),
	SL_FIELD(recent_out, endpoint, SL_F_STRING, SHOWN(endpoint), .max = SL_NAME_LEN - 1,
		.help = "The endpoint that sent it: port or node, MAC and address match."),
	SL_FIELD(recent_out, to, SL_F_STRING, SHOWN(to), .max = SL_NAME_LEN - 1,
		.help = "The endpoint that has the destination address."),
	SL_FIELD(recent_out, protocol, SL_F_STRING, SHOWN(protocol), .max = 8,
		.help = "The IP protocol, or arp."),
	SL_FIELD(recent_out, source, SL_F_IP, SHOWN(addresses),
		.help = "Source address; of ARP the sender's."),
	SL_FIELD(recent_out, destination, SL_F_IP, SHOWN(addresses),
		.help = "Destination address; of ARP the one asked for."),
	SL_FIELD(recent_out, source_port, SL_F_UINT, SHOWN(ports), .max = 65535,
		.help = "Source port; for ICMP see the guide."),
	SL_FIELD(recent_out, destination_port, SL_F_UINT, SHOWN(ports), .max = 65535,
		.help = "Destination port."),
	SL_FIELD(recent_out, rewritten, SL_F_OBJECT, SHOWN(rewritten), .shape = &sl_rewritten_shape,
		.help = "Present when packets of its connection leave with other addresses or "
			"ports, or into another network."),
	SL_FIELD(recent_out, length, SL_F_UINT, .max = UINT32_MAX,
		.help = "Bytes of the frame, without tunnel headers that were removed."),
	SL_FIELD(recent_out, audited, SL_F_BOOL,
		.help = "true: forwarded all the same, for its network is in audit mode."),
	SL_FIELD(recent_out, port, SL_F_STRING, SHOWN(port), .max = SL_NAME_LEN - 1,
		.help = "The port it came in by."),
	SL_FIELD(recent_out, out_port, SL_F_STRING, SHOWN(out_port), .max = SL_NAME_LEN - 1,
		.help = "The port that it could not leave by, if that is the reason."),
	SL_FIELD(recent_out, source_mac, SL_F_STRING, SHOWN(macs), .max = 17,
		.help = "Source MAC of the frame."),
	SL_FIELD(recent_out, destination_mac, SL_F_STRING, SHOWN(macs), .max = 17,
		.help = "Destination MAC of the frame."),
	SL_FIELD(recent_out, ethertype, SL_F_STRING, SHOWN(ethertype), .max = 8,
		.help = "EtherType behind VLAN tags, where it is neither IP nor ARP."),
	SL_FIELD(recent_out, vni, SL_F_UINT, SHOWN(vni), .max = UINT32_MAX,
		.help = "VNI of a tunnel packet."),
	SL_FIELD(recent_out, outer_source, SL_F_IP, SHOWN(outer),
		.help = "Source address of a tunnel packet's outer header."),
	SL_FIELD(recent_out, outer_destination, SL_F_IP, SHOWN(outer),
		.help = "And its destination."),
	SL_FIELD(recent_out, lost, SL_F_UINT64,
		.help = "Packets dropped for the same reason and sender before this one that no "
			"row shows."),
	SL_FIELD(recent_out, sequence, SL_F_UINT64, .help = "Its number, for after."),
	SL_FIELD(recent_out, detail, SL_F_STRING, SHOWN(detail), .max = SL_RECENT_DETAIL,
		.help = "The part of the packet that caused the drop, and the expected value."),
};
#undef SHOWN
static const struct sl_shape recent_shape =
	SL_SHAPE("recent_drop", recent_out, recent_fields, "One dropped packet.");
static const struct sl_field recent_elem = SL_ELEM("recent_drop", &recent_shape, "One packet.");
static const struct sl_field recent_result =
	SL_RESULT_LIST(&recent_elem, &recent_shape, "Newest first; with after, oldest first.");

static const char *protocol_of(const struct sl_recent_entry *r, char buf[8])
{
	return r->is_arp ? "arp" : sl_name_of_protocol(r->proto, buf);
}

#define TEXT(name) .has_##name = r->name[0] != '\0', .name = sl_borrow(r->name)
static void write_recent(
	struct sl_rows *rows, struct sl_text *text, const struct sl_recent_entry *r)
{
	char when[SL_TIME_LEN], proto[8], type[8], mac[2][SL_MAC_STR_LEN];
	bool is_ip = r->has_addresses && !r->is_arp;
	struct recent_out out = {.sequence = r->sequence,
		.time = when,
		.reason = sl_borrow(sl_drop_name(r->reason)),
		TEXT(policy),
		TEXT(network),
		TEXT(from),
		TEXT(endpoint),
		TEXT(to),
		.has_protocol = is_ip || r->is_arp,
		.protocol = sl_borrow(protocol_of(r, proto)),
		.has_addresses = r->has_addresses,
		.source = r->source,
		.destination = r->destination,
		.has_ports = r->has_ports,
		.source_port = r->source_port,
		.destination_port = r->destination_port,
		.has_rewritten = r->has_rewritten,
		.rewritten = {.network = sl_borrow(r->rewritten_network),
			.source = r->rewritten_source,
			.destination = r->rewritten_destination,
			.source_port = r->rewritten_source_port,
			.destination_port = r->rewritten_destination_port},
		.length = r->length,
		.audited = r->audited,
		TEXT(port),
		TEXT(out_port),
		.has_macs = r->has_macs,
		.has_ethertype = r->ethertype != 0 && !is_ip && !r->is_arp,
		.ethertype = type,
		.has_vni = r->has_vni,
		.vni = r->vni,
		.has_outer = r->has_outer,
		.outer_source = r->outer_source,
		.outer_destination = r->outer_destination,
		.lost = r->lost,
		TEXT(detail)};

	sl_format_time(&r->when, when);
	snprintf(type, sizeof(type), "0x%04x", r->ethertype);
	out.source_mac = sl_borrow(sl_format_mac(&r->source_mac, mac[0]));
	out.destination_mac = sl_borrow(sl_format_mac(&r->destination_mac, mac[1]));
	sl_rows_shape(rows, text, &recent_shape, &out);
}
#undef TEXT

static bool ip_fits(bool asked, const struct sl_ip *want, bool has, const struct sl_ip *ip)
{
	return !asked || (has && sl_ip_equal(want, ip));
}

static bool name_fits(bool asked, const char *want, const char *a, const char *b)
{
	return !asked || strcmp(want, a) == 0 || strcmp(want, b) == 0;
}

static bool fits(const struct recent_in *in, const struct sl_recent_entry *r)
{
	/* A port may have the name of a node: only a packet from a tunnel came from a node. */
	bool from_node = r->has_outer && strcmp(in->node, r->from) == 0;

	return (!in->has_after || r->sequence > in->after) &&
	       name_fits(in->has_port, in->port, r->port, r->out_port) &&
	       name_fits(in->has_network, in->network, r->network, r->network) &&
	       name_fits(in->has_endpoint, in->endpoint, r->endpoint, r->to) &&
	       name_fits(in->has_policy, in->policy, r->policy, r->policy) &&
	       (!in->has_node || from_node) &&
	       ip_fits(in->has_source, &in->source, r->has_addresses, &r->source) &&
	       ip_fits(in->has_destination, &in->destination, r->has_addresses, &r->destination) &&
	       ip_fits(in->has_outer_source, &in->outer_source, r->has_outer, &r->outer_source) &&
	       ip_fits(in->has_outer_destination, &in->outer_destination, r->has_outer,
		       &r->outer_destination) &&
	       (!in->has_mac ||
		       (r->has_macs && (sl_mac_equal(&in->mac, &r->source_mac) ||
					       sl_mac_equal(&in->mac, &r->destination_mac))));
}

/* A row that existed when the request came. Its place may hold another row by now. */
struct found {
	const struct sl_recent_entry *row;
	uint64_t sequence;
};

struct recent {
	struct sl_rows rows;
	bool oldest_first;
	size_t n, next;
	struct found *found; /* oldest first */
};

static bool is_wanted(const struct recent_in *in, unsigned int reason)
{
	if (in->reason.n == 0)
		return true;
	for (uint32_t i = 0; i < in->reason.n; i++)
		if (strcmp(in->reason.name[i], sl_drop_name(reason)) == 0)
			return true;
	return false;
}

static int check_reasons(const struct sl_names *names, struct sl_err *e)
{
	for (uint32_t i = 0; i < names->n; i++) {
		unsigned int r = 1;

		while (r < SL_DROP_COUNT && strcmp(names->name[i], sl_drop_name(r)) != 0)
			r++;
		if (r < SL_DROP_COUNT)
			continue;
		sl_err_set(e, SL_ERR_PARAMS, "reason", "there is no drop reason \"%s\"",
			names->name[i]);
		sl_err_hint(e, "drops.list with all has their names");
		return -EINVAL;
	}
	return 0;
}

static int oldest_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static int find(const struct sl_recent *r, const struct recent_in *in, struct recent *out)
{
	size_t room = 1;

	for (unsigned int i = 1; i < SL_DROP_COUNT; i++)
		room += r->reason[i] != NULL ? r->reason[i]->n : 0;
	out->found = malloc(room * sizeof(*out->found));
	if (out->found == NULL)
		return -ENOMEM;
	for (unsigned int i = 1; i < SL_DROP_COUNT; i++) {
		const struct sl_recent_reason *all = r->reason[i];
		unsigned int n = all != NULL && is_wanted(in, i) ? all->n : 0;

		for (unsigned int k = 0; k < n; k++)
			if (fits(in, &all->entry[k]))
				out->found[out->n++] =
					(struct found){&all->entry[k], all->entry[k].sequence};
	}
	qsort(out->found, out->n, sizeof(out->found[0]), oldest_first);
	return 0;
}

static bool next_recent(struct sl_rows *rows, struct sl_text *out)
{
	struct recent *r = (struct recent *)rows;
	const struct found *f;

	if (r->next == r->n)
		return false;
	f = &r->found[r->oldest_first ? r->next : r->n - 1 - r->next];
	r->next++;
	if (f->row->sequence == f->sequence)
		write_recent(rows, out, f->row);
	return true;
}

static void free_recent(struct sl_rows *rows)
{
	free(((struct recent *)rows)->found);
	free(rows);
}

static int drops_recent(const struct sl_rpc_call *call, const void *arg, struct sl_stream **stream,
	struct sl_err *e)
{
	const struct recent_in *in = call->params;
	struct recent *r;

	(void)arg;
	if (check_reasons(&in->reason, e) != 0)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (r == NULL || find(&call->ctrl->recent, in, r) != 0) {
		free(r);
		return -ENOMEM;
	}
	r->rows = (struct sl_rows){.next = next_recent, .destroy = free_recent};
	r->oldest_first = in->has_after;
	sl_rows_init(&r->rows, in->limit, stream);
	return 0;
}

const struct sl_method sl_method_drops_recent = {
	.name = "drops.recent",
	.summary = "Samples of dropped packets of every reason, with what was wrong.",
	.right = SL_RPC_READ,
	.params = &recent_params,
	.result = &recent_result,
	.stream = drops_recent,
};
