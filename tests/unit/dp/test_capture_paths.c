/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures at a device's paths: they are not changed if the driver must not use them. Real files
 * and drivers. */
#include "paths_test.h"

static const uint32_t capture[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};

static void only_captures_are_written_over(void **state)
{
	const char *file = in_dir("file"), *link = in_dir("link"), *fifo = in_dir("fifo");
	const char *old = in_dir("old.pcap");

	(void)state;
	make_file(file, "precious", 8);
	assert_int_equal(symlink(file, link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	is_refused(with("net_pcap0,tx_pcap=", file, ""), file);
	is_refused(with("net_pcap0,tx_pcap=", link, ""), link);
	is_refused(with("net_pcap0,tx_pcap=", fifo, ""), fifo);
	is_refused(with("net_pcap0,tx_pcap=", dir, ""), dir);
	is_refused(with("net_pcap0,tx_pcap=", "/dev/null", ""), "/dev/null");
	is_refused("net_pcap0,tx_pcap=-", "-");
	assert_true(is_file_of(file, "precious"));
	make_file(old, capture, sizeof(capture));
	removed(added("p", with("net_pcap0,tx_pcap=", old, "")));
	unlink(old);
	make_file(old, "", 0);
	removed(added("p", with("net_pcap0,tx_pcap=", old, "")));
	unlink(old);
	removed(added("p", with("net_pcap0,tx_pcap=", old, "")));
}

static void captures_are_read_from_files_only(void **state)
{
	const char *fifo = in_dir("fifo");

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	is_refused(with("net_pcap0,rx_pcap=", fifo, ""), fifo); /* without waiting for a writer */
	is_refused(with("net_pcap0,rx_pcap=", dir, ""), dir);
	is_refused(with("net_pcap0,rx_pcap=", "/dev/zero", ""), "/dev/zero");
	is_refused(with("net_pcap0,rx_pcap=", "/no/such/file", ""), "/no/such/file");
	is_refused("net_pcap0,rx_pcap=-", "-");
}

/* net_pcap captures both directions, unless told otherwise. */
static void interface_that_would_be_heard_both_ways_is_refused(void **state)
{
	static const char *const echo[] = {"iface", "rx_iface"};
	struct sl_err e = {0};
	char devargs[80];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(echo); i++) {
		snprintf(devargs, sizeof(devargs), "net_pcap0,tx_pcap=%s,%s=lo", in_dir("new"),
			echo[i]);
		assert_true(add("p", devargs, &e) < 0);
		assert_int_equal(e.code, SL_ERR_DEVICE);
		assert_string_equal(e.path, "devargs");
		assert_non_null(strstr(e.message, echo[i]));
		assert_non_null(strstr(e.hint, "rx_iface_in="));
		assert_int_not_equal(access(in_dir("new"), F_OK), 0);
	}
}

static void refused_port_leaves_no_new_capture(void **state)
{
	const char *out = in_dir("out.pcap");
	struct sl_port_params p = params("wide", with("net_pcap0,tx_pcap=", out, ""));
	struct sl_err e = {0};

	(void)state;
	p.n_rxq = 4;
	assert_true(sl_port_add(g, &p, &e) < 0);
	assert_string_equal(e.path, "queues");
	assert_int_equal(inode(out), 0);
}

static void capture_that_another_port_has_is_left_alone(void **state)
{
	const char *file = in_dir("file.pcap");
	struct sl_err e = {0};
	uint16_t id;

	(void)state;
	make_file(file, capture, sizeof(capture));
	id = added("reader", with("net_pcap0,rx_pcap=", file, ""));
	assert_true(add("writer", with("net_pcap1,tx_pcap=", file, ""), &e) < 0);
	assert_int_equal(e.code, SL_ERR_EXISTS);
	assert_non_null(strstr(e.message, "reader"));
	removed(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(only_captures_are_written_over),
		T(captures_are_read_from_files_only),
		T(interface_that_would_be_heard_both_ways_is_refused),
		T(refused_port_leaves_no_new_capture),
		T(capture_that_another_port_has_is_left_alone),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
