/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets and other files at a device's paths: they are not changed if the driver must not use
 * them. Real files, sockets and drivers. Captures are in test_capture_paths.c. */
#include "paths_test.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dp/device/socket_file.h"

/* A socket of that type at the path; the file stays when it is closed. */
static int bound(int type, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static int listening(int type, const char *path)
{
	int fd = bound(type, path);

	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* Every driver that creates a socket file, and devargs that do so. */
static const struct {
	const char *head, *tail;
	int type;
} servers[] = {
	{"net_vhost0,iface=", "", SOCK_STREAM},
	{"net_vhost0,iface=", ",client=0", SOCK_STREAM},
	{"net_memif0,role=server,socket-abstract=no,socket=", "", SOCK_SEQPACKET},
	{"net_virtio_user0,server=1,path=", "", SOCK_STREAM},
	{"eth_vhost0,iface=", "", SOCK_STREAM},
	{"vdev:net_vhost0,iface=", "", SOCK_STREAM},
};
static const struct {
	const char *head, *tail;
} clients[] = {
	{"net_vhost0,client=1,iface=", ""},
	{"net_memif0,socket-abstract=no,socket=", ""},
	{"net_virtio_user0,path=", ""},
};

static void what_is_no_socket_is_left_alone_by_servers(void **state)
{
	const char *file = in_dir("file"), *link = in_dir("link"), *fifo = in_dir("fifo");

	(void)state;
	make_file(file, "precious", 8);
	assert_int_equal(symlink("/nowhere", link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	FOR_EACH(i, servers)
	{
		is_refused(with(servers[i].head, file, servers[i].tail), file);
		is_refused(with(servers[i].head, link, servers[i].tail), link);
		is_refused(with(servers[i].head, fifo, servers[i].tail), fifo);
		is_refused(with(servers[i].head, dir, servers[i].tail), dir);
	}
	assert_true(is_file_of(file, "precious"));
}

static void link_to_a_stale_socket_is_left_alone(void **state)
{
	const char *path = in_dir("sock"), *link = in_dir("link");

	(void)state;
	close(bound(SOCK_STREAM, path));
	assert_int_equal(symlink(path, link), 0);
	FOR_EACH(i, servers)
	is_refused(with(servers[i].head, link, servers[i].tail), link);
	assert_int_not_equal(inode(path), 0);
}

static void live_socket_of_another_program_is_left_alone(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	const char *path = in_dir("sock");
	int fd;

	(void)state;
	FOR_EACH(t, types)
	{
		fd = types[t] == SOCK_DGRAM ? bound(types[t], path) : listening(types[t], path);
		FOR_EACH(i, servers)
		is_refused(with(servers[i].head, path, servers[i].tail), path);
		/* the check made no connection */
		assert_true(accept(fd, NULL, NULL) < 0);
		assert_true(errno == EAGAIN || errno == EOPNOTSUPP);
		close(fd);
		unlink(path);
	}
}

static void socket_that_does_not_listen_yet_is_left_alone(void **state)
{
	const char *path = in_dir("sock");
	int fd = bound(SOCK_STREAM, path);

	(void)state;
	is_refused(with("net_vhost0,iface=", path, ""), path);
	close(fd);
}

static void stale_socket_makes_way(void **state)
{
	const char *path = in_dir("sock");

	(void)state;
	FOR_EACH(i, servers)
	{
		uint16_t id;

		if (strstr(servers[i].head, "virtio") != NULL)
			continue; /* its server waits for a client */
		close(listening(servers[i].type, path));
		id = added("p", with(servers[i].head, path, servers[i].tail));
		assert_int_equal(sl_socket_in_use(path), 1);
		removed(id);
		assert_int_equal(inode(path), 0);
	}
}

static void own_socket_is_no_devices(void **state)
{
	const char *path = in_dir("own.sock");
	char other[160];
	int fd = listening(SOCK_STREAM, path);

	(void)state;
	snprintf(other, sizeof(other), "%s/../%s/own.sock", dir, strrchr(dir, '/') + 1);
	g->own_socket = path;
	FOR_EACH(i, servers)
	is_refused(with(servers[i].head, path, servers[i].tail), path);
	FOR_EACH(i, clients)
	{
		is_refused(with(clients[i].head, path, clients[i].tail), path);
		is_refused(with(clients[i].head, other, clients[i].tail), other);
	}
	g->own_socket = NULL;
	assert_true(accept(fd, NULL, NULL) < 0);
	close(fd);
}

static void clients_want_a_socket(void **state)
{
	const char *file = in_dir("file"), *fifo = in_dir("fifo");

	(void)state;
	make_file(file, "precious", 8);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	FOR_EACH(i, clients)
	{
		is_refused(with(clients[i].head, file, clients[i].tail), file);
		is_refused(with(clients[i].head, fifo, clients[i].tail), fifo);
		is_refused(with(clients[i].head, dir, clients[i].tail), dir);
	}
	is_refused(with("net_vhost0,client=1,iface=", "/dev/null", ""), "/dev/null");
	assert_true(is_file_of(file, "precious"));
}

static void client_leaves_the_stale_socket_it_waits_at(void **state)
{
	const char *path = in_dir("sock");
	uint16_t id;

	(void)state;
	close(bound(SOCK_STREAM, path));
	id = added("p", with("net_vhost0,client=1,iface=", path, ""));
	removed(id);
	assert_int_not_equal(inode(path), 0);
}

static void path_of_another_port_is_refused_by_the_ports_name(void **state)
{
	const char *path = in_dir("sock");
	struct sl_err e = {0};
	uint16_t id = added("first", with("net_vhost0,iface=", path, ""));
	ino_t before = inode(path);

	(void)state;
	assert_true(add("second", with("net_vhost1,iface=", path, ""), &e) < 0);
	assert_int_equal(e.code, SL_ERR_EXISTS);
	assert_non_null(strstr(e.message, "first"));
	assert_int_equal(inode(path), before);
	assert_int_equal(sl_socket_in_use(path), 1);
	removed(id);
}

static void path_of_a_removed_port_is_free_at_once(void **state)
{
	const char *path = in_dir("sock");
	uint16_t id = added("first", with("net_vhost0,iface=", path, ""));

	(void)state;
	for (unsigned int i = 1; i < 10; i++) {
		char head[32];

		snprintf(head, sizeof(head), "net_vhost%u,iface=", i % 2);
		sl_port_remove(g, id);
		id = added("next", with(head, path, ""));
		assert_int_equal(sl_socket_in_use(path), 1);
	}
	removed(id);
}

static void memif_ports_share_a_socket(void **state)
{
	const char *path = in_dir("sock");
	uint16_t one = added(
		"one", with("net_memif0,role=server,id=0,socket-abstract=no,socket=", path, ""));
	uint16_t two = added(
		"two", with("net_memif1,role=server,id=1,socket-abstract=no,socket=", path, ""));

	(void)state;
	removed(one);
	assert_int_equal(sl_socket_in_use(path), 1);
	removed(two);
	assert_int_equal(inode(path), 0);
}

static void refusal_after_the_check_leaves_no_socket(void **state)
{
	const char *path = in_dir("sock");
	struct sl_port_params p = params("wide", NULL);
	struct sl_err e = {0};

	(void)state;
	p.n_rxq = 2; /* of one */
	p.devargs = with("net_vhost0,iface=", path, ",queues=1");
	assert_true(sl_port_add(g, &p, &e) < 0);
	assert_int_equal(inode(path), 0);
	p.n_rxq = 1;
	p.mtu = 65536; /* detected once the driver has bound its path */
	assert_true(sl_port_add(g, &p, &e) < 0);
	assert_int_equal(inode(path), 0);
	p.mtu = 0;
	assert_true(sl_port_add(g, &p, &e) >= 0);
	removed(0);
}

static void what_took_a_servers_place_survives_its_end(void **state)
{
	static const char *const heads[] = {
		"net_vhost0,iface=", "net_memif0,role=server,socket-abstract=no,socket="};
	const char *path = in_dir("sock"), *aside = in_dir("aside");
	uint16_t id;
	int fd;

	(void)state;
	FOR_EACH(i, heads)
	{
		id = added("p", with(heads[i], path, ""));
		assert_int_equal(unlink(path), 0);
		make_file(path, "precious", 8);
		removed(id);
		assert_true(is_file_of(path, "precious"));
		unlink(path);
		id = added("p", with(heads[i], path, ""));
		assert_int_equal(rename(path, aside), 0);
		fd = listening(SOCK_STREAM, path);
		removed(id);
		assert_int_equal(sl_socket_in_use(path), 1);
		close(fd);
		unlink(path);
		unlink(aside);
	}
}

static void missing_directories_and_long_paths_are_said(void **state)
{
	char longest[112], path[200];

	(void)state;
	memset(longest, 'x', 110);
	longest[110] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, longest);
	FOR_EACH(i, servers)
	{
		struct sl_err e = {0};

		is_refused(with(servers[i].head, "/no/such/dir", servers[i].tail), "/no/such/dir");
		assert_true(add("p", with(servers[i].head, path, servers[i].tail), &e) < 0);
		assert_non_null(strstr(e.message, "too long"));
	}
	FOR_EACH(i, clients)
	{
		struct sl_err e = {0};

		assert_true(add("p", with(clients[i].head, path, clients[i].tail), &e) < 0);
		assert_non_null(strstr(e.message, "too long"));
	}
}

/* DPDK's other notation could have the same paths in a part that is not checked. */
static void paths_do_not_hide_in_another_notation(void **state)
{
	static const char *const hidden[] = {
		"bus=vdev,name=net_vhost0/driver=net_vhost,iface=",
		"net_null0,x=/bus=vdev,name=net_vhost0/driver=net_vhost,iface=",
		"net_null0,size=64/bus=vdev,name=net_pcap0/driver=net_pcap,tx_pcap=",
	};
	const char *file = in_dir("file");

	(void)state;
	make_file(file, "precious", 8);
	FOR_EACH(i, hidden)
	{
		struct sl_err e = {0};

		assert_true(add("p", with(hidden[i], file, ""), &e) < 0);
		assert_non_null(strstr(e.hint, "NAME,ARGUMENT=VALUE"));
		assert_true(is_file_of(file, "precious"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_no_socket_is_left_alone_by_servers),
		T(link_to_a_stale_socket_is_left_alone),
		T(live_socket_of_another_program_is_left_alone),
		T(socket_that_does_not_listen_yet_is_left_alone),
		T(stale_socket_makes_way),
		T(own_socket_is_no_devices),
		T(clients_want_a_socket),
		T(client_leaves_the_stale_socket_it_waits_at),
		T(path_of_another_port_is_refused_by_the_ports_name),
		T(path_of_a_removed_port_is_free_at_once),
		T(memif_ports_share_a_socket),
		T(refusal_after_the_check_leaves_no_socket),
		T(what_took_a_servers_place_survives_its_end),
		T(missing_directories_and_long_paths_are_said),
		T(paths_do_not_hide_in_another_notation),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
