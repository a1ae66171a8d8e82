/* SPDX-License-Identifier: BSD-3-Clause */
/* neighbors.state, nodes.paths: the state of the underlay. */
#include <stdlib.h>
#include <stdio.h>

#include "ctrl/objects/networks.h"
#include "ctrl/objects/nodes.h"
#include "ctrl.h"
#include "methods.h"
#include "ctrl/objects/fields.h"
#include "ctrl/rpc/rows.h"

struct neighbor_out {
	char *port;
	struct sl_ip address;
	bool has_mac;
	struct sl_mac mac;
	char *state;
	uint32_t age_seconds, tunnels, waiting;
	uint32_t flips, attempts;
	bool has_other;
	struct sl_mac last_other_mac;
	char *problem;
};
static const struct sl_field neighbor_fields[] = {
	SL_FIELD(neighbor_out, port, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The underlay port."),
	SL_FIELD(neighbor_out, address, SL_F_IP, .help = "The next hop."),
	SL_FIELD(neighbor_out, mac, SL_F_MAC, SL_PRESENT(neighbor_out, has_mac),
		.help = "Its MAC, when it was ever known."),
	SL_FIELD(neighbor_out, state, SL_F_STRING, .max = 16,
		.help = "incomplete, reachable, probe, failed, or static."),
	SL_FIELD(neighbor_out, age_seconds, SL_F_UINT, .max = UINT32_MAX,
		.help = "Since the state was entered or last proven."),
	SL_FIELD(neighbor_out, tunnels, SL_F_UINT, .max = UINT32_MAX, .help = "Nodes behind it."),
	SL_FIELD(neighbor_out, waiting, SL_F_UINT, .max = UINT32_MAX,
		.help = "Packets that wait for its answer."),
	SL_FIELD(neighbor_out, flips, SL_F_UINT, .max = UINT32_MAX,
		.help = "Times that its MAC became another."),
	SL_FIELD(neighbor_out, attempts, SL_F_UINT, .max = UINT32_MAX,
		.help = "Times that another MAC claimed its address and was refused."),
	SL_FIELD(neighbor_out, last_other_mac, SL_F_MAC, SL_PRESENT(neighbor_out, has_other),
		.help = "Its last MAC before the present one, or the last MAC that claimed its "
			"address."),
	SL_FIELD(neighbor_out, problem, SL_F_STRING, .max = 192,
		.help = "What is wrong, in words; empty: nothing."),
};
static const struct sl_shape neighbor_shape = SL_SHAPE(
	"neighbor_state", neighbor_out, neighbor_fields, "A next hop on an underlay link.");
static const struct sl_field neighbor_elem =
	SL_ELEM("neighbor_state", &neighbor_shape, "One next hop.");
static const struct sl_field neighbors_result =
	SL_RESULT_LIST(&neighbor_elem, &neighbor_shape, "Every next hop known.");

/* The most important problem for an operator comes first. */
static void neighbor_problem(const struct sl_neighbor_view *v, char problem[192])
{
	const char *by = sl_ip_is_v4(&v->ip) ? "ARP" : "neighbor discovery";

	problem[0] = '\0';
	if (v->state == SL_NEIGHBOR_FAILED)
		snprintf(problem, 192, "it does not answer %s%s", by,
			v->uses > 0 ? ", and tunnels need it" : "");
	else if (v->contested)
		snprintf(problem, 192, "%s",
			v->state == SL_NEIGHBOR_STATIC
				? "another host claims to be it; the configured MAC stays"
				: "two hosts claim to be it, or it has moved");
	else if (v->state == SL_NEIGHBOR_INCOMPLETE)
		snprintf(problem, 192, "it has not answered %s yet", by);
}

static void write_neighbor(struct sl_rows *rows, struct sl_text *text, const struct sl_ctrl *c,
	const struct sl_neighbor_view *v)
{
	static const struct sl_mac zero;
	char problem[192];
	const char *port = sl_apply_port_name(c->apply, v->port);
	struct neighbor_out out = {.port = sl_borrow(port != NULL ? port : ""),
		.address = v->ip,
		.has_mac = !sl_mac_equal(&v->mac, &zero),
		.mac = v->mac,
		.state = sl_borrow(sl_neighbor_state_name(v->state)),
		.age_seconds = v->age_ticks / SL_TICKS_PER_SECOND,
		.tunnels = v->uses,
		.waiting = v->waiting,
		.flips = v->flips,
		.attempts = v->attempts,
		.has_other = !sl_mac_equal(&v->other, &zero),
		.last_other_mac = v->other,
		.problem = sl_borrow(problem)};

	neighbor_problem(v, problem);
	sl_rows_shape(rows, text, &neighbor_shape, &out);
}

struct neighbors {
	struct sl_rows rows;
	struct sl_ctrl *c;
	struct sl_neighbor_cursor at;
};

static bool next_neighbor(struct sl_rows *r, struct sl_text *out)
{
	struct neighbors *n = (struct neighbors *)r;
	struct sl_neighbor_view v;

	if (!sl_neighbors_next(sl_underlay_neighbors(n->c->underlay), &n->at,
		    sl_engine_tick(n->c->engine), &v))
		return false;
	write_neighbor(r, out, n->c, &v);
	return true;
}

static void free_neighbors(struct sl_rows *r)
{
	free(r);
}

static int neighbors_state(const struct sl_rpc_call *call, const void *arg,
	struct sl_stream **stream, struct sl_err *e)
{
	struct neighbors *n = calloc(1, sizeof(*n));

	(void)arg;
	(void)e;
	if (n == NULL)
		return -ENOMEM;
	n->rows = (struct sl_rows){.next = next_neighbor, .destroy = free_neighbors};
	n->c = call->ctrl;
	sl_rows_init(&n->rows, 0, stream);
	return 0;
}

const struct sl_method sl_method_neighbors_state = {
	.name = "neighbors.state",
	.summary = "Next hops on the underlay, learned and static, with their state.",
	.right = SL_RPC_READ,
	.result = &neighbors_result,
	.stream = neighbors_state,
};

/* Of a node that is reached by several next hops. */
struct hop_out {
	char *port;
	struct sl_ip next_hop;
	uint32_t weight, flows;
	bool usable;
	char *problem;
};
static const struct sl_field hop_fields[] = {
	SL_FIELD(hop_out, port, SL_F_STRING, .max = SL_NAME_LEN - 1, .help = "Underlay port."),
	SL_FIELD(hop_out, next_hop, SL_F_IP, .help = "The gateway, or the node itself."),
	SL_FIELD(hop_out, weight, SL_F_UINT, .max = 65535, .help = "Its weight in the route."),
	SL_FIELD(hop_out, flows, SL_F_UINT, .max = 256,
		.help = "How many of 256 parts of the flows leave by it now."),
	SL_FIELD(hop_out, usable, SL_F_BOOL,
		.help = "Its MAC is known, and its link is up: flows leave by it."),
	SL_FIELD(hop_out, problem, SL_F_STRING, .max = 64, .help = "Why it is not usable."),
};
static const struct sl_shape hop_shape =
	SL_SHAPE("path_hop", hop_out, hop_fields, "One of several next hops.");
static const struct sl_field hop_elem = SL_ELEM("path_hop", &hop_shape, "One next hop.");

struct path_out {
	char name[SL_NAME_LEN];
	struct sl_ip address;
	char *state;
	bool reachable, resolved, has_hop, was_heard, has_error, has_error_mtu, has_encap;
	uint32_t encap, family;
	char *port;
	struct sl_ip next_hop;
	bool shares;
	struct sl_list hops; /* struct hop_out */
	uint32_t inner_mtu;
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
	uint32_t heard_seconds;
	uint64_t errors;
	char *error;
	struct sl_ip error_from;
	uint32_t error_type, error_code, error_mtu, error_seconds;
	char *problem;
};
static const struct sl_field path_fields[] = {
	SL_FIELD(path_out, name, SL_F_NAME, .help = "The node."),
	SL_FIELD(path_out, address, SL_F_IP, .help = "Its tunnel address."),
	SL_FIELD(path_out, encap, SL_F_ENUM, SL_PRESENT(path_out, has_encap),
		.names = sl_encap_names,
		.help = "What carries packets there now; absent: each network's encap."),
	SL_FIELD(path_out, family, SL_F_ENUM, .names = sl_family_names,
		.help = "The address family that carries them."),
	SL_FIELD(path_out, state, SL_F_STRING, .max = 16,
		.help = "no_path, unresolved (next hop), resolved (next hop known, no more), heard "
			"(within 5 seconds), silent (packets are sent, none has come for 5 "
			"seconds), or "
			"unreachable (an ICMP error says so)."),
	SL_FIELD(path_out, reachable, SL_F_BOOL, .help = "An underlay link or route leads to it."),
	SL_FIELD(path_out, resolved, SL_F_BOOL, .help = "The next hop's MAC is known."),
	SL_FIELD(path_out, port, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "Underlay port, empty without a path."),
	SL_FIELD(path_out, next_hop, SL_F_IP, SL_PRESENT(path_out, has_hop),
		.help = "The next hop; of several the first."),
	SL_FIELD(path_out, hops, SL_F_LIST, SL_PRESENT(path_out, shares), .max = SL_WAYS_MAX,
		.elem = &hop_elem, .shape = &hop_shape,
		.help = "The next hops that share the node's flows, where there are several."),
	SL_FIELD(path_out, inner_mtu, SL_F_UINT, .max = 65535,
		.help = "Largest workload IP packet that fits the tunnel. Without encap: "
			"whichever encapsulation networks have."),
	SL_FIELD(path_out, tx_packets, SL_F_UINT64,
		.help = "Workloads' frames sent into the tunnel since the node has its address."),
	SL_FIELD(path_out, tx_bytes, SL_F_UINT64, .help = "Their bytes, without outer headers."),
	SL_FIELD(path_out, rx_packets, SL_F_UINT64,
		.help = "Tunnel packets that came from the node."),
	SL_FIELD(path_out, rx_bytes, SL_F_UINT64, .help = "Their bytes, without outer headers."),
	SL_FIELD(path_out, heard_seconds, SL_F_UINT, .max = UINT32_MAX,
		SL_PRESENT(path_out, was_heard),
		.help = "Seconds since a tunnel packet came from the node; absent: none ever "
			"came."),
	SL_FIELD(path_out, errors, SL_F_UINT64,
		.help = "ICMP errors about tunnel packets to the node."),
	SL_FIELD(path_out, error, SL_F_STRING, .max = 64, SL_PRESENT(path_out, has_error),
		.help = "The last of them, in words. It is only a hint: anybody can send one."),
	SL_FIELD(path_out, error_from, SL_F_IP, SL_PRESENT(path_out, has_error),
		.help = "Who sent it."),
	SL_FIELD(path_out, error_type, SL_F_UINT, .max = 255, SL_PRESENT(path_out, has_error),
		.help = "Its ICMP type."),
	SL_FIELD(path_out, error_code, SL_F_UINT, .max = 255, SL_PRESENT(path_out, has_error),
		.help = "Its ICMP code."),
	SL_FIELD(path_out, error_mtu, SL_F_UINT, .max = 65535, SL_PRESENT(path_out, has_error_mtu),
		.help = "The largest tunnel packet that fits, as it says."),
	SL_FIELD(path_out, error_seconds, SL_F_UINT, .max = UINT32_MAX,
		SL_PRESENT(path_out, has_error), .help = "Since it came."),
	SL_FIELD(path_out, problem, SL_F_STRING, .max = 192,
		.help = "What is wrong, in words; empty: nothing."),
};
static const struct sl_shape path_shape =
	SL_SHAPE("node_path", path_out, path_fields, "How a node is reached now.");
static const struct sl_field path_elem = SL_ELEM("node_path", &path_shape, "One node.");
static const struct sl_field paths_result = SL_RESULT_LIST(&path_elem, &path_shape, "Every node.");

static void path_problem(
	const struct sl_underlay_path *path, const struct sl_path_error *error, char problem[192])
{
	char hop[SL_IP_STR_LEN];

	problem[0] = '\0';
	if (!path->reachable)
		snprintf(problem, 192, "its address %s", sl_reach_words(path->why));
	else if (!path->resolved)
		snprintf(problem, 192, "next hop %s has not answered %s: see neighbors.state",
			sl_format_ip(&path->hop[0].next_hop, hop),
			sl_ip_is_v4(&path->hop[0].next_hop) ? "ARP" : "neighbor discovery");
	else if (path->state == SL_PATH_UNREACHABLE)
		snprintf(problem, 192, "%s says %s", sl_format_ip(&error->from, hop), error->text);
	else if (path->state == SL_PATH_SILENT)
		snprintf(problem, 192,
			"packets are sent and none comes back: they, or those of the node, are "
			"lost "
			"on the way, or traffic goes one way only");
	else if (path->router_mtu != 0)
		snprintf(problem, 192,
			"packets of up to %u bytes are sent, and a router says that only %u fit",
			path->outer_mtu, path->router_mtu);
}

static void fill_traffic(const struct sl_underlay_path *path, const struct sl_path_error *error,
	struct path_out *out)
{
	const struct sl_tunnel_seen *s = &path->seen;

	out->tx_packets = s->tx_packets;
	out->tx_bytes = s->tx_bytes;
	out->rx_packets = s->rx_packets;
	out->rx_bytes = s->rx_bytes;
	out->was_heard = s->heard != 0;
	out->heard_seconds = (path->tick - s->heard) / SL_TICKS_PER_SECOND;
	out->errors = s->errors;
	out->has_error = s->error_tick != 0;
	out->error = sl_borrow(error->text);
	out->error_from = error->from;
	out->error_type = error->type;
	out->error_code = error->code;
	out->has_error_mtu = out->has_error && error->mtu != 0;
	out->error_mtu = error->mtu;
	out->error_seconds = (path->tick - s->error_tick) / SL_TICKS_PER_SECOND;
}

static bool note_encap(const struct sl_object *o, void *ctx)
{
	((bool *)ctx)[((const struct sl_network_obj *)o)->encap] = true;
	return true;
}

/* The largest packet that fits with each of the encapsulations. There is at least one. */
static uint32_t inner_mtu(
	const bool encaps[SL_ENCAP_COUNT], enum sl_family family, uint32_t outer_mtu)
{
	uint32_t least = UINT32_MAX, fits;

	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++) {
		fits = encaps[e] ? sl_encap_inner_mtu(e, family, outer_mtu) : least;
		least = fits < least ? fits : least;
	}
	return least;
}

struct paths {
	struct sl_rows rows;
	struct sl_ctrl *c;
	bool encaps[SL_ENCAP_COUNT]; /* of the networks; without networks, the default */
	char after[SL_KEY_LEN];
};

static void fill_encap(const struct paths *p, const struct sl_node_obj *node,
	const struct sl_underlay_path *path, struct path_out *out)
{
	unsigned int encap = sl_node_encap_now(p->c->underlay, node);

	out->family = path->family;
	out->has_encap = encap != SL_ENCAP_COUNT;
	out->encap = out->has_encap ? encap : 0;
	if (!path->reachable)
		out->inner_mtu = 0;
	else if (out->has_encap)
		out->inner_mtu = sl_encap_inner_mtu(encap, path->family, path->outer_mtu);
	else
		out->inner_mtu = inner_mtu(p->encaps, path->family, path->outer_mtu);
}

static struct sl_list hops_of(const struct sl_ctrl *c, const struct sl_underlay_path *path,
	struct hop_out out[SL_WAYS_MAX])
{
	for (size_t i = 0; i < path->n_hops; i++) {
		const struct sl_underlay_hop *h = &path->hop[i];
		const char *port = sl_apply_port_name(c->apply, h->port);

		out[i] = (struct hop_out){.port = sl_borrow(port != NULL ? port : ""),
			.next_hop = h->next_hop,
			.weight = h->weight,
			.flows = h->flows,
			.usable = h->usable};
		out[i].problem = sl_borrow(h->usable	 ? ""
					   : h->resolved ? "the port's link is down"
							 : "its MAC is not known");
	}
	return (struct sl_list){.items = out, .n = path->n_hops};
}

/* Writes nothing for a node whose tables are not made yet. */
static void write_path(struct paths *p, struct sl_text *text, const struct sl_object *o)
{
	const struct sl_node_obj *node = (const struct sl_node_obj *)o;
	struct sl_underlay_path path;
	struct sl_path_error error;
	struct hop_out hops[SL_WAYS_MAX];
	char problem[192];
	struct path_out out = {.address = node->address, .port = sl_borrow(""), .problem = problem};
	const char *port;

	if (!sl_underlay_path(p->c->underlay, o->id, &path))
		return;
	snprintf(out.name, sizeof(out.name), "%s", node->name);
	out.reachable = path.reachable;
	out.resolved = path.resolved;
	out.has_hop = path.reachable;
	out.next_hop = path.hop[0].next_hop;
	out.shares = path.n_hops > 1;
	out.hops = hops_of(p->c, &path, hops);
	port = path.reachable ? sl_apply_port_name(p->c->apply, path.hop[0].port) : NULL;
	if (port != NULL)
		out.port = sl_borrow(port);
	fill_encap(p, node, &path, &out);
	error = sl_path_error_of(path.seen.error);
	if (error.v6)
		error.from = path.error_from6;
	out.state = sl_borrow(sl_path_state_name(path.state));
	fill_traffic(&path, &error, &out);
	path_problem(&path, &error, problem);
	sl_rows_shape(&p->rows, text, &path_shape, &out);
}

struct paths_in {
	uint32_t limit;
	char *after;
};
static const struct sl_field paths_params_fields[] = {
	SL_FIELD(paths_in, limit, SL_F_UINT, .min = 1, .max = SL_PAGE_MAX,
		.help = "How many at most; absent: all."),
	SL_FIELD(paths_in, after, SL_F_STRING, .max = SL_KEY_LEN - 1,
		.help = "Continue after the node of this name: the last name of the last page."),
};
static const struct sl_shape paths_params =
	SL_SHAPE("nodes.paths", paths_in, paths_params_fields, "In the order of the nodes' names.");

static bool next_path(struct sl_rows *r, struct sl_text *out)
{
	struct paths *p = (struct paths *)r;
	const struct sl_object *o = sl_store_after(p->c->store, SL_COLL_NODES, p->after);

	if (o == NULL)
		return false;
	snprintf(p->after, sizeof(p->after), "%s", o->key);
	write_path(p, out, o);
	return true;
}

static void free_paths(struct sl_rows *r)
{
	free(r);
}

static int nodes_paths(const struct sl_rpc_call *call, const void *arg, struct sl_stream **stream,
	struct sl_err *e)
{
	const struct paths_in *in = call->params;
	struct paths *p = calloc(1, sizeof(*p));

	(void)arg;
	(void)e;
	if (p == NULL)
		return -ENOMEM;
	p->rows = (struct sl_rows){.next = next_path, .destroy = free_paths};
	p->c = call->ctrl;
	p->encaps[0] = sl_store_count(p->c->store, SL_COLL_NETWORKS) == 0;
	sl_store_walk(p->c->store, SL_COLL_NETWORKS, note_encap, p->encaps);
	if (in->after != NULL)
		snprintf(p->after, sizeof(p->after), "%s", in->after);
	sl_rows_init(&p->rows, in->limit, stream);
	return 0;
}

const struct sl_method sl_method_nodes_paths = {
	.name = "nodes.paths",
	.summary = "How each node is reached: port, next hop, what fits, and whether packets come "
		   "back.",
	.right = SL_RPC_READ,
	.result = &paths_result,
	.params = &paths_params,
	.stream = nodes_paths,
};
