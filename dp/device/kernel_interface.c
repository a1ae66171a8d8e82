/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel interfaces that exist: "interface=NAME", by packet sockets. The interface is used as it is:
 * nothing about it is changed, but its MTU when the port asks for one. The sockets make it
 * promiscuous, which ends with them.
 */
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_string_fns.h>

#include "interface.h"
#include "interface_counters.h"
#include "dp/egress/udp_super.h"
#include "kernel_link.h"
#include "kernel_queue.h"
#include "privilege.h"

#define PREFIX	   "interface="
#define PREFIX_LEN (sizeof(PREFIX) - 1)

enum {
	ROOM_A_PACKET = 2048, /* of the socket's buffer, for each of its descriptors */
	SEND_ROOM = 4 << 20,
};

struct packet_port {
	char name[IFNAMSIZ];
	uint64_t missed;	  /* packets that the kernel had no room for */
	int ready[SL_QUEUES_MAX]; /* epoll sets: a queue's socket and its bell */
	uint16_t n;
	struct sl_kernel_queue queue[];
};

static bool serves(const char *devargs)
{
	return strncmp(devargs, PREFIX, PREFIX_LEN) == 0;
}

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	(void)port;
	(void)e;
	rte_strscpy(name, devargs, size);
	return 0;
}

static void outside(const char *devargs, struct sl_outside *o)
{
	*o = (struct sl_outside){.follow = SL_FOLLOW_INTERFACE};
	rte_strscpy(o->iface, devargs + PREFIX_LEN, sizeof(o->iface));
}

static int fail(const struct sl_port_device *d, const char *what, int error, struct sl_err *e)
{
	const struct packet_port *p = d->own;
	struct sl_lack lack;
	bool lacks = sl_privilege_lack(d->devargs, 0, &lack);
	int ret = sl_err_set(e, SL_ERR_DEVICE, "interface", "port %s: interface %s: %s: %s",
		d->name, p->name, what, lacks ? lack.what : strerror(error));

	if (lacks)
		sl_err_hint(e, "%s", lack.hint);
	return ret;
}

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* The kernel would show the socket what the host itself sends on the interface. */
static bool ignore_outgoing(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {.len = RTE_DIM(code), .filter = code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
		return false;
	(void)set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1); /* earlier and cheaper */
	return true;
}

/* Beyond the host's limits when this process may. */
static void set_room(int fd, int receive)
{
	if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive))
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, receive);
	if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_ROOM))
		(void)set(fd, SOL_SOCKET, SO_SNDBUF, SEND_ROOM);
}

static int set_up_socket(const struct sl_port_device *d, int fd, int ifindex, struct sl_err *e)
{
	const struct packet_mreq all = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = RTE_BE16(ETH_P_ALL),
		.sll_ifindex = ifindex};

	if (!set(fd, SOL_PACKET, PACKET_VNET_HDR, 1))
		return fail(d, "no virtio-net headers", errno, e);
	if (!set(fd, SOL_PACKET, PACKET_AUXDATA, 1))
		return fail(d, "no VLAN tags", errno, e);
	if (!ignore_outgoing(fd))
		return fail(d, "its own packets", errno, e);
	set_room(fd, d->n_desc * ROOM_A_PACKET);
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) != 0)
		return fail(d, "it does not become promiscuous", errno, e);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return fail(d, "it cannot be bound", errno, e);
	return 0;
}

/* Spreads flows over the queues. No fragment is put together with others. The kernel finds a number
 * for the group: programs of one namespace, and their ports, share the numbers. */
static int join(const struct sl_port_device *d, unsigned int i, struct sl_err *e)
{
	const uint32_t how = PACKET_FANOUT_HASH | (i == 0 ? PACKET_FANOUT_FLAG_UNIQUEID : 0);
	const struct packet_port *p = d->own;
	const int first = p->queue[0].fd, fd = p->queue[i].fd;
	uint32_t group = 0;
	socklen_t len = sizeof(group);

	if (d->n_rxq == 1)
		return 0;
	if ((i == 0 || getsockopt(first, SOL_PACKET, PACKET_FANOUT, &group, &len) == 0) &&
		set(fd, SOL_PACKET, PACKET_FANOUT, (int)((group & UINT16_MAX) | how << 16)))
		return 0;
	return fail(d, "several queues", errno, e);
}

/*
 * A worker that asks whether a queue is ready must also hear of packets that were read and did not
 * fit in its burst: see struct sl_kernel_queue.
 */
static bool watch(struct packet_port *p, unsigned int i)
{
	struct epoll_event in = {.events = EPOLLIN};

	p->queue[i].bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->ready[i] = epoll_create1(EPOLL_CLOEXEC);
	return p->queue[i].bell >= 0 && p->ready[i] >= 0 &&
	       epoll_ctl(p->ready[i], EPOLL_CTL_ADD, p->queue[i].fd, &in) == 0 &&
	       epoll_ctl(p->ready[i], EPOLL_CTL_ADD, p->queue[i].bell, &in) == 0;
}

/* The protocol 0: no packet comes in before the socket is bound. */
static int open_queue(struct sl_port_device *d, unsigned int i, int ifindex, struct sl_err *e)
{
	struct packet_port *p = d->own;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), ret;

	p->queue[i].fd = fd;
	if (fd < 0)
		return fail(d, "no packet socket", errno, e);
	ret = set_up_socket(d, fd, ifindex, e);
	if (ret == 0)
		ret = join(d, i, e);
	if (ret == 0 && !watch(p, i))
		ret = fail(d, "no epoll set", errno, e);
	return ret;
}

static int interface_mtu(const struct sl_port_device *d, unsigned long request, unsigned int *mtu)
{
	const struct packet_port *p = d->own;
	struct ifreq r = {.ifr_mtu = (int)*mtu};

	rte_strscpy(r.ifr_name, p->name, sizeof(r.ifr_name));
	if (ioctl(p->queue[0].fd, request, &r) != 0)
		return -errno;
	*mtu = (unsigned int)r.ifr_mtu;
	return 0;
}

static int set_mtu(struct sl_port_device *d, unsigned int mtu, struct sl_err *e)
{
	const struct packet_port *p = d->own;
	unsigned int now = 0, wanted = mtu;
	int ret;

	if (interface_mtu(d, SIOCGIFMTU, &now) == 0 && now == mtu)
		return 0;
	ret = interface_mtu(d, SIOCSIFMTU, &wanted);
	if (ret == 0 || now > mtu) /* a larger MTU of the interface is harmless */
		return 0;
	ret = sl_err_set(e, SL_ERR_DEVICE, "mtu",
		"port %s: interface %s has an MTU of %u and does not take %u: %s", d->name, p->name,
		now, mtu, strerror(-ret));
	sl_err_hint(e, "ip link set %s mtu %u", p->name, mtu);
	return ret;
}

static int find_out(struct sl_port_device *d, int *ifindex, struct sl_err *e)
{
	const struct packet_port *p = d->own;
	struct sl_interface i;

	if (!sl_interface_ask(p->name, &i) || i.index == 0)
		return fail(d, "it is not there", ENODEV, e);
	*ifindex = i.index;
	d->ifindex = i.index;
	d->kernel_mtu = i.mtu;
	d->mtu = (uint16_t)RTE_MIN(i.mtu, (unsigned int)UINT16_MAX);
	d->mac = d->has_mac ? d->mac_asked : i.mac;
	return 0;
}

/* Packet sockets pass UDP super-segments since Linux 6.2. */
static bool has_uso(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) != 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 2);
}

/*
 * The kernel finishes and cuts what the interface behind the socket does not take. What it hands
 * over cannot be chosen: the other end of a veth may send anything.
 */
static void set_offloads(struct sl_port_device *d)
{
	unsigned int now =
		d->offloads_asked & (SL_OFFLOAD_CHECKSUM | SL_OFFLOAD_TSO | SL_OFFLOAD_USO |
					    SL_OFFLOAD_UDP_GSO | SL_OFFLOAD_GRO);

	if ((now & SL_OFFLOAD_CHECKSUM) == 0)
		now = 0;
	if ((now & SL_OFFLOAD_TSO) == 0)
		now &= ~(unsigned int)SL_OFFLOAD_GRO;
	if (!has_uso())
		now &= ~(unsigned int)(SL_OFFLOAD_USO | SL_OFFLOAD_UDP_GSO);
	if (!d->underlay)
		now &= ~(unsigned int)SL_OFFLOAD_UDP_GSO;
	sl_kernel_use(d, now);
	if ((now & SL_OFFLOAD_UDP_GSO) != 0)
		d->takes |= SL_TAKES_UDP_GSO;
	d->offloads_in = true;
}

static struct packet_port *new_port(const struct sl_port_device *d)
{
	size_t size = sizeof(struct packet_port) + d->n_rxq * sizeof(struct sl_kernel_queue);
	struct packet_port *p = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(size));

	if (p == NULL)
		return NULL;
	memset(p, 0, size);
	rte_strscpy(p->name, d->devargs + PREFIX_LEN, sizeof(p->name));
	p->n = d->n_rxq;
	for (unsigned int i = 0; i < p->n; i++) {
		p->queue[i].fd = p->queue[i].bell = p->ready[i] = -1;
		p->queue[i].tag = d->tag;
		p->queue[i].takes_apart = true;
		p->queue[i].underlay = d->underlay;
	}
	return p;
}

static int open_interface(struct sl_port_device *d, struct sl_err *e)
{
	struct packet_port *p = new_port(d);
	int ifindex = 0, ret;

	if (p == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	d->own = p;
	rte_strscpy(d->driver_name, "interface", sizeof(d->driver_name));
	d->mtu_limit = 65521;
	d->keeps = SL_KEEPS_NOTHING;
	set_offloads(d);
	ret = sl_kernel_buffers(d, e);
	if (ret == 0)
		ret = find_out(d, &ifindex, e);
	for (unsigned int i = 0; i < p->n && ret == 0; i++)
		ret = open_queue(d, i, ifindex, e);
	if (ret == 0 && d->mtu_asked != 0)
		ret = set_mtu(d, d->mtu_asked, e);
	if (ret != 0)
		return ret;
	sl_kernel_queues(d, p->queue);
	return 0;
}

/* The kernel resets its count when it is read. */
static void lost(const struct sl_port_device *d, struct sl_port_lost *l)
{
	struct packet_port *p = d->own;

	sl_kernel_lost(p->queue, p->n, l);
	for (unsigned int i = 0; i < p->n; i++) {
		struct tpacket_stats s = {0};
		socklen_t len = sizeof(s);

		if (getsockopt(p->queue[i].fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
			p->missed += s.tp_drops;
	}
	l->rx_missed += p->missed;
}

static void close_queue(const struct packet_port *p, unsigned int i)
{
	const int fd[] = {p->ready[i], p->queue[i].bell, p->queue[i].fd};

	for (unsigned int k = 0; k < RTE_DIM(fd); k++)
		if (fd[k] >= 0)
			close(fd[k]);
}

static void close_interface(struct sl_port_device *d)
{
	struct packet_port *p = d->own;

	if (p == NULL)
		return;
	sl_kernel_queues_end(p->queue, p->n);
	lost(d, &d->lost);
	for (unsigned int i = 0; i < p->n; i++)
		close_queue(p, i);
	free(p);
	d->own = NULL;
}

/* The kernel takes a VLAN tag out of the packet: put it back. */
static void put_tag_back(struct msghdr *msg, struct rte_mbuf *m)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (c == NULL || c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA ||
		c->cmsg_len < CMSG_LEN(sizeof(aux)))
		return;
	memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	if ((aux.tp_status & TP_STATUS_VLAN_VALID) != 0)
		sl_kernel_put_tag(m,
			(aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux.tp_vlan_tpid
									 : RTE_ETHER_TYPE_VLAN,
			aux.tp_vlan_tci);
}

/* The bell is readable while parts of a packet wait for the next burst. */
static __rte_noinline void ring(struct sl_kernel_queue *q)
{
	eventfd_t n = 1;

	q->rung = !q->rung;
	if (q->rung)
		(void)eventfd_write(q->bell, n);
	else
		(void)eventfd_read(q->bell, &n);
}

static uint16_t receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	struct sl_kernel_queue *q = rxq;
	union {
		char room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} control;
	struct sl_kernel_room *r;
	uint32_t bytes = 0;
	uint16_t k = 0;

	if (unlikely(q->apart.whole != NULL))
		k = sl_kernel_parts(q, pkt, n);
	while (k < n && bytes < SL_KERNEL_BURST_BYTES && (r = sl_kernel_room(q)) != NULL) {
		struct msghdr msg = {.msg_iov = r->iov,
			.msg_iovlen = 2,
			.msg_control = control.room,
			.msg_controllen = sizeof(control.room)};
		ssize_t len = recvmsg(q->fd, &msg, MSG_TRUNC);

		if (len < 0)
			break;
		pkt[k] = sl_kernel_packet(q, r, (size_t)len);
		bytes += (uint32_t)len;
		if (pkt[k] == NULL)
			continue;
		put_tag_back(&msg, pkt[k]);
		if (unlikely(sl_is_super(pkt[k])) && sl_kernel_is_apart(q, pkt[k]))
			k = (uint16_t)(k + sl_kernel_parts(q, pkt + k, (uint16_t)(n - k)));
		else
			k++;
	}
	if (unlikely((q->apart.whole != NULL) != q->rung))
		ring(q);
	return k;
}

static bool is_full(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

/* A tunnel super-segment as UDP super-packets. False: the socket has no room, and none has left. What
 * does not leave after the first is lost. */
static __rte_noinline bool transmit_udp_super(struct sl_kernel_queue *q, const struct rte_mbuf *m)
{
	struct sl_udp_super u;
	bool first = true;

	if (!sl_udp_super_begin(&u, m)) {
		atomic_fetch_add_explicit(&q->refused, sl_super_segments(m), memory_order_relaxed);
		return true;
	}
	for (; sl_udp_super_next(&u); first = false) {
		const struct msghdr msg = {.msg_iov = u.iov, .msg_iovlen = u.n_iov};

		if (sendmsg(q->fd, &msg, 0) >= 0)
			continue;
		if (first && is_full(errno))
			return false;
		atomic_fetch_add_explicit(&q->refused, u.parts, memory_order_relaxed);
	}
	return true;
}

static uint16_t transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	struct sl_kernel_queue *q = txq;
	struct iovec iov[SL_KERNEL_BUFFERS_MAX + 1];
	struct virtio_net_hdr h;
	uint16_t k;

	for (k = 0; k < n; k++) {
		struct msghdr msg = {.msg_iov = iov};

		if (sl_is_super(pkt[k]) && (pkt[k]->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0) {
			if (transmit_udp_super(q, pkt[k]))
				continue;
			break;
		}
		msg.msg_iovlen = sl_kernel_pieces(pkt[k], &h, iov);
		if (msg.msg_iovlen > 0 && sendmsg(q->fd, &msg, 0) >= 0)
			continue;
		if (msg.msg_iovlen > 0 && is_full(errno))
			break;
		atomic_fetch_add_explicit(
			&q->refused, sl_super_segments(pkt[k]), memory_order_relaxed);
	}
	rte_pktmbuf_free_bulk(pkt, k);
	return k;
}

static void link_state(struct sl_port_device *d, uint32_t told, struct sl_port_link *l)
{
	const struct packet_port *p = d->own;

	(void)told;
	sl_kernel_link(d, p->name, l);
}

static int interface(const struct sl_port_device *d)
{
	return d->ifindex;
}

static int ready_fd(const struct sl_port_device *d, unsigned int queue)
{
	const struct packet_port *p = d->own;

	return p->ready[queue];
}

const struct sl_port_driver sl_kernel_interface_driver = {
	.name = "interface",
	.asked = true,
	.serves = serves,
	.parse = parse,
	.outside = outside,
	.open = open_interface,
	.close = close_interface,
	.receive = receive,
	.transmit = transmit,
	.ready_fd = ready_fd,
	.link = link_state,
	.interface = interface,
	.lost = lost,
	.set_mtu = set_mtu,
};
