/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_af_packet does not expose its sockets, or the rings that it shares with the kernel. Both are
 * found from outside: the sockets among this process's descriptors, by the interface they are bound
 * to; each socket's rings as the mapping of that socket. The kernel defines the ring's layout
 * (packet_mmap(7)): first the slots for receiving, then as many for transmitting.
 *
 * They are needed for two things:
 * - The kernel shows a packet socket what the host itself sends on the interface. A filter on the
 *   socket stops that. (PACKET_IGNORE_OUTGOING does not: the driver puts its sockets into a fanout
 *   group, which has its own such setting from its creation.)
 * - A slot that was filled while the interface was down, or had no carrier, stays filled until the
 *   interface is back. Slots cannot be taken back, because driver and kernel each rely on the
 *   position of the other. But the kernel skips a slot with a length of one byte, because it
 *   refuses frames shorter than an Ethernet header. The driver sets PACKET_LOSS, so the refused
 *   slot is returned.
 */
#include <dirent.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <rte_ethdev.h>

#include "dpdk.h"
#include "interface_counters.h"
#include "tx_slots.h"

struct ring {
	int fd;		/* its socket, which the driver owns */
	uint64_t inode; /* of the socket */
	uint8_t *rx;
	struct sl_tx_slots tx; /* of the same number and size as those for receiving */
	struct sl_tx_watch watch;
	bool *waited; /* [n_slots] whether it waited at the last check */
};

struct sl_af_rings {
	unsigned int n; /* rings, one for each queue */
	int ifindex;
	uint64_t missed; /* packets that the kernel had no slot for */
	struct ring ring[SL_QUEUES_MAX];
	/* at the last check */
	uint64_t given;
	bool running;
	bool is_noted; /* `waited` is valid */
};

static bool has_socket(const struct sl_af_rings *r, uint64_t inode)
{
	for (unsigned int q = 0; r != NULL && q < r->n; q++)
		if (r->ring[q].inode == inode)
			return true;
	return false;
}

static bool is_known(uint64_t inode)
{
	for (const struct sl_dpdk *x = sl_dpdk_first(); x != NULL; x = x->next)
		if (has_socket(x->rings, inode))
			return true;
	return false;
}

/* True for a packet socket on that interface. */
static bool is_bound_to(int fd, int ifindex)
{
	struct sockaddr_ll at = {0};
	socklen_t len = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.sll_family == AF_PACKET &&
	       at.sll_ifindex == ifindex;
}

static int option_of(int fd, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_PACKET, option, &value, &len) == 0 ? value : 0;
}

static bool ignore_outgoing(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {.len = RTE_DIM(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

/*
 * Makes the interface promiscuous while the socket exists. The kernel counts such requests: this
 * needs no capability, and leaves the interface unchanged.
 */
static bool hear_all(int fd, int ifindex)
{
	const struct packet_mreq all = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};

	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == 0;
}

/* Also tells whether the kernel returns refused frames; without that, none can be dropped. */
static bool set_up_socket(int fd, int ifindex)
{
	return ignore_outgoing(fd) && hear_all(fd, ifindex) && option_of(fd, PACKET_LOSS) != 0 &&
	       option_of(fd, PACKET_VERSION) == TPACKET_V2;
}

static int try_socket(struct sl_port_device *d, int fd, int ifindex)
{
	struct sl_af_rings *r = sl_dpdk_of(d)->rings;
	struct stat st;

	if (!is_bound_to(fd, ifindex) || fstat(fd, &st) != 0 || is_known(st.st_ino))
		return 0;
	if (r->n == SL_QUEUES_MAX || !set_up_socket(fd, ifindex))
		return -1;
	r->ring[r->n++] = (struct ring){.fd = fd, .inode = st.st_ino};
	return 0;
}

static int find_sockets(struct sl_port_device *d, int ifindex)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int ret = dir != NULL ? 0 : -1;

	while (ret == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			ret = try_socket(d, (int)strtol(entry->d_name, NULL, 10), ifindex);
	if (dir != NULL)
		closedir(dir);
	return ret == 0 && sl_dpdk_of(d)->rings->n == d->n_rxq ? 0 : -1;
}

static void note_mapping(struct sl_port_device *d, const char *line)
{
	uint64_t from, to, inode;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %" SCNu64, &from, &to, &inode) != 3)
		return;
	for (unsigned int q = 0; q < sl_dpdk_of(d)->rings->n; q++) {
		struct ring *r = &sl_dpdk_of(d)->rings->ring[q];

		if (r->inode != inode || r->rx != NULL)
			continue;
		r->rx = (uint8_t *)(uintptr_t)from;
		r->tx = (struct sl_tx_slots){.at = (uint8_t *)(uintptr_t)(from + (to - from) / 2),
			.n = (uint32_t)((to - from) / 2 / sl_dpdk_of(d)->framesz),
			.size = sl_dpdk_of(d)->framesz};
	}
}

static int find_mappings(struct sl_port_device *d)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		note_mapping(d, line);
	if (f != NULL)
		fclose(f);
	for (unsigned int q = 0; q < sl_dpdk_of(d)->rings->n; q++) {
		struct ring *r = &sl_dpdk_of(d)->rings->ring[q];

		r->waited = r->tx.n > 0 ? calloc(r->tx.n, sizeof(*r->waited)) : NULL;
		if (r->waited == NULL)
			return -1;
	}
	return 0;
}

/*
 * Drops what arrived before the sockets were ready: the host's own frames, and frames of
 * other interfaces, because a packet socket receives from all of them until it is bound. At
 * most a ring full.
 */
static void discard_received(const struct sl_port_device *d)
{
	struct rte_mbuf *m[SL_BURST_MAX];

	for (uint16_t q = 0; q < d->n_rxq; q++) {
		uint32_t most = sl_dpdk_of(d)->rings->ring[0].tx.n;
		uint16_t n;

		do {
			n = rte_eth_rx_burst(sl_dpdk_of(d)->id, q, m, SL_BURST_MAX);
			rte_pktmbuf_free_bulk(m, n);
			most -= RTE_MIN(most, n);
		} while (n > 0 && most > 0);
	}
}

/* Packets that found no free slot since the last call: the kernel resets this count on reading.
 * It does not include what the filter refuses. */
static uint64_t take_missed(const struct sl_af_rings *r)
{
	uint64_t n = 0;

	for (unsigned int q = 0; q < r->n; q++) {
		struct tpacket_stats s = {0};
		socklen_t len = sizeof(s);

		if (getsockopt(r->ring[q].fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
			n += s.tp_drops;
	}
	return n;
}

uint64_t sl_af_packet_missed(const struct sl_port_device *d)
{
	sl_dpdk_of(d)->rings->missed += take_missed(sl_dpdk_of(d)->rings);
	return sl_dpdk_of(d)->rings->missed;
}

unsigned int sl_af_packet_unread(const struct sl_port_device *d)
{
	unsigned int n = 0;

	for (unsigned int q = 0; q < sl_dpdk_of(d)->rings->n; q++) {
		const struct ring *r = &sl_dpdk_of(d)->rings->ring[q];

		for (uint32_t i = 0; i < r->tx.n; i++) {
			const struct tpacket2_hdr *h =
				(const void *)(r->rx + (size_t)i * sl_dpdk_of(d)->framesz);

			n += (__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) !=
			     0;
		}
	}
	return n;
}

int sl_af_packet_attach(struct sl_port_device *d, struct sl_err *e)
{
	struct rte_eth_dev_info info;

	sl_dpdk_of(d)->rings = calloc(1, sizeof(*sl_dpdk_of(d)->rings));
	if (sl_dpdk_of(d)->rings == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	if (rte_eth_dev_info_get(sl_dpdk_of(d)->id, &info) == 0 && sl_dpdk_of(d)->framesz != 0 &&
		find_sockets(d, (int)info.if_index) == 0 && find_mappings(d) == 0) {
		sl_dpdk_of(d)->rings->ifindex = (int)info.if_index;
		discard_received(d);
		(void)take_missed(sl_dpdk_of(d)->rings);
		return 0;
	}
	sl_af_packet_detach(d);
	sl_err_set(e, SL_ERR_DEVICE, "devargs",
		"port %s: the sockets of device %s on interface %s are not as expected", d->name,
		d->device, d->outside.iface);
	sl_err_hint(e, "/proc has to be mounted, and no other port may be on that interface");
	return -ENODEV;
}

void sl_af_packet_detach(struct sl_port_device *d)
{
	for (unsigned int q = 0; sl_dpdk_of(d)->rings != NULL && q < sl_dpdk_of(d)->rings->n; q++)
		free(sl_dpdk_of(d)->rings->ring[q].waited);
	free(sl_dpdk_of(d)->rings);
	sl_dpdk_of(d)->rings = NULL;
}

unsigned int sl_af_packet_clear(struct sl_port_device *d)
{
	unsigned int n = 0;

	sl_dpdk_of(d)->rings->is_noted = false;
	for (unsigned int q = 0; q < sl_dpdk_of(d)->rings->n; q++) {
		const struct ring *r = &sl_dpdk_of(d)->rings->ring[q];

		for (uint32_t i = 0; i < r->tx.n; i++) {
			struct tpacket2_hdr *h = sl_tx_slot(&r->tx, i);

			if (!sl_tx_slot_waits(h))
				continue;
			sl_tx_slot_bury(h);
			n++;
		}
	}
	return n;
}

/*
 * When its interface goes down, the socket gets an error, which the next send returns. So the first
 * packet after the interface is back would wait for a second one.
 */
static void forget_errors(const struct sl_af_rings *r)
{
	int error;
	socklen_t len = sizeof(error);

	for (unsigned int q = 0; q < r->n; q++)
		(void)getsockopt(r->ring[q].fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

/* A slot that waits now and waited then has the same frame if nothing has moved meanwhile. */
static unsigned int expire_ring(struct ring *r, bool is_stuck)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < r->tx.n; i++) {
		struct tpacket2_hdr *h = sl_tx_slot(&r->tx, i);
		bool waiting = sl_tx_slot_waits(h), old = waiting && r->waited[i] && is_stuck;

		r->waited[i] = waiting && !old;
		if (!old)
			continue;
		sl_tx_slot_bury(h);
		n++;
	}
	return n;
}

unsigned int sl_af_packet_expire(struct sl_port_device *d, uint64_t given, bool running)
{
	struct sl_af_rings *r = sl_dpdk_of(d)->rings;
	bool moves = running && given != r->given;
	bool is_stuck = r->is_noted && (given == r->given || (!running && !r->running));
	unsigned int n = 0;

	for (unsigned int q = 0; !moves && q < r->n; q++)
		n += expire_ring(&r->ring[q], is_stuck);
	if (running)
		forget_errors(r);
	r->is_noted = !moves;
	r->given = given;
	r->running = running;
	return n;
}

static bool is_running(const struct sl_port_device *d)
{
	struct sl_interface_counters c;

	return sl_interface_counters(sl_dpdk_of(d)->rings->ifindex, &c) && c.running;
}

/* Frames after a dropped slot need not wait until a worker sends something. */
static void push(const struct ring *r)
{
	(void)sendto(r->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
}

unsigned int sl_af_packet_unblock(struct sl_port_device *d, uint64_t turned_away, uint32_t tick)
{
	struct rte_eth_stats stats;
	unsigned int sum = 0;

	if (rte_eth_stats_get(sl_dpdk_of(d)->id, &stats) != 0)
		return 0;
	for (unsigned int q = 0; q < sl_dpdk_of(d)->rings->n; q++) {
		struct ring *r = &sl_dpdk_of(d)->rings->ring[q];
		unsigned int n;

		if (!sl_tx_slots_stuck(&r->watch, &r->tx, stats.q_opackets[q], turned_away) ||
			!is_running(d))
			continue;
		n = sl_tx_slots_refuse(&r->watch, &r->tx, tick);
		push(r);
		sum += n;
	}
	return sum;
}

unsigned int sl_af_packet_weed(struct sl_port_device *d, uint32_t tick)
{
	unsigned int sum = 0;

	for (unsigned int q = 0; q < sl_dpdk_of(d)->rings->n; q++) {
		struct ring *r = &sl_dpdk_of(d)->rings->ring[q];
		unsigned int n = sl_tx_slots_weed(&r->watch, &r->tx, tick);

		if (n > 0)
			push(r);
		sum += n;
	}
	return sum;
}

void sl_af_packet_revive(struct sl_port_device *d)
{
	if (sl_dpdk_of(d)->rings != NULL)
		forget_errors(sl_dpdk_of(d)->rings);
}

bool sl_af_packet_is_cut_off(const struct sl_port_device *d)
{
	const struct sl_af_rings *r = sl_dpdk_of(d)->rings;

	for (unsigned int q = 0; r != NULL && q < r->n; q++)
		if (!is_bound_to(r->ring[q].fd, d->ifindex))
			return true;
	return false;
}
