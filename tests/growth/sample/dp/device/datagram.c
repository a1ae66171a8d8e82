/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port over a unix datagram socket: one datagram is one Ethernet frame. For simulators and tests,
 * which exchange frames with a node without an interface of the kernel's.
 *
 *	datagram0,local=/run/a.sock,peer=/run/b.sock
 *
 * The device makes the socket `local` when it is opened and removes it when it is closed. It sends
 * to the socket `peer`, which need not be there yet. Any process that may write to `local` is taken
 * for the peer.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_kvargs.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "dp/device/port_driver.h"

static const char datagram[] = "datagram";

enum {
	L2_OVERHEAD = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN,
	SEGMENTS_MAX = 16,
};

/* One queue each way. Counters: written by the worker, read by the control thread. */
struct socket_device {
	int fd;	    /* -1: not made yet */
	bool bound; /* the file at local is this device's */
	uint16_t tag;
	struct rte_mempool *pool;
	struct sockaddr_un local, peer;
	_Atomic(uint64_t) rx_errors, rx_no_buffer, refused;
};

static void count(_Atomic(uint64_t) *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

/* "datagram" and a number or none, with arguments behind. */
static bool serves(const char *devargs)
{
	size_t len = sizeof(datagram) - 1;

	if (strncmp(devargs, datagram, len) != 0)
		return false;
	while (isdigit((unsigned char)devargs[len]))
		len++;
	return devargs[len] == '\0' || devargs[len] == ',';
}

static bool read_path(const struct rte_kvargs *args, const char *key, struct sockaddr_un *out)
{
	const char *path = rte_kvargs_get(args, key);

	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	return path != NULL && path[0] == '/' &&
	       rte_strscpy(out->sun_path, path, sizeof(out->sun_path)) > 0;
}

/* What devargs say. 0, or -EINVAL and *e. */
static int read_args(
	const char *devargs, struct sockaddr_un *local, struct sockaddr_un *peer, struct sl_err *e)
{
	static const char *const keys[] = {"local", "peer", NULL};
	const char *comma = strchr(devargs, ',');
	struct rte_kvargs *args = rte_kvargs_parse(comma != NULL ? comma + 1 : "", keys);
	bool good =
		args != NULL && read_path(args, "local", local) && read_path(args, "peer", peer);

	rte_kvargs_free(args);
	if (good)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "devargs",
		"\"%.100s\" does not name two sockets by absolute paths of at most %zu bytes",
		devargs, sizeof(local->sun_path) - 1);
	sl_err_hint(e, "write it as datagram0,local=/run/a.sock,peer=/run/b.sock");
	return -EINVAL;
}

static int check(const char *devargs, struct sl_err *e)
{
	struct sockaddr_un local, peer;

	return read_args(devargs, &local, &peer, e);
}

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	size_t len = strcspn(devargs, ",");

	if (len >= size)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"port %s: a device's name has at most %zu bytes", port, size - 1);
	memcpy(name, devargs, len);
	name[len] = '\0';
	return check(devargs, e);
}

static int bind_socket(struct sl_port_device *d, struct socket_device *x, struct sl_err *e)
{
	x->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	x->bound = x->fd >= 0 &&
		   bind(x->fd, (const struct sockaddr *)&x->local, sizeof(x->local)) == 0;
	if (x->bound)
		return 0;
	return sl_err_set(e, SL_ERR_DEVICE, "devargs", "port %s: socket %s cannot be made: %s",
		d->name, x->local.sun_path, strerror(errno));
}

static void describe(struct sl_port_device *d)
{
	const struct sl_mac own = {{0x02, 0x98, 0, 0, (uint8_t)(d->port >> 8), (uint8_t)d->port}};

	rte_strscpy(d->driver_name, datagram, sizeof(d->driver_name));
	d->mac = d->has_mac || d->keeps_mac ? d->mac_asked : own;
	d->mtu = RTE_ETHER_MTU;
	d->keeps = SL_KEEPS_NOTHING;
	d->n_txq = 1;
}

static int open(struct sl_port_device *d, struct sl_err *e)
{
	unsigned int mtu = d->mtu_asked != 0 ? d->mtu_asked : RTE_ETHER_MTU;
	struct socket_device *x;
	int ret;

	if (d->n_rxq > 1)
		return sl_err_set(e, SL_ERR_PARAMS, "queues",
			"port %s: a datagram socket has one receive queue", d->name);
	describe(d);
	d->own = d->rxq[0] = d->txq[0] = x = rte_zmalloc(datagram, sizeof(*x), RTE_CACHE_LINE_SIZE);
	if (x == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	x->fd = -1;
	ret = read_args(d->devargs, &x->local, &x->peer, e);
	if (ret == 0)
		ret = sl_port_device_pool(
			d, RTE_PKTMBUF_HEADROOM + mtu + L2_OVERHEAD, d->n_desc, d->n_desc, e);
	if (ret != 0)
		return ret;
	x->pool = d->pool;
	x->tag = d->tag;
	d->mtu_limit = rte_pktmbuf_data_room_size(d->pool) - RTE_PKTMBUF_HEADROOM - L2_OVERHEAD;
	return bind_socket(d, x, e);
}

static void lost(const struct sl_port_device *d, struct sl_port_lost *l)
{
	struct socket_device *x = d->own;

	*l = (struct sl_port_lost){
		.rx_errors = x->rx_errors, .rx_no_buffer = x->rx_no_buffer, .refused = x->refused};
}

static void close_device(struct sl_port_device *d)
{
	struct socket_device *x = d->own;

	if (x == NULL)
		return;
	lost(d, &d->lost);
	if (x->bound)
		unlink(x->local.sun_path);
	if (x->fd >= 0)
		close(x->fd);
	rte_free(x);
	d->own = NULL;
}

/* One frame into the buffer. False: there is none. A frame that does not fit has length 0. */
static bool receive_frame(struct socket_device *x, struct rte_mbuf *m)
{
	uint16_t room = rte_pktmbuf_tailroom(m);
	ssize_t len = recv(x->fd, rte_pktmbuf_mtod(m, void *), room, MSG_TRUNC);

	if (len < 0)
		return false;
	if (len == 0 || len > room)
		len = 0;
	m->port = x->tag;
	m->data_len = (uint16_t)len;
	m->pkt_len = (uint32_t)len;
	return true;
}

static uint16_t receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	struct socket_device *x = rxq;
	struct rte_mbuf *m = NULL;
	uint16_t got = 0;

	while (got < n) {
		m = m != NULL ? m : rte_pktmbuf_alloc(x->pool);
		if (m == NULL)
			count(&x->rx_no_buffer);
		if (m == NULL || !receive_frame(x, m))
			break;
		if (m->pkt_len == 0) {
			count(&x->rx_errors);
			continue;
		}
		pkt[got++] = m;
		m = NULL;
	}
	rte_pktmbuf_free(m);
	return got;
}

/* 0: the socket has the frame. Otherwise errno. */
static int send_frame(struct socket_device *x, const struct rte_mbuf *m)
{
	struct iovec piece[SEGMENTS_MAX];
	struct msghdr msg = {
		.msg_name = &x->peer, .msg_namelen = sizeof(x->peer), .msg_iov = piece};

	for (; m != NULL && msg.msg_iovlen < SEGMENTS_MAX; m = m->next)
		piece[msg.msg_iovlen++] = (struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
	if (m != NULL)
		return EMSGSIZE;
	return sendmsg(x->fd, &msg, MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

/* A full socket is a full queue. Without a peer, frames are lost as on a wire with nobody at it. */
static uint16_t transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	struct socket_device *x = txq;
	uint16_t sent = 0;

	for (; sent < n; sent++) {
		int err = send_frame(x, pkt[sent]);

		if (err == EAGAIN)
			break;
		if (err != 0)
			count(&x->refused);
		rte_pktmbuf_free(pkt[sent]);
	}
	return sent;
}

const struct sl_port_driver sl_datagram_driver = {
	.name = datagram,
	.serves = serves,
	.check = check,
	.parse = parse,
	.open = open,
	.close = close_device,
	.receive = receive,
	.transmit = transmit,
	.lost = lost,
};
