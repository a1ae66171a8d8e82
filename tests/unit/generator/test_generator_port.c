/* SPDX-License-Identifier: BSD-3-Clause */
/* A generator as a port of the engine: its options refused by name, its life, its counters. */
#include "tests/unit/dp/engine_test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The options and tables behind a port, one by one. */
#include "tests/generator/generator_internal.h"
#include "tests/generator/generator_port.h"

/* Options, what the message must say of them. */
static const struct {
	const char *options, *says;
} flaws[] = {
	{"flow=5", "no option \"flow\"; it has template frames"},
	{"flows", "\"flows\" has no value"},
	{"flows=", "\"flows\" is a number from 1 to 4294967295, not \"\""},
	{"flows=0", "\"flows\" is a number from 1"},
	{"flows=-1", "\"flows\" is a number from 1"},
	{"flows=4294967296", "\"flows\" is a number from 1"},
	{"flows=99999999999999999999999", "\"flows\" is a number from 1"},
	{"flows=1k", "not \"1k\""},
	{"flows=1,flows=2", "\"flows\" is given twice"},
	{"flows=1,", "\"\" has no value"},
	{"dist=normal", "one of uniform zipf sequential scattered, not \"normal\""},
	{"skew=-1", "\"skew\" is a decimal number from 0 to 5"},
	{"skew=nan", "\"skew\" is a decimal number"},
	{"skew=1.2.3", "\"skew\" is a decimal number"},
	{"attack=101", "\"attack\" is a decimal number from 0 to 100"},
	{"attack_dst=10.0.0.0/8", "\"attack\", its percentage of packets, is not given"},
	{"attack=1,attack_dst=10.0.0.0", "\"attack_dst\" is an IPv4 prefix"},
	{"attack=1,attack_dst=10.0.0.0/33", "\"attack_dst\" is an IPv4 prefix"},
	{"size=41", "\"size\" is \"imix\" or a number from 42 to 9216"},
	{"size=jumbo", "\"size\" is \"imix\" or a number"},
	{"sport=0", "\"sport\" is a port or FIRST-LAST"},
	{"sport=9-8", "\"sport\" is a port or FIRST-LAST"},
	{"dport=1-65536", "\"dport\" is a port or FIRST-LAST"},
	{"src=10.0.0", "\"src\" is an IPv4 or IPv6 address"},
	{"src=fd00::1", "\"src\": the template is of the other address family"},
	{"smac=2:1:0", "\"smac\" is a MAC"},
	{"macs=all", "one of both src dst none"},
	{"new=2", "\"new\" is a number from 0 to 1"},
	{"new=1,dist=zipf", "\"new\" makes every packet a new flow, which \"dist\" zipf does not"},
	{"frames=2", "\"frames\" is about the file of \"template\""},
	{"template=", "\"template\" is the path of a pcap file"},
	{"template=/nonexistent/file", "\"/nonexistent/file\" No such file or directory"},
	{"template=/dev/null", "is no regular file"},
	{"template=/tmp", "is no regular file"},
	{"nodes=2", "\"nodes\": the template has no outer header"},
	{"vnis=2", "\"vnis\": the template has no VNI"},
	{"flows=2,clients=1,servers=1,sport=5", "1 clients, 1 servers, 1 source and 1 destination"},
	{"src=223.255.255.255", "64 client addresses from 223.255.255.255 on are not all unicast"},
	{"dst=126.255.255.255", "64 server addresses from 126.255.255.255 on are not all unicast"},
	{"smac=02:01:ff:ff:ff:ff", "64 client MACs do not fit"},
	{"size=9000", "frames of 9000 bytes do not fit into buffers"},
};

static void malformed_options_are_refused_by_name(void **state)
{
	char devargs[256];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(flaws); i++) {
		struct sl_err e = {0};

		snprintf(devargs, sizeof(devargs), "generator0,%s", flaws[i].options);
		assert_true(add("gen", devargs, &e) < 0);
		if (strstr(e.message, flaws[i].says) == NULL)
			fail_msg("%s: %s", devargs, e.message);
		assert_string_equal(e.path, "devargs");
		assert_int_equal(rte_eth_dev_count_total(), 0);
	}
}

static void check_needs_no_file(void **state)
{
	struct sl_err e = {0};

	(void)state;
	assert_int_equal(sl_generator_check("generator3,template=/nonexistent/file", &e), 0);
	assert_int_equal(sl_generator_check("generator", &e), 0);
	assert_true(sl_generator_check("generator,x=1", &e) < 0);
	assert_true(sl_generator_named("generator"));
	assert_true(sl_generator_named("generator12,flows=1"));
	assert_false(sl_generator_named("generators"));
	assert_false(sl_generator_named("net_generator0"));
}

/* A file with these bytes instead of frames. */
static void assert_file_refused(const void *bytes, size_t len, const char *says)
{
	char path[] = "/tmp/sluice-template-XXXXXX", devargs[80];
	int fd = mkstemp(path);
	struct sl_err e = {0};

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	snprintf(devargs, sizeof(devargs), "generator0,template=%s", path);
	assert_true(add("gen", devargs, &e) < 0);
	unlink(path);
	if (strstr(e.message, says) == NULL)
		fail_msg("%s", e.message);
}

static void template_that_is_a_pipe_is_refused_without_waiting(void **state)
{
	char dir[] = "/tmp/sluice-template-XXXXXX", path[64], devargs[128];
	struct sl_err e = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(devargs, sizeof(devargs), "generator0,template=%s", path);
	alarm(DEADLINE_S);
	assert_true(add("gen", devargs, &e) < 0);
	alarm(0);
	unlink(path);
	rmdir(dir);
	assert_non_null(strstr(e.message, "is no regular file"));
}

static void flawed_templates_are_refused(void **state)
{
	struct {
		uint32_t head[6], record[4];
		uint8_t frame[60];
	} f = {{0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1}, {0, 0, 60, 60}, {0}};

	(void)state;
	assert_file_refused(&f, 24, "has no frame");
	assert_file_refused(&f, 30, "ends within a frame's header");
	assert_file_refused(&f, 50, "ends within a frame");
	assert_file_refused(&f, sizeof(f), "frame 1: it is neither IPv4 nor IPv6");
	f.frame[12] = 8;
	assert_file_refused(&f, sizeof(f), "its IP header is cut or of another version");
	f.frame[14] = 0x44;
	assert_file_refused(&f, sizeof(f), "its IPv4 header's length is impossible");
	f.frame[14] = 0x45;
	f.frame[17] = 200;
	assert_file_refused(&f, sizeof(f), "shorter than its IP header says");
	f.frame[17] = 46;
	f.frame[20] = 0x20;
	assert_file_refused(&f, sizeof(f), "it is a fragment");
	f.frame[20] = 0;
	f.frame[23] = 1;
	assert_file_refused(&f, sizeof(f), "neither UDP nor TCP");
	f.frame[23] = 17;
	assert_file_refused(&f, sizeof(f), "client addresses from 0.0.0.0 on are not all unicast");
	f.frame[14] = 0x4f;
	f.frame[17] = 46;
	assert_file_refused(&f, sizeof(f), "length is impossible");
	f.record[2] = 70000;
	assert_file_refused(&f, sizeof(f), "has a frame longer than 9216 bytes");
	f.head[5] = 113;
	assert_file_refused(&f, sizeof(f), "is not of Ethernet frames");
	f.head[0] = 0x0a0d0d0a;
	assert_file_refused(&f, sizeof(f), "is no pcap file");
}

/* Sanitizers watch. */
static void no_byte_behind_a_cut_template_is_read(void **state)
{
	static const uint8_t vxlan[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 78, 0,
		0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1, 0xc0, 0, 0x17, 0xc1, 0, 58, 0, 0,
		0, 0, 0x65, 0x58, 0, 0, 100, 0, 2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 8, 0, 0x45, 0,
		0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 4, 0, 0, 80, 0, 8, 0, 0};
	struct sl_gen_options o;
	struct sl_err e;

	(void)state;
	assert_int_equal(sl_gen_options_parse(&o, "generator", &e), 0);
	for (uint32_t len = 0; len <= sizeof(vxlan); len++) {
		for (unsigned int fit = 0; fit < 2; fit++) {
			uint8_t *b = malloc(len + 1), *exact = b + 1;
			struct sl_gen_frame f = {.len = (uint16_t)len};
			int ret;

			memcpy(exact, vxlan, len);
			if (fit && len >= 34) {
				exact[16] = (uint8_t)((len - 14) >> 8);
				exact[17] = (uint8_t)(len - 14);
			}
			ret = sl_gen_frame_find(&f, exact, &o, "frame 1", &e);
			if (ret == 0) {
				assert_true(f.l4_off + 8u <= len);
				assert_true(f.l3_off + 20u <= f.l4_off);
			}
			free(b);
		}
	}
}

static struct sl_port_counters counters_of(int id)
{
	struct sl_port_counters c;

	sl_port_counters(g, (uint16_t)id, &c);
	return c;
}

static void generator_port_receives_and_tells_what_it_is(void **state)
{
	struct sl_port_info info;
	uint16_t id;

	(void)state;
	mode = CONSUME;
	notices[0] = '\0';
	id = added("gen", "generator0,flows=1000,count=100000");
	wait_until(counters_of(id).rx_packets == 100000);
	assert_int_equal(counters_of(id).rx_bytes, 6400000);
	assert_non_null(strstr(notices, "port gen is a test source"));
	assert_non_null(strstr(notices, "1000 flows, uniform"));
	sl_port_info(g, id, &info);
	assert_string_equal(info.driver, "generator");
	assert_string_equal(info.device, "generator0");
	assert_int_equal(info.rx_no_buffer, 0);
	removed(id);
	assert_sum_holds();
}

static void what_is_sent_to_a_generator_is_freed_and_counted(void **state)
{
	uint16_t in, out;

	(void)state;
	mode = CONSUME;
	out = added("out", "generator1,count=1");
	wait_until(counters_of(out).rx_packets == 1);
	out_port = out;
	mode = FORWARD;
	in = added("in", "generator0,count=50000");
	wait_until(counters_of(in).rx_packets == 50000 && counters_of(out).tx_packets == 50000);
	assert_int_equal(counters_of(out).tx_bytes, 3200000);
	mode = CONSUME;
	removed(in);
	removed(out);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void generator_can_be_added_again_at_once(void **state)
{
	(void)state;
	mode = CONSUME;
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t before = total(received);
		uint16_t id = added("gen", "generator,dist=zipf");

		wait_until(total(received) > before);
		sl_port_remove(g, id);
	}
	for (unsigned int i = 0; i < g->n_slots; i++)
		wait_until(g->port[i]->state == SL_PORT_FREE);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void queues_of_a_generator_go_to_several_workers(void **state)
{
	struct sl_port_params p = params("wide", "generator0,count=60000");
	int id;

	(void)state;
	mode = CONSUME;
	p.n_rxq = 6;
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	sl_port_publish(g, (uint16_t)id);
	wait_until(counters_of(id).rx_packets == 60000);
	removed((uint16_t)id);
	assert_sum_holds();
}

static void two_generators_of_one_name_are_refused(void **state)
{
	uint16_t id = added("one", "generator5,count=1");
	struct sl_err e = {0};

	(void)state;
	assert_int_equal(add("two", "generator5,flows=7", &e), -EEXIST);
	assert_non_null(strstr(e.message, "in use by port one"));
	removed(id);
}

int main(void)
{
	static const struct sl_port_driver *const drivers[] = {&sl_generator_driver, NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_options_are_refused_by_name),
		cmocka_unit_test(check_needs_no_file),
		cmocka_unit_test(flawed_templates_are_refused),
		cmocka_unit_test(template_that_is_a_pipe_is_refused_without_waiting),
		cmocka_unit_test(no_byte_behind_a_cut_template_is_read),
		cmocka_unit_test(generator_port_receives_and_tells_what_it_is),
		cmocka_unit_test(what_is_sent_to_a_generator_is_freed_and_counted),
		cmocka_unit_test(generator_can_be_added_again_at_once),
		cmocka_unit_test(queues_of_a_generator_go_to_several_workers),
		cmocka_unit_test(two_generators_of_one_name_are_refused),
	};

	sl_port_drivers_register(drivers);
	return cmocka_run_group_tests_name("generator port", tests, start, stop);
}
