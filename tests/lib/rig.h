/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole pipeline without devices: one worker that no thread runs, and a world made by hand. A
 * test sends packets in one by one, and reads packets that would be transmitted from the buffers.
 *
 *   port 0  access    web-1  10.0.0.5  fd00::5  02:00:00:00:00:05  identity 1001 {app: web}
 *   port 1  access    db-1   10.0.0.6  fd00::6  02:00:00:00:00:06  identity 1002 {app: db}
 *   port 2  underlay  192.0.2.1/24, tunnel address; 192.0.2.9, none; MAC 02:00:00:00:0a:01
 *   port 3  access    no endpoint, like all higher ports
 *   node 1  192.0.2.2 (next hop 02:00:00:00:0b:01): far-1  10.0.0.7  fd00::7  02:00:00:00:00:07
 *           identity 1003 {app: far}
 *   network 1, VNI 100, VXLAN, enforce, default deny both ways
 *
 * Threads: one.
 * Ownership: the rig owns all; the caller owns packets that sl_rig_sent() returns.
 */
#ifndef SL_TESTS_RIG_H
#define SL_TESTS_RIG_H

#include "packet.h"
#include "sluice/encap.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/pipeline.h"
#include "pipelines/policy/policy_ctl.h"

#define SL_RIG_PORTS	   32 /* number of port ids */
#define SL_RIG_WEB	   0
#define SL_RIG_DB	   1
#define SL_RIG_UNDERLAY	   2
#define SL_RIG_UNBOUND	   3
#define SL_RIG_NODE	   1
#define SL_RIG_GATEWAY_MAC "02:00:5e:00:02:01"

struct sl_rig;

struct sl_rig *sl_rig_create(void);
struct sl_rig *sl_rig_create_for(uint32_t max_flows);
void sl_rig_destroy(struct sl_rig *r); /* asserts that no packet leaked and the sum holds */

struct sl_worker *sl_rig_worker(struct sl_rig *r);
struct sl_pipeline *sl_rig_pipeline(struct sl_rig *r);
struct sl_rcu *sl_rig_rcu(struct sl_rig *r);

/* A rule for one subject, any peer, any port, in any network. The label must outlive the rule. */
struct sl_policy_def sl_rig_rule(uint32_t slot, enum sl_tier tier, enum sl_direction direction,
	enum sl_rule_action action, const struct sl_label *subject);
/* Replace the policies, so that every flow is judged again. allow_all: with one that allows all. */
void sl_rig_policies(struct sl_rig *r, const struct sl_policy_def *defs, size_t n);
void sl_rig_allow_all(struct sl_rig *r);
void sl_rig_mode(struct sl_rig *r, enum sl_policy_mode mode);
/* Whether traffic without a matching rule is allowed. Whether TCP is picked up mid-connection. */
void sl_rig_defaults(struct sl_rig *r, bool ingress, bool egress);
void sl_rig_pickup(struct sl_rig *r, bool pickup);
void sl_rig_network_mtu(struct sl_rig *r, uint16_t mtu);
/* The network's subnets 10.0.0.0/24 and fd00::/64 have gateways, .1 and ::1, and 10.66.0.0/16 is a
 * blackhole. */
void sl_rig_gateway(struct sl_rig *r);
/* The port's MAC from the next burst on. */
void sl_rig_mac(struct sl_rig *r, uint16_t port, const char *mac);
/* Packets from the port may carry offloads from now on. */
void sl_rig_offloads(struct sl_rig *r, uint16_t port);
/*
 * From now on each TCP or UDP packet that is sent is a super-segment of so many bytes more, from a port
 * with offloads. sl_rig_segments: the packets of the last one.
 */
void sl_rig_supers(struct sl_rig *r, uint32_t bytes);
uint32_t sl_rig_segments(const struct sl_rig *r);
/* Packets to the port are dropped for that reason. */
void sl_rig_port_refuses(struct sl_rig *r, uint16_t port, enum sl_drop why);
/* Drop what waits for a port that refuses packets. Returns the reason. */
enum sl_drop sl_rig_flush(struct sl_rig *r, uint16_t port);
/* Send what waits for a port whose device takes only copies, while there is no buffer for one. Returns
 * the reason for which it is dropped. */
enum sl_drop sl_rig_flush_dry(struct sl_rig *r, uint16_t port);
/* A port or the node's tunnel is removed, or changes; forwarding is resolved again. */
void sl_rig_port_gone(struct sl_rig *r, uint16_t port);
void sl_rig_tunnel(struct sl_rig *r, bool resolved, bool reachable);
void sl_rig_tunnel_gone(struct sl_rig *r);
/* The network has that encapsulation, and the node is reached by it over that family. */
void sl_rig_encap(struct sl_rig *r, enum sl_encap_id encap, enum sl_family family);
/* The same over IPv6, and the node wants UDP checksums. */
void sl_rig_udp6_checksum(struct sl_rig *r);
/* The unbound port is the host TAP of the underlay port, or no longer. */
void sl_rig_host_tap(struct sl_rig *r, bool has);
/*
 * The network has a gateway, 10.0.0.1 and fd00::1, that serves DHCP and advertises itself; name servers
 * 10.0.0.53 and fd00::53, and the search domain "example.org".
 */
void sl_rig_setup(struct sl_rig *r);
/* The network is flooded, with that many frames a second. */
void sl_rig_flood(struct sl_rig *r, uint32_t rate);
/* The endpoint behind that port, web or db, is in a VLAN of it from now on. */
void sl_rig_vlan(struct sl_rig *r, uint16_t port, uint16_t vlan);
/*
 * Network 1 has a way out with translation to 192.0.2.9: one port, where tunnel packets are received.
 */
void sl_rig_nat(struct sl_rig *r);
/* The same with that source and range of ports. Everything outside is behind one next hop. */
void sl_rig_nat_from(struct sl_rig *r, const char *source, uint16_t first, uint16_t last);
/* A commit: the network has a route to 10.50.0.0/16 by db, or has none; nothing else changes. */
void sl_rig_route_to_db(struct sl_rig *r, bool has);
/* A commit that changes something in that slot (pipelines/context/changes.h), and nothing else. */
void sl_rig_touch(struct sl_rig *r, uint16_t slot);
/* Add a programmed entry from web's UDP port 40000 to db's port 53. */
void sl_rig_program(struct sl_rig *r, enum sl_programmed_kind kind, uint32_t target);
void sl_rig_tick(struct sl_rig *r, uint32_t ticks);

/* Run packets through as one burst that came in by the port. */
void sl_rig_burst(struct sl_rig *r, uint16_t port, struct rte_mbuf **pkts, unsigned int n);
/* Send one packet. Returns its drop reason; SL_KEEP when it was not dropped. */
enum sl_drop sl_rig_send(struct sl_rig *r, uint16_t port, const struct sl_frame *f);
enum sl_drop sl_rig_send_mbuf(struct sl_rig *r, uint16_t port, struct rte_mbuf *m);

/* A turn without packets. Returns the reason for which a waiting packet was dropped. */
enum sl_drop sl_rig_spare(struct sl_rig *r);
/* Send a packet that waits for another one that never comes. Returns the reason for which it is
 * dropped in the end. */
enum sl_drop sl_rig_send_in_vain(struct sl_rig *r, uint16_t port, const struct sl_frame *f);

/* The oldest packet that left by the port, or NULL. */
struct rte_mbuf *sl_rig_sent(struct sl_rig *r, uint16_t port);
/* The same, into a frame; false when there is none. */
bool sl_rig_sent_frame(struct sl_rig *r, uint16_t port, struct sl_frame *f);
void sl_rig_discard(struct sl_rig *r); /* everything that left so far */

/* Encapsulate a frame as node 1 would send it to this node. */
void sl_rig_wrap(struct sl_frame *outer, const struct sl_frame *inner);
/* The same by another encapsulation. The sender's identity is that of far-1. */
void sl_rig_wrap_as(struct sl_frame *outer, const struct sl_frame *inner, enum sl_encap_id encap,
	enum sl_family family);

#endif
