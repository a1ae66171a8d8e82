/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_common.h>

#include "device.h"
#include "privilege.h"

struct need {
	const char *driver;
	/* the row applies only when an argument has this use; SL_DEVICE_PLAIN: always */
	enum sl_device_use with;
	int cap[4];	  /* ends at the first 0 */
	const char *node; /* a device node, opened for reading and writing */
	bool locks;	  /* locks packet buffers into memory */
};

static const struct need needs[] = {
	{"net_af_packet", SL_DEVICE_PLAIN, {CAP_NET_RAW}, NULL, false},
	/* CAP_BPF would be enough for the kernel, but libxdp also asks for its
	 * program by number. */
	{"net_af_xdp", SL_DEVICE_PLAIN, {CAP_NET_RAW, CAP_NET_ADMIN, CAP_SYS_ADMIN}, NULL, true},
	{"net_tap", SL_DEVICE_PLAIN, {CAP_NET_ADMIN}, "/dev/net/tun", false},
	{"net_tun", SL_DEVICE_PLAIN, {CAP_NET_ADMIN}, "/dev/net/tun", false},
	{"net_pcap", SL_DEVICE_INTERFACE, {CAP_NET_RAW}, NULL, false},
};

/* Drivers of sluice's own, by what their text begins with; a path in it is a network namespace's. */
static const struct need kernel_needs[] = {
	{"tap=", SL_DEVICE_PLAIN, {CAP_NET_ADMIN}, "/dev/net/tun", false},
	{"tap=", SL_DEVICE_READ, {CAP_NET_ADMIN, CAP_SYS_ADMIN}, "/dev/net/tun", false},
	{"host_tap=", SL_DEVICE_PLAIN, {CAP_NET_ADMIN}, "/dev/net/tun", false},
	{"interface=", SL_DEVICE_PLAIN, {CAP_NET_RAW}, NULL, false},
};

static const char *cap_name(int cap)
{
	return cap == CAP_NET_RAW     ? "CAP_NET_RAW"
	       : cap == CAP_SYS_ADMIN ? "CAP_SYS_ADMIN"
				      : "CAP_NET_ADMIN";
}

static bool has_cap(int cap)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &head, data) != 0)
		return true; /* not known */
	return (data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap)) != 0;
}

static bool uses(const struct sl_device *d, enum sl_device_use use)
{
	for (unsigned int i = 0; i < d->args->count; i++)
		if (sl_device_use(d, d->args->pairs[i].key) == use)
			return true;
	return use == SL_DEVICE_PLAIN;
}

static bool lack_cap(const struct need *n, struct sl_lack *l)
{
	char names[80] = "";
	unsigned int missing = 0;

	for (unsigned int i = 0; i < RTE_DIM(n->cap) && n->cap[i] != 0; i++) {
		int cap = n->cap[i];
		size_t len = strlen(names);

		if (has_cap(cap))
			continue;
		snprintf(names + len, sizeof(names) - len, "%s%s", missing++ > 0 ? " " : "",
			cap_name(cap));
	}
	if (missing == 0)
		return false;
	snprintf(l->what, sizeof(l->what), "%s %s missing", names, missing > 1 ? "are" : "is");
	snprintf(l->hint, sizeof(l->hint),
		"systemd: AmbientCapabilities=%s; Docker: --cap-add, Kubernetes: "
		"securityContext.capabilities.add, for root in there; others: setcap on sluiced",
		names);
	return true;
}

static bool lack_node(const struct need *n, struct sl_lack *l)
{
	if (n->node == NULL || faccessat(AT_FDCWD, n->node, R_OK | W_OK, AT_EACCESS) == 0)
		return false;
	snprintf(l->what, sizeof(l->what), "%s: %s", n->node, strerror(errno));
	snprintf(l->hint, sizeof(l->hint),
		"systemd: DeviceAllow=%s rw; Docker: --device %s; its mode must admit this user",
		n->node, n->node);
	return true;
}

static bool lack_memlock(const struct need *n, uint64_t locked, struct sl_lack *l)
{
	struct rlimit lim;

	if (!n->locks || locked == 0 || has_cap(CAP_IPC_LOCK) ||
		getrlimit(RLIMIT_MEMLOCK, &lim) != 0 || lim.rlim_cur >= locked)
		return false;
	snprintf(l->what, sizeof(l->what),
		"it locks %" PRIu64 " KiB into memory, the limit is %" PRIu64
		" KiB for all of this user's programs (RLIMIT_MEMLOCK, memlock)",
		(locked + 1023) / 1024, (uint64_t)lim.rlim_cur / 1024);
	snprintf(l->hint, sizeof(l->hint),
		"ulimit -l %" PRIu64 " or more; systemd: LimitMEMLOCK=infinity; Docker: "
		"--ulimit memlock=-1; or CAP_IPC_LOCK; or fewer workers.packet_buffers",
		(locked + 1023) / 1024);
	return true;
}

/* A driver opens several at a time, and has closed them when it reports its failure. */
static bool lack_descriptors(struct sl_lack *l)
{
	enum { ENOUGH = 16 };
	struct rlimit lim;
	int fd[ENOUGH], n = 0, error = 0;

	while (n < ENOUGH && error == 0) {
		fd[n] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
		if (fd[n] >= 0)
			n++;
		else
			error = errno;
	}
	for (int i = 0; i < n; i++)
		close(fd[i]);
	if (error != EMFILE || getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return false;
	snprintf(l->what, sizeof(l->what),
		"only %d of %" PRIu64 " file descriptors are free (RLIMIT_NOFILE, nofile)", n,
		(uint64_t)lim.rlim_cur);
	snprintf(l->hint, sizeof(l->hint),
		"ulimit -n 4096; systemd: LimitNOFILE=4096; Docker: --ulimit nofile=4096");
	return true;
}

static bool lack_of(const struct need *n, uint64_t locked, struct sl_lack *l)
{
	return lack_cap(n, l) || lack_node(n, l) || lack_memlock(n, locked, l);
}

static const struct need *kernel_need(const char *text)
{
	bool has_path = strchr(text, '/') != NULL;

	for (size_t i = 0; i < RTE_DIM(kernel_needs); i++) {
		const struct need *n = &kernel_needs[i];

		if (strncmp(text, n->driver, strlen(n->driver)) == 0 &&
			has_path == (n->with != SL_DEVICE_PLAIN))
			return n;
	}
	return NULL;
}

bool sl_privilege_lack(const char *devargs, uint64_t locked, struct sl_lack *l)
{
	const struct need *kernel = kernel_need(devargs);
	struct sl_device d = {0};
	bool found = false;

	if (kernel != NULL)
		return lack_of(kernel, locked, l) || lack_descriptors(l);
	if (sl_device_parse(&d, devargs, NULL) != 0)
		return false;
	for (size_t i = 0; i < RTE_DIM(needs) && d.driver != NULL && !found; i++)
		if (strcmp(needs[i].driver, d.driver->name) == 0 && uses(&d, needs[i].with))
			found = lack_of(&needs[i], locked, l);
	sl_device_fini(&d);
	return found || lack_descriptors(l);
}
