/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>

#include "dp/worker/samples.h"
#include "tests/lib/packet.h"

#define POOL_SIZE 8191

static struct rte_mempool *pool;

int sl_test_eal(void **state)
{
	static bool done;
	char arg[][20] = {"test", "--no-huge", "-m", "256", "--no-pci", "--no-shconf",
		"--no-telemetry", "-l", "0"};
	char *argv[RTE_DIM(arg) + 1] = {NULL};

	(void)state;
	if (done)
		return 0;
	for (unsigned int i = 0; i < RTE_DIM(arg); i++)
		argv[i] = arg[i];
	if (rte_eal_init((int)RTE_DIM(arg), argv) < 0) {
		fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
		return -1;
	}
	done = true;
	return 0;
}

struct rte_mempool *sl_test_pool(void)
{
	if (pool == NULL) {
		sl_test_eal(NULL);
		pool = rte_pktmbuf_pool_create(
			"test_packets", POOL_SIZE, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		if (pool == NULL) {
			fprintf(stderr, "packet pool: %s\n", rte_strerror(rte_errno));
			abort();
		}
	}
	return pool;
}

void sl_test_rows(struct sl_counters *c)
{
	static struct sl_port_row row;

	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		c->port[i] = &row;
}

struct sl_samples *sl_test_samples(void)
{
	static struct sl_samples samples;
	static struct sl_counters counters;
	static _Atomic(uint32_t) tick = 100;

	if (samples.ring == NULL) {
		sl_test_rows(&counters);
		assert_int_equal(
			sl_samples_init(&samples, "test", 0, SOCKET_ID_ANY, &tick, &counters), 0);
	}
	return &samples;
}

unsigned int sl_test_pool_in_use(void)
{
	return rte_mempool_in_use_count(sl_test_pool());
}

/* An empty segment whose bytes are a pattern, so that what is left over from before shows. */
static struct rte_mbuf *fresh(uint16_t headroom)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_test_pool());

	if (m == NULL) {
		fprintf(stderr, "packet pool is empty\n");
		abort();
	}
	memset(m->buf_addr, 0xa5, m->buf_len);
	m->data_off = headroom;
	return m;
}

static void append_segment(struct rte_mbuf *head, struct rte_mbuf **last, struct rte_mbuf *seg,
	const uint8_t *bytes, uint32_t len)
{
	if (len > rte_pktmbuf_tailroom(seg))
		abort();
	if (len != 0)
		memcpy(rte_pktmbuf_mtod(seg, void *), bytes, len);
	seg->data_len = (uint16_t)len;
	if (seg != head) {
		(*last)->next = seg;
		head->nb_segs++;
	}
	head->pkt_len += len;
	*last = seg;
}

struct rte_mbuf *sl_test_mbuf_headroom(const void *bytes, uint32_t len, uint16_t headroom)
{
	struct rte_mbuf *head = fresh(headroom), *last = head, *seg = head;
	uint32_t done = 0;

	do {
		uint32_t n = RTE_MIN(len - done, (uint32_t)rte_pktmbuf_tailroom(seg));

		append_segment(head, &last, seg, (const uint8_t *)bytes + done, n);
		done += n;
		if (done < len)
			seg = fresh(0);
	} while (done < len);
	return head;
}

struct rte_mbuf *sl_test_mbuf(const void *bytes, uint32_t len)
{
	return sl_test_mbuf_headroom(bytes, len, RTE_PKTMBUF_HEADROOM);
}

struct rte_mbuf *sl_test_mbuf_chain(
	const void *bytes, uint32_t len, const uint32_t *cuts, unsigned int n_cuts)
{
	struct rte_mbuf *head = fresh(RTE_PKTMBUF_HEADROOM), *last = head, *seg = head;
	uint32_t done = 0;

	for (unsigned int i = 0; i <= n_cuts; i++) {
		uint32_t end = i < n_cuts ? RTE_MIN(cuts[i], len) : len;

		append_segment(head, &last, seg, (const uint8_t *)bytes + done, end - done);
		done = end;
		if (i < n_cuts)
			seg = fresh(0);
	}
	return head;
}

struct block {
	struct rte_mbuf_ext_shared_info shared;
	void *bytes;
};

static void free_block(void *addr, void *opaque)
{
	struct block *block = opaque;

	(void)addr;
	free(block->bytes);
	free(block);
}

static struct rte_mbuf *exact(const uint8_t *bytes, uint32_t len)
{
	struct rte_mbuf *m = fresh(0);
	struct block *block = calloc(1, sizeof(*block));

	if (block == NULL || (block->bytes = malloc(len)) == NULL)
		abort();
	if (len != 0)
		memcpy(block->bytes, bytes, len);
	block->shared.free_cb = free_block;
	block->shared.fcb_opaque = block;
	rte_mbuf_ext_refcnt_set(&block->shared, 1);
	rte_pktmbuf_attach_extbuf(m, block->bytes, RTE_BAD_IOVA, (uint16_t)len, &block->shared);
	return m;
}

struct rte_mbuf *sl_test_mbuf_exact(
	const void *bytes, uint32_t len, const uint32_t *cuts, unsigned int n_cuts)
{
	struct rte_mbuf *head = NULL, *last = NULL;
	uint32_t done = 0;

	for (unsigned int i = 0; i <= n_cuts; i++) {
		uint32_t end = i < n_cuts ? RTE_MIN(cuts[i], len) : len;
		const uint8_t *from = (const uint8_t *)bytes + done;
		struct rte_mbuf *seg = exact(from, end - done);

		if (head == NULL)
			head = seg;
		append_segment(head, &last, seg, from, end - done);
		done = end;
	}
	return head;
}

struct rte_mbuf *sl_frame_mbuf(const struct sl_frame *f)
{
	return sl_test_mbuf(f->b, f->len);
}

uint32_t sl_test_mbuf_bytes(const struct rte_mbuf *m, void *to, uint32_t max)
{
	uint32_t done = 0;

	for (const struct rte_mbuf *s = m; s != NULL && done < max; s = s->next) {
		uint32_t n = RTE_MIN(max - done, (uint32_t)s->data_len);

		memcpy((uint8_t *)to + done, rte_pktmbuf_mtod(s, const void *), n);
		done += n;
	}
	return done;
}

/* Of a long packet only the lines that differ. */
static void dump(
	const char *title, const uint8_t *p, uint32_t len, const uint8_t *other, uint32_t other_len)
{
	fprintf(stderr, "%s, %u bytes (* differs)\n", title, len);
	for (uint32_t i = 0; i < len; i += 16) {
		uint32_t n = RTE_MIN(16u, len - i);

		if (len > 512 && i + n <= other_len && memcmp(p + i, other + i, n) == 0)
			continue;
		fprintf(stderr, "  %04x ", i);
		for (uint32_t k = i; k < i + n; k++)
			fprintf(stderr, "%c%02x", k >= other_len || p[k] != other[k] ? '*' : ' ',
				p[k]);
		fputc('\n', stderr);
	}
}

void sl_test_compare(const void *got, uint32_t got_len, const void *want, uint32_t want_len,
	const char *file, int line)
{
	if (got_len == want_len && memcmp(got, want, got_len) == 0)
		return;
	dump("got", got, got_len, want, want_len);
	dump("want", want, want_len, got, got_len);
	_fail(file, line);
}

void sl_test_compare_mbuf(
	const struct rte_mbuf *m, const void *want, uint32_t want_len, const char *file, int line)
{
	static uint8_t got[1 << 17];
	uint32_t len = sl_test_mbuf_bytes(m, got, sizeof(got));

	sl_test_compare(got, len, want, want_len, file, line);
	if (m->pkt_len != len) {
		fprintf(stderr, "pkt_len is %u, the segments hold %u bytes\n", m->pkt_len, len);
		_fail(file, line);
	}
}

unsigned int sl_test_burst_add(struct sl_burst *b, struct rte_mbuf *m)
{
	unsigned int i = b->n++;

	if (i >= SL_BURST_MAX)
		abort();
	b->pkt[i] = m;
	b->verdict[i] = SL_KEEP;
	memset(&b->meta[i], 0x5a, sizeof(b->meta[i]));
	memset(&b->key4[i], 0x5a, sizeof(b->key4[i]));
	memset(&b->key6[i], 0x5a, sizeof(b->key6[i]));
	return i;
}

void sl_test_burst_free(struct sl_burst *b)
{
	for (unsigned int i = 0; i < b->n; i++)
		if (b->verdict[i] != SL_SENT)
			rte_pktmbuf_free(b->pkt[i]);
	b->n = 0;
}

#define EIGHT(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
const uint8_t sl_test_all[SL_BURST_MAX] = {
	EIGHT(0), EIGHT(8), EIGHT(16), EIGHT(24), EIGHT(32), EIGHT(40), EIGHT(48), EIGHT(56)};
