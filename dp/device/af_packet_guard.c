/* SPDX-License-Identifier: BSD-3-Clause */
/* Here mmap and mmap64 are two functions, whatever the offset size in the rest of the program. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "af_packet_guard.h"

/* Called before a sanitizer has started, because constructors of libraries map memory. */
#define PLAIN	 __attribute__((no_sanitize("address", "thread", "undefined")))
#define EXPORTED __attribute__((visibility("default"))) PLAIN

static _Thread_local bool is_starting;

PLAIN static bool is_packet_socket(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_PACKET;
}

/* The function that drivers would otherwise call; a sanitizer's, if there is one. */
PLAIN static void *next(void *_Atomic *found, const char *name)
{
	void *f = atomic_load_explicit(found, memory_order_relaxed);

	if (f != NULL)
		return f;
	f = dlsym(RTLD_NEXT, name);
	atomic_store_explicit(found, f, memory_order_relaxed);
	return f;
}

PLAIN static void *map(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	static void *_Atomic found;
	void *(*f)(void *, size_t, int, int, int, off_t);

	*(void **)&f = next(&found, "mmap");
	return f(at, len, prot, flags, fd, offset);
}

PLAIN static void *map_unlocked(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *p = map(at, len, prot, flags, fd, offset);
	int error = errno;

	if (p != MAP_FAILED || (flags & MAP_LOCKED) == 0 || (error != EAGAIN && error != EPERM))
		return p;
	if (is_packet_socket(fd))
		return map(at, len, prot, flags & ~MAP_LOCKED, fd, offset);
	errno = error;
	return p;
}

EXPORTED void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return map_unlocked(at, len, prot, flags, fd, offset);
}

/* The same, for programs with large files. */
EXPORTED void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return map_unlocked(at, len, prot, flags, fd, offset);
}

EXPORTED int ioctl(int fd, unsigned long request, ...)
{
	static void *_Atomic found;
	int (*f)(int, unsigned long, ...);
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (is_starting && request == SIOCSIFHWADDR)
		return 0;
	if (is_starting && request == SIOCSIFFLAGS) {
		errno = ENOTSUP; /* ethdev takes this for a device without that mode */
		return -1;
	}
	*(void **)&f = next(&found, "ioctl");
	return f(fd, request, arg);
}

EXPORTED int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	static void *_Atomic found;
	int (*f)(int, int, int, const void *, socklen_t);
	int fanout;

	*(void **)&f = next(&found, "setsockopt");
	if (level != SOL_PACKET || option != PACKET_FANOUT || len != sizeof(fanout))
		return f(fd, level, option, value, len);
	memcpy(&fanout, value, sizeof(fanout));
	fanout &= ~(PACKET_FANOUT_FLAG_DEFRAG << 16);
	return f(fd, level, option, &fanout, len);
}

void sl_af_packet_start_begin(void)
{
	is_starting = true;
}

void sl_af_packet_start_end(void)
{
	is_starting = false;
}
