/* SPDX-License-Identifier: BSD-3-Clause */
/* Which devices a caller who is not root may name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctrl/model/config.h"
#include "ctrl/objects/ports.h"
#include "ctrl/shape/json.h"
#include "ctrl/model/safe_path.h"
#include "dp/device/device.h"

static char dir[64]; /* that nobody else may write to */

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/sluice-rights-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return chmod(dir, 0755);
}

static int remove_dir(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* The section of a file; its allow list as JSON. NULL: refused, with *e. */
static struct sl_config *config(const char *allow, struct sl_err *e)
{
	char text[2048];

	snprintf(text, sizeof(text), "{\"devices\":{\"allow\":[%s]}}", allow);
	return sl_config_parse(text, strlen(text), e);
}

static bool may(const char *allow, const char *devargs, struct sl_err *e)
{
	struct sl_err bad = {0};
	struct sl_config *c = config(allow, &bad);
	int ret;

	if (c == NULL)
		fail_msg("%s: %s", bad.path, bad.message);
	memset(e, 0, sizeof(*e));
	ret = sl_devices_check(&c->devices, devargs, e);
	sl_config_free(c);
	if (ret == 0)
		return true;
	assert_int_equal(ret, -EPERM);
	assert_int_equal(e->code, SL_ERR_DENIED);
	assert_string_equal(e->path, "devargs");
	assert_true(e->message[0] != '\0' && e->hint[0] != '\0');
	return false;
}

static void is_denied(const char *allow, const char *devargs)
{
	struct sl_err e;

	if (may(allow, devargs, &e))
		fail_msg("%s may be named with %s", devargs, allow);
}

static void is_allowed(const char *allow, const char *devargs)
{
	struct sl_err e;

	if (!may(allow, devargs, &e))
		fail_msg("%s: %s (%s)", devargs, e.message, e.hint);
}

#define FOR_EACH(i, table) for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)

static void without_a_list_nothing_of_the_host_may_be_named(void **state)
{
	static const char *const denied[] = {
		"net_pcap7,tx_pcap=/etc/passwd",
		"net_pcap7,rx_pcap=/etc/shadow",
		"net_pcap7,iface=eth0",
		"net_pcap7,rx_iface=eth0",
		"net_pcap7,rx_iface_in=eth0",
		"net_pcap7,tx_iface=eth0",
		"eth_pcap7,tx_pcap=/etc/passwd",
		"net_tap0",
		"net_tap0,iface=tap0",
		"net_tap0,remote=eth0",
		"net_tun0,iface=tun0",
		"net_vhost0,iface=/run/vm.sock",
		"net_vhost0,iface=/run/vm.sock,client=1",
		"net_memif0",
		"net_memif0,socket=/run/memif.sock",
		"net_memif0,socket=/run/memif.sock,socket-abstract=no,role=server",
		"net_virtio_user0,path=/dev/vhost-net",
		"virtio_user0,path=/run/vm.sock",
		"net_af_packet0,iface=eth0",
		"eth_af_packet0,iface=eth0",
		"net_af_xdp0,iface=eth0",
		"net_af_xdp0,iface=eth0,xdp_prog=/tmp/x.o",
		"generator,template=/etc/shadow",
		"0000:01:00.0",
		"pci:0000:01:00.0",
		"0000:01:00.0,mac_addr=x",
		/* drivers that start others, or programs */
		"net_failsafe0,exec(id)",
		"net_bonding0,slave=0000:01:00.0",
		"net_softnic0,firmware=/tmp/x",
		"net_vdev_netvsc0,iface=eth0",
		"net_nosuch0",
		"kni0",
		/* a pointer, and rings of others in this process */
		"net_ring0,internal=0x1234",
		"net_ring0,nodeaction=r0:0:ATTACH",
		/* more than their buffers hold, as long as it likes */
		"net_null0,size=60000",
		"net_null0,size=64,copy=1",
		"generator",
		"generator0,flows=4000000000,dist=zipf",
		/* what this table does not know */
		"net_null0,future=1",
	};

	(void)state;
	FOR_EACH(i, denied)
	is_denied("", denied[i]);
}

static void devices_of_packets_alone_need_no_list(void **state)
{
	static const char *const fine[] = {
		"net_null0", "net_null7,no-rx=1", "eth_null1", "net_ring0"};

	(void)state;
	FOR_EACH(i, fine)
	is_allowed("", fine[i]);
}

/* DPDK reads all of these, and not in the way they look. */
static void odd_notations_are_roots(void **state)
{
	static const char allow[] = "{\"driver\":\"net_null\"},"
				    "{\"driver\":\"net_af_packet\",\"interfaces\":[\"*\"]}";
	static const char *const odd[] = {
		"vdev:net_null0",
		"bus=vdev,name=net_null0",
		"net_null0,x=/bus=vdev,name=net_pcap0/driver=net_pcap,tx_pcap=/etc/passwd",
		"net_null0,no-rx=1/bus=vdev,name=net_pcap0/driver=x,tx_pcap=/etc/passwd",
		"net_af_packet0,iface=sl-a,iface=eth0",
		"net_af_packet0,qpairs=1,qpairs=2,iface=sl-a",
		"net_af_packet0,iface=a=b",
		"net_af_packet0,qpairs=iface=eth0",
		"net_af_packet0,iface=[sl-a,iface=eth0]",
		"net_af_packet0,iface",
		"net_af_packet0,iface=",
		"net_af_packet0,",
		"net_af_packet0,,iface=a",
		"net_af_packet0,iface=a,",
		"net_af_packet0,=a",
		"net_af_packet_other,iface=a",
		"net_af_packet0 ,iface=a",
		" net_af_packet0,iface=a",
	};

	(void)state;
	FOR_EACH(i, odd)
	is_denied(allow, odd[i]);
	is_allowed(allow, "net_af_packet0,iface=sl-a");
}

static void listed_interfaces_may_be_named(void **state)
{
	static const char allow[] =
		"{\"driver\":\"net_af_packet\",\"interfaces\":[\"sl-*\",\"up0\"]},"
		"{\"driver\":\"net_tap\",\"interfaces\":[\"vm?\"]}";

	(void)state;
	is_allowed(allow, "net_af_packet0,iface=sl-web");
	is_allowed(allow, "eth_af_packet9,iface=up0,qpairs=2,framesz=4096");
	is_allowed(allow, "net_tap0,iface=vm1");
	is_denied(allow, "net_af_packet0,iface=eth0");
	is_denied(allow, "net_af_packet0,iface=up01");
	is_denied(allow, "net_af_packet0,qpairs=1,iface=xsl-a");
	is_denied(allow, "net_tap0,iface=sl-web");
	is_denied(allow, "net_tap0,iface=vm1,remote=eth0");
	is_denied(allow, "net_tap0,iface=vm1,persist");
	is_denied(allow, "net_tap0,mac=02:00:00:00:00:01");
	is_denied(allow, "net_af_xdp0,iface=sl-web");
	is_denied(allow, "net_pcap0,iface=sl-web");
}

static void listed_nics_may_be_named(void **state)
{
	static const char allow[] = "{\"driver\":\"pci\",\"addresses\":[\"0000:3b:02.*\"]}";

	(void)state;
	is_allowed(allow, "0000:3b:02.1");
	is_denied(allow, "0000:3b:03.1");
	is_denied(allow, "3b:02.1");
	is_denied(allow, "0000:3b:02.1,representor=[0-9]");
	is_denied(allow, "0000:3B:02.1");
	is_denied(allow, "net_nosuch0");
}

/* The list for the driver, with our directory. */
static const char *allowed_dir(const char *driver)
{
	static char text[256];

	snprintf(text, sizeof(text), "{\"driver\":\"%s\",\"directories\":[\"%s\"]}", driver, dir);
	return text;
}

static const char *at(const char *head, const char *rest)
{
	static char text[4][400];
	static unsigned int n;
	char *p = text[n++ % 4];

	snprintf(p, sizeof(text[0]), "%s%s%s", head, dir, rest);
	return p;
}

static void files_in_listed_directories_may_be_named(void **state)
{
	(void)state;
	is_allowed(allowed_dir("net_vhost"), at("net_vhost0,iface=", "/vm.sock"));
	is_allowed(allowed_dir("net_vhost"), at("net_vhost0,client=1,iface=", "/vm.sock"));
	is_allowed(allowed_dir("net_pcap"), at("net_pcap0,tx_pcap=", "/a.pcap"));
	is_allowed(allowed_dir("net_memif"),
		at("net_memif0,role=server,socket-abstract=no,socket=", "/m.sock"));
	is_allowed(allowed_dir("net_memif"), at("net_memif0,socket=", "/m.sock"));
	is_allowed(allowed_dir("net_virtio_user"), at("net_virtio_user0,path=", "/vm.sock"));
	is_denied(allowed_dir("net_vhost"), at("net_pcap0,tx_pcap=", "/a.pcap"));
	is_denied(allowed_dir("net_pcap"), at("net_pcap0,iface=eth0,rx_pcap=", "/a.pcap"));
	is_denied(allowed_dir("net_vhost"), at("net_vhost0,iface=", ""));
	is_denied(allowed_dir("net_vhost"), at("net_vhost0,iface=", "x/vm.sock"));
	is_denied(allowed_dir("net_memif"), "net_memif0,socket=/run/elsewhere");
	is_denied(allowed_dir("net_memif"), "net_memif0");
	/* it would keep the daemon waiting for its first client */
	is_denied(
		allowed_dir("net_virtio_user"), at("net_virtio_user0,server=1,path=", "/vm.sock"));
}

static void ways_out_of_a_directory_are_none(void **state)
{
	static const char *const ways[] = {"/../etc/passwd", "/./../x", "//x", "/x/", "/x/..", "/.",
		"/../../proc/self/root/x", "/"};

	(void)state;
	FOR_EACH(i, ways)
	is_denied(allowed_dir("net_vhost"), at("net_vhost0,iface=", ways[i]));
	is_denied(allowed_dir("net_vhost"), "net_vhost0,iface=vm.sock");
	is_denied(allowed_dir("net_vhost"), "net_vhost0,iface=./vm.sock");
}

static void links_are_not_followed(void **state)
{
	struct sl_err e;

	(void)state;
	assert_int_equal(symlink("/etc", at("", "/etc")), 0);
	assert_int_equal(symlink("/etc/passwd", at("", "/passwd")), 0);
	assert_int_equal(symlink("/nowhere", at("", "/dangling")), 0);
	is_denied(allowed_dir("net_pcap"), at("net_pcap0,tx_pcap=", "/etc/passwd"));
	is_denied(allowed_dir("net_pcap"), at("net_pcap0,tx_pcap=", "/passwd"));
	is_denied(allowed_dir("net_pcap"), at("net_pcap0,tx_pcap=", "/dangling"));
	assert_false(may(allowed_dir("net_pcap"), at("net_pcap0,tx_pcap=", "/passwd"), &e));
	assert_non_null(strstr(e.message, "symbolic link"));
	/* not even those of the list itself */
	assert_int_equal(mkdir(at("", "/real"), 0755), 0);
	assert_int_equal(symlink(at("", "/real"), at("", "/alias")), 0);
	{
		char allow[200];

		snprintf(allow, sizeof(allow),
			"{\"driver\":\"net_pcap\",\"directories\":[\"%s/alias\"]}", dir);
		is_denied(allow, at("net_pcap0,tx_pcap=", "/alias/a.pcap"));
	}
}

static void directories_that_others_may_write_to_are_refused(void **state)
{
	static const mode_t modes[] = {0775, 0757, 01777};
	struct sl_err e;

	(void)state;
	assert_int_equal(mkdir(at("", "/sub"), 0755), 0);
	is_allowed(allowed_dir("net_vhost"), at("net_vhost0,iface=", "/sub/vm.sock"));
	FOR_EACH(i, modes)
	{
		assert_int_equal(chmod(at("", "/sub"), modes[i]), 0);
		is_denied(allowed_dir("net_vhost"), at("net_vhost0,iface=", "/sub/vm.sock"));
		is_allowed(allowed_dir("net_vhost"), at("net_vhost0,iface=", "/vm.sock"));
	}
	assert_int_equal(chmod(dir, 0777), 0);
	assert_false(may(allowed_dir("net_vhost"), at("net_vhost0,iface=", "/vm.sock"), &e));
	assert_non_null(strstr(e.message, dir));
	assert_non_null(strstr(e.message, "others may write"));
	is_denied(allowed_dir("net_vhost"), at("net_vhost0,iface=", "/missing/vm.sock"));
	if (geteuid() == 0) {
		assert_int_equal(chmod(dir, 0755), 0);
		assert_int_equal(chown(dir, 12345, 0), 0);
		is_denied(allowed_dir("net_vhost"), at("net_vhost0,iface=", "/vm.sock"));
	}
}

static void the_way_to_the_directory_counts(void **state)
{
	char allow[200];

	(void)state;
	assert_int_equal(mkdir(at("", "/open"), 0755), 0);
	assert_int_equal(mkdir(at("", "/open/mine"), 0755), 0);
	assert_int_equal(chmod(at("", "/open"), 0777), 0);
	snprintf(allow, sizeof(allow),
		"{\"driver\":\"net_vhost\",\"directories\":[\"%s/open/mine\"]}", dir);
	is_denied(allow, at("net_vhost0,iface=", "/open/mine/vm.sock"));
	assert_int_equal(chmod(at("", "/open"), 01777), 0); /* as /tmp is */
	is_allowed(allow, at("net_vhost0,iface=", "/open/mine/vm.sock"));
}

static void section_is_checked(void **state)
{
	static const struct {
		const char *allow, *path;
	} bad[] = {
		{"{}", "devices.allow[0].driver"},
		{"{\"driver\":\"net_bonding\"}", "devices.allow[0].driver"},
		{"{\"driver\":\"net_vhost\",\"directories\":[\"run/vhost\"]}",
			"devices.allow[0].directories[0]"},
		{"{\"driver\":\"net_vhost\",\"directories\":[\"/run\",\"/run/../etc\"]}",
			"devices.allow[0].directories[1]"},
		{"{\"driver\":\"net_vhost\",\"directories\":[\"/run/\"]}",
			"devices.allow[0].directories[0]"},
		{"{\"driver\":\"net_vhost\",\"interfaces\":[\"a\"]}",
			"devices.allow[0].interfaces"},
		{"{\"driver\":\"net_null\",\"directories\":[\"/run\"]}",
			"devices.allow[0].directories"},
		{"{\"driver\":\"net_tap\",\"addresses\":[\"0000:01:00.0\"]}",
			"devices.allow[0].addresses"},
		{"{\"driver\":\"net_tap\",\"interface\":[\"a\"]}", "devices.allow[0].interface"},
	};

	(void)state;
	FOR_EACH(i, bad)
	{
		struct sl_err e = {0};
		struct sl_config *c = config(bad[i].allow, &e);

		if (c != NULL)
			fail_msg("%s is taken", bad[i].allow);
		assert_string_equal(e.path, bad[i].path);
	}
}

/* The names in the section are those of the rows. */
static void every_driver_can_be_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_DEVICE_DRIVERS; i++)
		assert_string_equal(sl_device_drivers[i].name, sl_device_driver_names[i]);
	assert_string_equal(sl_device_driver_names[SL_DEVICE_PCI], "pci");
}

#define T(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

static bool may_have(const char *allow, const char *port, struct sl_err *e)
{
	struct sl_err bad = {0};
	struct sl_config *c = config(allow, &bad);
	cJSON *json = cJSON_Parse(port);
	struct sl_port_obj p = {0};
	int ret;

	assert_non_null(c);
	assert_non_null(json);
	assert_int_equal(sl_shape_decode(&sl_shape_port, json, &p, &bad), 0);
	memset(e, 0, sizeof(*e));
	ret = sl_port_rights(&c->devices, &p, e);
	sl_shape_fini(&sl_shape_port, &p);
	cJSON_Delete(json);
	sl_config_free(c);
	assert_true(ret == 0 || (ret == -EPERM && e->code == SL_ERR_DENIED && e->hint[0] != '\0'));
	return ret == 0;
}

#define PORT(device) "{\"name\":\"p\",\"role\":\"access\"," device "}"

static void kernel_ports_take_an_entry_of_their_own(void **state)
{
	static const char own_tap[] = "{\"driver\":\"tap\",\"interfaces\":[\"w*\"]}";
	static const char interface[] = "{\"driver\":\"interface\",\"interfaces\":[\"sl-*\"]}";
	char there[256], elsewhere[256], in_dir[256];
	struct sl_err e;

	(void)state;
	snprintf(in_dir, sizeof(in_dir),
		"{\"driver\":\"tap\",\"interfaces\":[\"eth0\"],\"directories\":[\"%s\"]}", dir);
	snprintf(there, sizeof(there), PORT("\"tap\":{\"name\":\"eth0\",\"netns\":\"%s/web\"}"),
		dir);
	snprintf(elsewhere, sizeof(elsewhere),
		PORT("\"tap\":{\"name\":\"eth0\",\"netns\":\"/proc/1/ns/net\"}"));
	assert_true(may_have(interface, PORT("\"interface\":\"sl-web\""), &e));
	assert_false(may_have(interface, PORT("\"interface\":\"eth0\""), &e));
	assert_string_equal(e.path, "interface");
	assert_false(may_have(own_tap, PORT("\"interface\":\"web\""), &e));
	assert_true(may_have(own_tap, PORT("\"tap\":{\"name\":\"web\"}"), &e));
	assert_false(may_have(own_tap, PORT("\"tap\":{\"name\":\"eth0\"}"), &e));
	assert_string_equal(e.path, "tap");
	assert_false(may_have(own_tap, there, &e));
	assert_true(may_have(in_dir, there, &e));
	assert_false(may_have(in_dir, elsewhere, &e));
	assert_false(may_have(in_dir, PORT("\"tap\":{\"name\":\"eth0\"}"), &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_a_list_nothing_of_the_host_may_be_named),
		T(devices_of_packets_alone_need_no_list),
		T(odd_notations_are_roots),
		T(listed_interfaces_may_be_named),
		T(listed_nics_may_be_named),
		T(files_in_listed_directories_may_be_named),
		T(ways_out_of_a_directory_are_none),
		T(links_are_not_followed),
		T(directories_that_others_may_write_to_are_refused),
		T(the_way_to_the_directory_counts),
		T(section_is_checked),
		T(every_driver_can_be_listed),
		T(kernel_ports_take_an_entry_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
