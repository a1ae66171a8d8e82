/* SPDX-License-Identifier: BSD-3-Clause */
/* Here mmap and mmap64 are two functions, whatever size the rest of the program's offsets have. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "af_packet_guard.h"

#define EXPORTED __attribute__((visibility("default")))

static _Thread_local bool is_starting;

static bool is_packet_socket(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_PACKET;
}

static void *map(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, offset);
}

static void *map_unlocked(void *at, size_t len, int prot, int flags, int fd, off_t offset)
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

/* The same, as programs with large files call it. */
EXPORTED void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return map_unlocked(at, len, prot, flags, fd, offset);
}

EXPORTED int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (is_starting && request == SIOCSIFHWADDR)
		return 0;
	if (is_starting && request == SIOCSIFFLAGS) {
		errno = ENOTSUP; /* which ethdev takes for a device that knows no such mode */
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

bool sl_af_packet_is_guarded(void)
{
	return dlsym(RTLD_DEFAULT, "mmap64") == (void *)(uintptr_t)mmap64 &&
	       dlsym(RTLD_DEFAULT, "ioctl") == (void *)(uintptr_t)ioctl;
}

void sl_af_packet_start_begin(void)
{
	is_starting = true;
}

void sl_af_packet_start_end(void)
{
	is_starting = false;
}
