/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TAPs of sluice's own: "tap=NAME", or "tap=NAME/PATH" for one in the network namespace whose file is
 * PATH. The interface belongs to the port: it is made when the port is opened, and goes with it.
 * A workload uses the interface as its own, so the interface has the workload's MAC.
 *
 * A TAP follows its interface by its descriptor, wherever the interface is: the descriptor knows its
 * present name, and that it is gone. State and addresses are asked by a socket that was opened in
 * the interface's namespace. Both keep that namespace alive; a namespace has gone when its path
 * means nothing any more, or another one.
 *
 * A host TAP (host_tap.h) outlives the device.
 */
#include <net/if.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <rte_string_fns.h>

#include "host_tap.h"
#include "kernel_queue.h"
#include "netns.h"
#include "privilege.h"
#include "tap_closer.h"

#ifndef TUN_F_USO4 /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define PREFIX "tap="

struct tap {
	struct sl_tap_id id;
	char netns[SL_NETNS_PATH_MAX]; /* empty: the daemon's own */
	bool stays;		       /* the interface outlives the device */
	int asks;		       /* a socket in the interface's namespace */
	uint16_t n;
	struct sl_kernel_queue queue[];
};

static bool serves(const char *devargs)
{
	return strncmp(devargs, PREFIX, strlen(PREFIX)) == 0 || sl_host_tap_is(devargs);
}

static void split(const char *devargs, char *name, size_t name_size, char *path, size_t path_size)
{
	const char *at = strchr(devargs, '=') + 1;
	size_t len = strcspn(at, "/");

	snprintf(name, name_size, "%.*s", (int)len, at);
	snprintf(path, path_size, "%s", at + len);
}

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	(void)port;
	(void)e;
	/* Both kinds of one name are one device. */
	snprintf(name, size, "%s%s", PREFIX, strchr(devargs, '=') + 1);
	return 0;
}

/* The interface is followed by its descriptor; in the daemon's own namespace, rtnetlink tells. */
static void outside(const char *devargs, struct sl_outside *o)
{
	*o = (struct sl_outside){.follow = SL_FOLLOW_INTERFACE, .makes = true};
	split(devargs, o->iface, sizeof(o->iface), o->path, sizeof(o->path));
	if (o->path[0] == '\0')
		return;
	o->iface[0] = '\0';
	o->follow = SL_FOLLOW_NONE;
	o->needs_path = true;
}

static int fail(const struct sl_port_device *d, const char *what, int error, struct sl_err *e)
{
	const struct tap *t = d->own;
	struct sl_lack lack;
	bool lacks = sl_privilege_lack(d->devargs, 0, &lack);
	int ret = sl_err_set(e, SL_ERR_DEVICE, "tap", "port %s: tap %s%s%s: %s: %s", d->name,
		t->id.name, t->netns[0] != '\0' ? " in " : "", t->netns, what,
		lacks ? lack.what : strerror(error));
	if (lacks)
		sl_err_hint(e, "%s", lack.hint);
	else if (error == EMFILE)
		sl_err_hint(e, "systemd: LimitNOFILE=; a TAP takes two descriptors");
	return ret;
}

static int exists(const struct sl_port_device *d, struct sl_err *e)
{
	const struct tap *t = d->own;
	int ret = sl_err_set(e, SL_ERR_DEVICE, "tap.name",
		"port %s: an interface %s exists already%s%s", d->name, t->id.name,
		t->netns[0] != '\0' ? " in " : "", t->netns);

	sl_err_hint(e, "choose another name, or remove the interface");
	return ret;
}

static void ask_of(const struct tap *t, struct ifreq *r)
{
	*r = (struct ifreq){0};
	rte_strscpy(r->ifr_name, t->id.name, sizeof(r->ifr_name));
}

static int ask(const struct tap *t, unsigned long request, struct ifreq *r)
{
	return ioctl(t->asks, request, r) == 0 ? 0 : -errno;
}

static int attach_queue(struct sl_port_device *d, unsigned int i, struct sl_err *e)
{
	struct tap *t = d->own;
	int header = sizeof(struct virtio_net_hdr);
	struct ifreq r;

	t->queue[i].fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->queue[i].fd < 0)
		return fail(d, "/dev/net/tun", errno, e);
	ask_of(t, &r);
	r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (i == 0)
		r.ifr_flags |= (short)IFF_TUN_EXCL;
	if (t->n > 1)
		r.ifr_flags |= IFF_MULTI_QUEUE;
	if (ioctl(t->queue[i].fd, TUNSETIFF, &r) != 0) {
		int ret;

		if (errno != EBUSY && errno != EEXIST)
			return fail(d, "it cannot be made", errno, e);
		ret = t->stays ? sl_host_tap_take_over(d, t->queue[i].fd, &r, e) : exists(d, e);
		if (ret != 0)
			return ret;
	}
	if (t->stays && ioctl(t->queue[i].fd, TUNSETPERSIST, 1UL) != 0)
		return fail(d, "it cannot be made to stay", errno, e);
	if (ioctl(t->queue[i].fd, TUNSETVNETHDRSZ, &header) != 0)
		return fail(d, "its header", errno, e);
	return 0;
}

static bool offer(const struct tap *t, unsigned long what)
{
	return ioctl(t->queue[0].fd, TUNSETOFFLOAD, what) == 0;
}

/*
 * What the kernel may hand over, of what the port wants. Asked at run time: UDP since Linux 6.2. A
 * kernel that hands over UDP super-segments takes them, too.
 */
static void set_offloads(struct sl_port_device *d)
{
	const struct tap *t = d->own;
	unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	unsigned int now = d->offloads_asked &
			   (SL_OFFLOAD_CHECKSUM | SL_OFFLOAD_TSO | SL_OFFLOAD_USO | SL_OFFLOAD_GRO);

	if ((now & SL_OFFLOAD_CHECKSUM) == 0)
		now = 0;
	if ((now & SL_OFFLOAD_TSO) == 0) {
		now &= ~(unsigned int)SL_OFFLOAD_GRO;
		tcp = TUN_F_CSUM;
	}
	if ((now & SL_OFFLOAD_USO) != 0 && !offer(t, tcp | TUN_F_USO4 | TUN_F_USO6))
		now &= ~(unsigned int)SL_OFFLOAD_USO;
	if ((now & SL_OFFLOAD_USO) == 0 && !offer(t, now != 0 ? tcp : 0))
		now = 0;
	sl_kernel_use(d, now);
}

static int set_mtu(struct sl_port_device *d, unsigned int mtu, struct sl_err *e)
{
	const struct tap *t = d->own;
	struct ifreq r;
	int ret;

	ask_of(t, &r);
	if (ask(t, SIOCGIFMTU, &r) == 0 && r.ifr_mtu == (int)mtu)
		return 0;
	r.ifr_mtu = (int)mtu;
	ret = ask(t, SIOCSIFMTU, &r);
	if (ret == 0)
		return 0;
	ret = sl_err_set(e, SL_ERR_DEVICE, "mtu", "port %s: tap %s does not take an MTU of %u: %s",
		d->name, t->id.name, mtu, strerror(-ret));
	sl_err_hint(e, "a TAP's MTU is 68 to 65521");
	return ret;
}

static int set_mac(struct sl_port_device *d, struct sl_err *e)
{
	const struct tap *t = d->own;
	struct ifreq r;

	if (!d->has_mac && !d->keeps_mac)
		return 0;
	ask_of(t, &r);
	r.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
	memcpy(r.ifr_hwaddr.sa_data, d->mac_asked.b, sizeof(d->mac_asked.b));
	if (ask(t, SIOCSIFHWADDR, &r) == 0)
		return 0;
	return fail(d, "its MAC", errno, e);
}

static int find_out(struct sl_port_device *d, struct sl_err *e)
{
	const struct tap *t = d->own;
	struct ifreq r;

	ask_of(t, &r);
	if (ask(t, SIOCGIFHWADDR, &r) != 0)
		return fail(d, "its MAC", errno, e);
	memcpy(d->mac.b, r.ifr_hwaddr.sa_data, sizeof(d->mac.b));
	if (ask(t, SIOCGIFMTU, &r) != 0)
		return fail(d, "its MTU", errno, e);
	d->mtu = (uint16_t)r.ifr_mtu;
	d->kernel_mtu = (unsigned int)r.ifr_mtu;
	if (t->netns[0] == '\0' && ask(t, SIOCGIFINDEX, &r) == 0)
		d->ifindex = r.ifr_ifindex;
	return 0;
}

static int set_up(struct sl_port_device *d, struct sl_err *e)
{
	const struct tap *t = d->own;
	struct ifreq r;
	int ret = set_mac(d, e);

	if (ret == 0 && d->mtu_asked != 0)
		ret = set_mtu(d, d->mtu_asked, e);
	if (ret != 0)
		return ret;
	ask_of(t, &r);
	r.ifr_qlen = d->n_desc;
	(void)ask(t, SIOCSIFTXQLEN, &r);
	if (ask(t, SIOCGIFFLAGS, &r) != 0)
		return fail(d, "its flags", errno, e);
	r.ifr_flags |= IFF_UP;
	if (ask(t, SIOCSIFFLAGS, &r) != 0)
		return fail(d, "it cannot be set up", errno, e);
	return find_out(d, e);
}

static int make(struct sl_port_device *d, struct sl_err *e)
{
	struct tap *t = d->own;
	int ret = 0;

	sl_tap_wait_closed(&t->id);
	t->asks = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (t->asks < 0)
		return fail(d, "no socket", errno, e);
	for (unsigned int i = 0; i < t->n && ret == 0; i++)
		ret = attach_queue(d, i, e);
	if (ret != 0)
		return ret;
	set_offloads(d);
	return set_up(d, e);
}

static int make_in_namespace(struct sl_port_device *d, struct sl_err *e)
{
	struct tap *t = d->own;
	struct sl_lack lack;
	char why[200];
	int back, ret;
	bool lacks;

	if (t->netns[0] == '\0')
		return make(d, e);
	back = sl_netns_enter(t->netns, &t->id.ns, why, sizeof(why));
	if (back < 0) {
		ret = sl_err_set(e, SL_ERR_DEVICE, "tap.netns", "port %s: tap %s: %s", d->name,
			t->id.name, why);
		lacks = back == -EPERM && sl_privilege_lack(d->devargs, 0, &lack);
		sl_err_hint(e, "%s", lacks ? lack.hint : "name a file such as /run/netns/NAME");
		return ret;
	}
	ret = make(d, e);
	sl_netns_leave(back);
	return ret;
}

static struct tap *new_tap(const struct sl_port_device *d)
{
	size_t size = sizeof(struct tap) + d->n_rxq * sizeof(struct sl_kernel_queue);
	struct tap *t = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(size));

	if (t == NULL)
		return NULL;
	memset(t, 0, size);
	split(d->devargs, t->id.name, sizeof(t->id.name), t->netns, sizeof(t->netns));
	t->stays = sl_host_tap_is(d->devargs);
	t->asks = -1;
	t->n = d->n_rxq;
	for (unsigned int i = 0; i < t->n; i++) {
		t->queue[i].fd = -1;
		t->queue[i].tag = d->tag;
	}
	return t;
}

static int open_tap(struct sl_port_device *d, struct sl_err *e)
{
	struct tap *t = new_tap(d);
	int ret = t != NULL ? 0 : sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");

	if (ret != 0)
		return ret;
	d->own = t;
	rte_strscpy(d->driver_name, "tap", sizeof(d->driver_name));
	d->mtu_limit = 65521; /* Linux: TUN's max_mtu */
	d->keeps = SL_KEEPS_NOTHING;
	ret = sl_kernel_buffers(d, e);
	if (ret == 0)
		ret = make_in_namespace(d, e);
	if (ret != 0)
		return ret;
	sl_kernel_queues(d, t->queue);
	return 0;
}

static void lost(const struct sl_port_device *d, struct sl_port_lost *l)
{
	const struct tap *t = d->own;

	sl_kernel_lost(t->queue, t->n, l);
}

static void close_queues(const struct tap *t)
{
	int fd[SL_QUEUES_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->n; i++)
		if (t->queue[i].fd >= 0)
			fd[n++] = t->queue[i].fd;
	if (n > 0)
		sl_tap_close(&t->id, fd, n);
}

static void close_tap(struct sl_port_device *d)
{
	struct tap *t = d->own;

	if (t == NULL)
		return;
	lost(d, &d->lost);
	close_queues(t);
	if (t->asks >= 0)
		close(t->asks);
	free(t);
	d->own = NULL;
}

/* The descriptor of an interface that was deleted is ready for ever: the control thread is to know. */
static __rte_noinline void note_failure(const struct sl_kernel_queue *q)
{
	if (errno == EBADFD)
		sl_port_device_tell(q->device, SL_TOLD_CHANGED);
}

static uint16_t receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	struct sl_kernel_queue *q = rxq;
	struct sl_kernel_room *r;
	uint32_t bytes = 0;
	uint16_t k = 0;

	while (k < n && bytes < SL_KERNEL_BURST_BYTES && (r = sl_kernel_room(q)) != NULL) {
		ssize_t len = readv(q->fd, r->iov, 2);

		if (len < 0) {
			note_failure(q);
			break;
		}
		pkt[k] = sl_kernel_packet(q, r, (size_t)len);
		bytes += (uint32_t)len;
		k += pkt[k] != NULL;
	}
	return k;
}

static uint16_t transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	struct sl_kernel_queue *q = txq;
	struct iovec iov[SL_KERNEL_BUFFERS_MAX + 1];
	struct virtio_net_hdr h;
	uint16_t k;

	for (k = 0; k < n; k++) {
		unsigned int pieces = sl_kernel_pieces(pkt[k], &h, iov);

		if (pieces > 0 && writev(q->fd, iov, (int)pieces) >= 0)
			continue;
		if (pieces > 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
			break;
		atomic_fetch_add_explicit(
			&q->refused, sl_super_segments(pkt[k]), memory_order_relaxed);
	}
	rte_pktmbuf_free_bulk(pkt, k);
	return k;
}

/* The namespace at the path is no longer the one that the interface was made in. */
static bool lost_namespace(const struct tap *t, struct sl_port_link *l)
{
	struct sl_netns ns;
	struct stat st;

	if (t->netns[0] == '\0' || (stat(t->netns, &st) == 0 && st.st_dev == t->id.ns.dev &&
					   st.st_ino == t->id.ns.ino))
		return false;
	if (!sl_netns_find(t->netns, &ns, l->why, sizeof(l->why)))
		return true;
	snprintf(l->why, sizeof(l->why), "network namespace %s was made again", t->netns);
	return true;
}

static void describe(const struct tap *t, struct ifreq *r, struct sl_port_link *l)
{
	l->state = (r->ifr_flags & IFF_UP) != 0 ? SL_LINK_UP : SL_LINK_DOWN;
	if (l->state == SL_LINK_DOWN)
		snprintf(l->why, sizeof(l->why), "interface %s is down", t->id.name);
	if (ask(t, SIOCGIFMTU, r) == 0)
		l->mtu = (unsigned int)r->ifr_mtu;
	if (ask(t, SIOCGIFHWADDR, r) == 0) {
		l->has_mac = true;
		memcpy(l->mac.b, r->ifr_hwaddr.sa_data, sizeof(l->mac.b));
	}
}

static void link_state(struct sl_port_device *d, uint32_t told, struct sl_port_link *l)
{
	const struct tap *t = d->own;
	struct ifreq now = {0}, r;

	(void)told;
	if (lost_namespace(t, l)) {
		l->state = SL_LINK_LOST;
		return;
	}
	if (ioctl(t->queue[0].fd, TUNGETIFF, &now) != 0) {
		l->state = SL_LINK_LOST;
		snprintf(l->why, sizeof(l->why), "interface %s was deleted", t->id.name);
		return;
	}
	if (strcmp(now.ifr_name, t->id.name) != 0) {
		l->state = SL_LINK_AWAY;
		snprintf(l->why, sizeof(l->why), "interface %s was renamed: it is %s now",
			t->id.name, now.ifr_name);
		return;
	}
	ask_of(t, &r);
	if (ask(t, SIOCGIFFLAGS, &r) == 0)
		describe(t, &r, l);
	else
		l->state = SL_LINK_UP; /* it was moved into a namespace that cannot be seen */
}

static int interface(const struct sl_port_device *d)
{
	const struct tap *t = d->own;

	return t->netns[0] == '\0' ? d->ifindex : 0;
}

static int ready_fd(const struct sl_port_device *d, unsigned int queue)
{
	const struct tap *t = d->own;

	return t->queue[queue].fd;
}

const struct sl_port_driver sl_kernel_tap_driver = {
	.name = "tap",
	.asked = true,
	.serves = serves,
	.parse = parse,
	.outside = outside,
	.open = open_tap,
	.close = close_tap,
	.receive = receive,
	.transmit = transmit,
	.ready_fd = ready_fd,
	.link = link_state,
	.interface = interface,
	.lost = lost,
	.set_mtu = set_mtu,
};
