/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks a device's paths before its driver uses them: drivers unlink files that they failed to
 * bind, truncate files that they write to, and wait for files that they open. A file that is
 * refused here is not changed. Only a socket that no process has open is removed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_string_fns.h>

#include "dp/device/device.h"
#include "device_path.h"
#include "dp/device/device_outside.h"
#include "engine_state.h"
#include "dp/device/socket_file.h"

#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

#define OPEN_IT "chown the directory to the user of sluiced; systemd: RuntimeDirectory="

/* One path of a device that will be opened. */
struct path_claim {
	const struct sl_port *port;
	const struct sl_device *device;
	const char *path;
	enum sl_device_use use;
	enum sl_device_role role; /* SL_DEVICE_SOCKET only */
};

static int refuse(const struct path_claim *c, struct sl_err *e, const char *what, const char *hint)
{
	int ret = sl_err_set(e, SL_ERR_DEVICE, "devargs", "port %s: device %s: %.107s%s: %s",
		c->port->name, c->port->device, c->path,
		strlen(c->path) > SOCKET_PATH_MAX ? "..." : "", what);

	sl_err_hint(e, "%s", hint);
	return ret;
}

static const char *kind_of(mode_t mode)
{
	return S_ISDIR(mode)	? "a directory is there"
	       : S_ISLNK(mode)	? "a symbolic link is there, which is not followed"
	       : S_ISREG(mode)	? "a file that is no socket is there"
	       : S_ISSOCK(mode) ? "a socket is there"
				: "something that is neither a file nor a socket is there";
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
					    x.st_ino == y.st_ino);
}

/* The directory must exist and, for a file that is created, be writable for this user. */
static int check_directory(const struct path_claim *c, bool makes, struct sl_err *e)
{
	const char *slash = strrchr(c->path, '/');
	char dir[1024] = ".";
	struct stat st;

	if (slash != NULL)
		snprintf(dir, sizeof(dir), "%.*s", (int)RTE_MAX(slash - c->path, 1), c->path);
	if (stat(dir, &st) != 0)
		return errno == ENOENT
			       ? refuse(c, e, "its directory is not there", "create the directory")
			       : refuse(c, e, strerror(errno), OPEN_IT);
	if (!S_ISDIR(st.st_mode))
		return refuse(c, e, "its directory is none", "");
	if (!makes || faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return errno == EROFS
		       ? refuse(c, e, "its file system is read-only", "choose another path")
		       : refuse(c, e, "this user may not make files in its directory", OPEN_IT);
}

static int check_server(const struct path_claim *c, struct sl_err *e)
{
	struct stat st;
	int in_use;

	if (lstat(c->path, &st) != 0)
		return errno == ENOENT ? 0 : refuse(c, e, strerror(errno), "");
	if (!S_ISSOCK(st.st_mode))
		return refuse(c, e, kind_of(st.st_mode),
			"it was left alone: choose another path, or remove it yourself");
	in_use = sl_socket_in_use(c->path);
	if (in_use > 0)
		return refuse(c, e, "another program has this socket open",
			"it was left alone: choose another path, or stop that program");
	if (in_use < 0)
		return refuse(c, e, "cannot tell whether a program has this socket open",
			"it was left alone: remove it yourself if no process uses it");
	if (!c->port->engine->only_looks && unlink(c->path) != 0)
		return refuse(c, e, "the stale socket there cannot be removed", "remove it");
	return 0;
}

/* Refuses a file that can never become a socket. A missing file may appear later. */
static int check_client(const struct path_claim *c, struct sl_err *e)
{
	struct stat st;

	if (stat(c->path, &st) != 0)
		return errno == ENOENT ? 0 : refuse(c, e, strerror(errno), "");
	if (S_ISSOCK(st.st_mode) || (S_ISCHR(st.st_mode) && c->device->driver->char_device))
		return faccessat(AT_FDCWD, c->path, W_OK, AT_EACCESS) == 0
			       ? 0
			       : refuse(c, e, strerror(errno),
					 "who serves it has to admit the user of sluiced");
	return refuse(c, e, kind_of(st.st_mode), "name the socket that the other side listens at");
}

static int check_socket(const struct path_claim *c, struct sl_err *e)
{
	const char *own = c->port->engine->own_socket;
	int ret;

	if (strlen(c->path) >= SOCKET_PATH_MAX)
		return refuse(c, e, "too long for a socket", "106 bytes are the most");
	if (c->role == SL_DEVICE_ABSTRACT)
		return 0;
	if (own != NULL && same_file(c->path, own))
		return refuse(c, e, "this daemon's own socket", "choose another path");
	ret = check_directory(c, c->role == SL_DEVICE_SERVER, e);
	if (ret != 0)
		return ret;
	return c->role == SL_DEVICE_SERVER ? check_server(c, e) : check_client(c, e);
}

/* A pipe or a terminal would block the control thread. */
static int check_read(const struct path_claim *c, struct sl_err *e)
{
	struct stat st;

	if (strcmp(c->path, "-") == 0)
		return refuse(c, e, "standard input is no capture", "name a file");
	if (stat(c->path, &st) != 0)
		return refuse(c, e, strerror(errno), "");
	if (!S_ISREG(st.st_mode))
		return refuse(c, e, "this is no file", "name a file");
	return faccessat(AT_FDCWD, c->path, R_OK, AT_EACCESS) == 0
		       ? 0
		       : refuse(c, e, strerror(errno), "let the user of sluiced read it");
}

/* The magic numbers of captures, in either byte order. */
static bool is_capture(const char *path)
{
	static const uint32_t magic[] = {
		0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a};
	FILE *f = fopen(path, "re");
	uint32_t head = 0;
	bool found = false;

	if (f == NULL)
		return false;
	if (fread(&head, sizeof(head), 1, f) != 1)
		found = feof(f) && ftell(f) == 0;
	for (size_t i = 0; i < RTE_DIM(magic); i++)
		found = found || head == magic[i];
	fclose(f);
	return found;
}

static int check_write(const struct path_claim *c, struct sl_err *e)
{
	struct stat st;
	int ret;

	if (strcmp(c->path, "-") == 0)
		return refuse(c, e, "standard output is no place for packets", "name a file");
	ret = check_directory(c, access(c->path, F_OK) != 0, e);
	if (ret != 0)
		return ret;
	if (lstat(c->path, &st) != 0)
		return errno == ENOENT ? 0 : refuse(c, e, strerror(errno), "");
	if (!S_ISREG(st.st_mode))
		return refuse(c, e, kind_of(st.st_mode),
			"it was left alone: choose another path, or remove it yourself");
	if (!is_capture(c->path))
		return refuse(c, e, "a file that is no capture is there",
			"it was left alone: only captures and empty files are written over");
	return faccessat(AT_FDCWD, c->path, W_OK, AT_EACCESS) == 0
		       ? 0
		       : refuse(c, e, strerror(errno), "let the user of sluiced write to it");
}

static bool is_path(enum sl_device_use use)
{
	return use == SL_DEVICE_SOCKET || use == SL_DEVICE_READ || use == SL_DEVICE_WRITE;
}

/* The claim of the i-th argument; false when it names no path. */
static bool claim_of(
	const struct sl_port *p, const struct sl_device *d, unsigned int i, struct path_claim *c)
{
	*c = (struct path_claim){.port = p, .device = d, .path = d->args->pairs[i].value};
	c->use = sl_device_use(d, d->args->pairs[i].key);
	if (c->path == NULL || !is_path(c->use))
		return false;
	if (c->use == SL_DEVICE_SOCKET)
		c->role = d->driver->role(d->args);
	return true;
}

/* True for one socket that two devices of a driver may share. */
static bool share(const struct path_claim *a, const struct path_claim *b)
{
	return a->use == SL_DEVICE_SOCKET && b->use == SL_DEVICE_SOCKET &&
	       a->role == SL_DEVICE_SERVER && b->role == SL_DEVICE_SERVER &&
	       a->device->driver == b->device->driver && a->device->driver->shared &&
	       strcmp(a->path, b->path) == 0;
}

static bool conflict(const struct path_claim *a, const struct path_claim *b)
{
	bool servers = a->use == SL_DEVICE_SOCKET && b->use == SL_DEVICE_SOCKET &&
		       a->role == SL_DEVICE_SERVER && b->role == SL_DEVICE_SERVER;
	bool writes = a->use == SL_DEVICE_WRITE || b->use == SL_DEVICE_WRITE;

	return (servers || writes) && !share(a, b) && same_file(a->path, b->path);
}

static bool any_pair(const struct sl_port *a, const struct sl_device *da, const struct sl_port *b,
	const struct sl_device *db,
	bool (*holds)(const struct path_claim *, const struct path_claim *))
{
	struct path_claim x, y;

	for (unsigned int i = 0; da->driver != NULL && i < da->args->count; i++)
		for (unsigned int k = 0; db->driver != NULL && k < db->args->count; k++)
			if (claim_of(a, da, i, &x) && claim_of(b, db, k, &y) && holds(&x, &y))
				return true;
	return false;
}

static const struct sl_port *find_other(const struct sl_port *p, const struct sl_device *d,
	bool (*holds)(const struct path_claim *, const struct path_claim *))
{
	const struct sl_engine *g = p->engine;
	const struct sl_port *found = NULL;

	for (unsigned int i = 0; i < g->n_slots && found == NULL; i++) {
		const struct sl_port *other = g->port[i];
		struct sl_device theirs;

		if (other->state == SL_PORT_FREE || other->devargs == NULL || other == p ||
			sl_port_lets_pass(other, p) ||
			sl_device_of(other->devargs, &theirs, NULL) != 0)
			continue;
		if (any_pair(p, d, other, &theirs, holds))
			found = other;
		sl_device_fini(&theirs);
	}
	return found;
}

const struct sl_port *sl_device_rival(const struct sl_port *p, const char *devargs)
{
	const struct sl_port *other = NULL;
	struct sl_device d;

	if (sl_device_of(devargs, &d, NULL) != 0)
		return NULL;
	if (d.driver != NULL)
		other = find_other(p, &d, conflict);
	sl_device_fini(&d);
	return other;
}

static int check_claim(const struct path_claim *c, bool shared, struct sl_err *e)
{
	switch (c->use) {
	case SL_DEVICE_READ:
		return check_read(c, e);
	case SL_DEVICE_WRITE:
		return check_write(c, e);
	default:
		return shared ? 0 : check_socket(c, e);
	}
}

/* Packets that others send would look like the workload's packets, and packets sent to the
 * workload would look like its answers. */
static int check_echo(const struct sl_port *p, const struct sl_device *d, struct sl_err *e)
{
	for (unsigned int i = 0; i < d->args->count; i++) {
		const char *key = d->args->pairs[i].key;
		int ret;

		if (sl_device_use(d, key) != SL_DEVICE_ECHO)
			continue;
		ret = sl_err_set(e, SL_ERR_DEVICE, "devargs",
			"port %s: device %s: with %s= it would receive what this host sends on the "
			"interface, the port's own packets among it",
			p->name, p->device, key);
		sl_err_hint(e, "use rx_iface_in= and tx_iface=");
		return ret;
	}
	return 0;
}

int sl_device_check(
	const struct sl_port *p, const char *devargs, uint32_t *absent, struct sl_err *e)
{
	struct sl_device d;
	struct path_claim c;
	bool shared;
	int ret = sl_device_of(devargs, &d, e);

	*absent = 0;
	if (ret != 0 || d.driver == NULL) {
		sl_device_fini(&d);
		return ret;
	}
	ret = check_echo(p, &d, e);
	shared = find_other(p, &d, share) != NULL;
	for (unsigned int i = 0; i < d.args->count && ret == 0; i++) {
		if (!claim_of(p, &d, i, &c))
			continue;
		if (c.use == SL_DEVICE_WRITE && access(c.path, F_OK) != 0)
			*absent |= 1u << i;
		ret = check_claim(&c, shared, e);
	}
	sl_device_fini(&d);
	return ret;
}

void sl_device_unmake(const struct sl_port *p, const char *devargs, uint32_t absent)
{
	struct sl_device d;
	struct path_claim c;

	if (absent == 0 || sl_device_of(devargs, &d, NULL) != 0)
		return;
	for (unsigned int i = 0; d.driver != NULL && i < d.args->count; i++)
		if ((absent >> i & 1) != 0 && claim_of(p, &d, i, &c))
			unlink(c.path);
	sl_device_fini(&d);
}

/* The path at which the device serves a socket; false when it serves none. */
static bool server_path(const struct sl_port *p, char *path, size_t size)
{
	struct sl_device d;
	struct path_claim c;
	bool found = false;

	if (p->devargs == NULL || sl_device_of(p->devargs, &d, NULL) != 0)
		return false;
	for (unsigned int i = 0; d.driver != NULL && i < d.args->count && !found; i++) {
		found = claim_of(p, &d, i, &c) && c.use == SL_DEVICE_SOCKET &&
			c.role == SL_DEVICE_SERVER;
		if (found)
			rte_strscpy(path, c.path, size);
	}
	sl_device_fini(&d);
	return found;
}

void sl_device_opened(struct sl_port *p)
{
	char path[SOCKET_PATH_MAX + 1];
	struct stat st;

	if (!server_path(p, path, sizeof(path)) || lstat(path, &st) != 0)
		return;
	p->socket_dev = st.st_dev;
	p->socket_ino = st.st_ino;
	sl_socket_own(p->id, path, &st);
}

static bool is_shared(const struct sl_port *p)
{
	struct sl_device d;
	bool shared;

	if (sl_device_of(p->devargs, &d, NULL) != 0)
		return false;
	shared = d.driver != NULL && find_other(p, &d, share) != NULL;
	sl_device_fini(&d);
	return shared;
}

/*
 * Once its path is removed, no client can connect to a memif server. The driver then waits for
 * those that have just connected (memif_guard.h).
 */
static bool withdraw(const struct sl_port *p)
{
	char path[SOCKET_PATH_MAX + 1];
	struct stat st;

	if (strcmp(p->outside.driver, "net_memif") != 0 || p->socket_ino == 0 ||
		!server_path(p, path, sizeof(path)) || is_shared(p))
		return false;
	if (lstat(path, &st) == 0 && st.st_dev == p->socket_dev && st.st_ino == p->socket_ino)
		unlink(path);
	return true;
}

/* A second name preserves the file while the driver unlinks the first one. */
void sl_device_close_begin(const struct sl_port *p, struct sl_device_kept *kept)
{
	struct stat st;

	sl_socket_disown(p->id);
	kept->withdrawn = withdraw(p);
	kept->path[0] = '\0';
	if (p->socket_ino == 0 || !server_path(p, kept->path, sizeof(kept->path)))
		return;
	snprintf(kept->second, sizeof(kept->second), "%s.%d.keep", kept->path, getpid());
	if (lstat(kept->path, &st) != 0 ||
		(st.st_dev == p->socket_dev && st.st_ino == p->socket_ino) ||
		link(kept->path, kept->second) != 0)
		kept->path[0] = '\0';
}

void sl_device_close_end(const struct sl_device_kept *kept)
{
	/* Does not overwrite a file that was created there meanwhile. */
	if (kept->path[0] != '\0' && (link(kept->second, kept->path) == 0 || errno == EEXIST))
		unlink(kept->second);
}
