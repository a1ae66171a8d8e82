/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator's template: frames of a pcap file or the one built in, at each size wanted. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_malloc.h>

#include "generator_internal.h"
#include "dp/lib/pkt.h"

enum {
	PCAP_HEADER_LEN = 24,
	RECORD_HEADER_LEN = 16,
	LINK_ETHERNET = 1,
	BUILT_IN_LEN = 64,
};

/* Ethernet, IPv4, UDP to port 80: from 02:01:00:00:00:00 10.1.0.1 to 02:02:00:00:00:00 10.2.0.1 */
static const uint8_t built_in[BUILT_IN_LEN] = {0x02, 0x02, 0, 0, 0, 0, 0x02, 0x01, 0, 0, 0, 0, 0x08,
	0x00, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1, 0x27, 0x10, 0, 80,
	0, 30};

/* Frames as read, in their own order. */
struct raw {
	unsigned int n;
	uint16_t len[SL_GEN_FRAMES_MAX];
	uint8_t *b[SL_GEN_FRAMES_MAX];
};

static void free_raw(struct raw *r)
{
	for (unsigned int i = 0; i < r->n; i++)
		free(r->b[i]);
	r->n = 0;
}

static int add_raw(struct raw *r, const uint8_t *b, uint32_t len, struct sl_err *e)
{
	r->b[r->n] = malloc(len);
	if (r->b[r->n] == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	memcpy(r->b[r->n], b, len);
	r->len[r->n++] = (uint16_t)len;
	return 0;
}

static uint32_t word(const uint8_t *p, bool swapped)
{
	return swapped ? __builtin_bswap32(sl_load32(p)) : sl_load32(p);
}

static int bad_file(const char *path, const char *why, struct sl_err *e)
{
	return sl_err_set(
		e, SL_ERR_DEVICE, "devargs", "generator template \"%.200s\" %s", path, why);
}

static int read_records(
	struct raw *r, FILE *file, bool swapped, const struct sl_gen_options *o, struct sl_err *e)
{
	unsigned int most = o->frames != 0 ? (unsigned int)o->frames : SL_GEN_FRAMES_MAX;
	uint8_t head[RECORD_HEADER_LEN], frame[SL_GEN_SIZE_MAX];
	size_t got;
	int ret;

	while ((got = fread(head, 1, sizeof(head), file)) == sizeof(head)) {
		uint32_t len = word(head + 8, swapped);

		if (r->n == most && o->frames == 0)
			return bad_file(o->path,
				"has more than 64 frames: say frames=N for the first ones", e);
		if (r->n == most)
			return 0;
		if (len == 0 || len > sizeof(frame))
			return bad_file(o->path, "has a frame longer than 9216 bytes or empty", e);
		if (fread(frame, 1, len, file) != len)
			return bad_file(o->path, "ends within a frame", e);
		ret = add_raw(r, frame, len, e);
		if (ret != 0)
			return ret;
	}
	if (got != 0)
		return bad_file(o->path, "ends within a frame's header", e);
	if (r->n == 0)
		return bad_file(o->path, "has no frame", e);
	return 0;
}

/* Open a regular file only: opening or reading a pipe or a device might block. */
static FILE *open_file(const char *path, struct sl_err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	FILE *file;

	if (fd < 0 || fstat(fd, &st) != 0) {
		bad_file(path, strerror(errno), e);
		goto close;
	}
	if (!S_ISREG(st.st_mode)) {
		bad_file(path, "is no regular file", e);
		goto close;
	}
	file = fdopen(fd, "rb");
	if (file != NULL)
		return file;
	bad_file(path, strerror(errno), e);
close:
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int read_file(struct raw *r, const struct sl_gen_options *o, struct sl_err *e)
{
	FILE *file = open_file(o->path, e);
	uint8_t head[PCAP_HEADER_LEN];
	bool swapped;
	int ret;

	if (file == NULL)
		return -EINVAL;
	if (fread(head, 1, sizeof(head), file) != sizeof(head)) {
		ret = bad_file(o->path, "is no pcap file", e);
		goto close;
	}
	swapped = sl_load32(head) == 0xd4c3b2a1 || sl_load32(head) == 0x4d3cb2a1;
	if (!swapped && sl_load32(head) != 0xa1b2c3d4 && sl_load32(head) != 0xa1b23c4d)
		ret = bad_file(o->path, "is no pcap file (pcapng is not read)", e);
	else if (word(head + 20, swapped) != LINK_ETHERNET)
		ret = bad_file(o->path, "is not of Ethernet frames", e);
	else
		ret = read_records(r, file, swapped, o, e);
close:
	fclose(file);
	return ret;
}

static int other_family(const char *option, struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_PARAMS, "devargs",
		"generator option \"%s\": the template is of the other address family", option);
}

/* Addresses and ports of the options replace those of the template. */
static int override(
	const struct sl_gen_frame *f, uint8_t *b, const struct sl_gen_options *o, struct sl_err *e)
{
	const struct sl_gen_ip *ip[] = {&o->src, &o->dst};
	const struct sl_gen_mac *mac[] = {&o->smac, &o->dmac};
	const struct sl_gen_range *port[] = {&o->sport, &o->dport};
	const uint16_t ip_end[] = {(uint16_t)(f->src_off + 4), (uint16_t)(f->dst_off + 4)};
	bool ip4 = (f->flags & SL_GEN_F_IP4) != 0;

	if (!ip4 && (o->attack_src.given || o->attack_dst.given))
		return other_family(o->attack_src.given ? "attack_src" : "attack_dst", e);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t len = ip4 ? 4 : 16;

		if (ip[i]->given && ip[i]->v6 == ip4)
			return other_family(i == 0 ? "src" : "dst", e);
		if (ip[i]->given)
			memcpy(b + ip_end[i] - len, ip[i]->b, len);
		if (mac[i]->given && (f->flags & SL_GEN_F_MACS))
			memcpy(b + f->eth_off + (i == 0 ? 6 : 0), mac[i]->mac.b, 6);
		if (port[i]->given) {
			b[f->l4_off + 2 * i] = (uint8_t)(port[i]->first >> 8);
			b[f->l4_off + 2 * i + 1] = (uint8_t)port[i]->first;
		}
	}
	return 0;
}

static int check_span(uint32_t base, uint64_t n, bool ip4, const char *what, struct sl_err *e)
{
	uint64_t last = base + n - 1;

	if (last > UINT32_MAX)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator: %llu %s do not fit behind the first one: its last 32 bits "
			"overflow",
			(unsigned long long)n, what);
	if (ip4 && (base < 1u << 24 || last >= 224u << 24 ||
			   (base < 128u << 24 && last >= 127u << 24)))
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator: %llu %s from %u.%u.%u.%u on are not all unicast addresses",
			(unsigned long long)n, what, base >> 24, base >> 16 & 255, base >> 8 & 255,
			base & 255);
	return 0;
}

/* Whether everything that counts up from this frame stays within its field. */
static int check_spans(
	const struct sl_gen_frame *f, const struct sl_gen_options *o, struct sl_err *e)
{
	bool ip4 = (f->flags & SL_GEN_F_IP4) != 0, macs = (f->flags & SL_GEN_F_MACS) != 0;
	int ret = check_span(f->src, o->clients, ip4, "client addresses", e);

	if (ret == 0)
		ret = check_span(f->dst, o->servers, ip4, "server addresses", e);
	if (ret == 0 && macs && (o->macs == SL_GEN_MACS_BOTH || o->macs == SL_GEN_MACS_SRC))
		ret = check_span(f->smac, o->clients, false, "client MACs", e);
	if (ret == 0 && macs && (o->macs == SL_GEN_MACS_BOTH || o->macs == SL_GEN_MACS_DST))
		ret = check_span(f->dmac, o->servers, false, "server MACs", e);
	if (ret == 0 && f->flags & SL_GEN_F_OUTER)
		ret = check_span(
			f->outer_src, o->nodes, f->flags & SL_GEN_F_OUTER_IP4, "node addresses", e);
	if (ret == 0 && f->flags & SL_GEN_F_VNI && (f->vni_word >> 8) + o->vnis > 1u << 24)
		ret = sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"vnis\": %llu do not fit behind VNI %u",
			(unsigned long long)o->vnis, f->vni_word >> 8);
	if (ret == 0 && !(f->flags & SL_GEN_F_OUTER) && o->nodes > 1)
		ret = sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"nodes\": the template has no outer header");
	if (ret == 0 && !(f->flags & SL_GEN_F_VNI) && o->vnis > 1)
		ret = sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"vnis\": the template has no VNI");
	return ret;
}

static unsigned int sizes_of(const struct sl_gen_options *o, uint16_t size[SL_GEN_SIZES_MAX])
{
	if (o->size == SL_GEN_IMIX) {
		size[0] = 64;
		size[1] = 594;
		size[2] = 1514;
		return 3;
	}
	size[0] = (uint16_t)o->size;
	return 1;
}

static unsigned int chunks_of(unsigned int len)
{
	return (len + SL_GEN_CHUNK - 1) / SL_GEN_CHUNK;
}

static int make_frames(struct sl_gen_template *t, struct raw *r, const struct sl_gen_options *o,
	unsigned int largest, struct sl_err *e)
{
	uint16_t size[SL_GEN_SIZES_MAX];
	char what[32];
	int ret = 0;

	t->n_sizes = sizes_of(o, size);
	for (unsigned int i = 0; i < r->n * t->n_sizes && ret == 0; i++) {
		unsigned int k = i / t->n_sizes;
		struct sl_gen_frame *f = &t->frame[i];

		snprintf(what, sizeof(what), "frame %u", k + 1);
		f->len = r->len[k];
		f->data = t->data + (size_t)i * largest;
		ret = sl_gen_frame_find(f, r->b[k], o, what, e);
		if (ret == 0)
			ret = override(f, r->b[k], o, e);
		if (ret != 0)
			break;
		memcpy(f->data, r->b[k], f->len);
		if (o->size != 0) {
			/* without an inner Ethernet header, the size counts as if there were one */
			unsigned int end = f->eth_off + size[i % t->n_sizes] -
					   (f->flags & SL_GEN_F_MACS ? 0 : RTE_ETHER_HDR_LEN);

			if (end < f->len)
				memset(f->data + end, 0, f->len - end);
			f->len = (uint16_t)end;
		}
		ret = sl_gen_frame_finish(f, what, e);
		if (ret == 0)
			ret = check_spans(f, o, e);
		f->chunks = (uint16_t)chunks_of(f->len);
		t->len_max = RTE_MAX(t->len_max, (unsigned int)f->len);
	}
	return ret;
}

/* How many ports there are to count up. A source port without a range counts up to 65535. */
static void count_ports(struct sl_gen_template *t, const struct sl_gen_options *o)
{
	t->n_dports = o->dport.given ? o->dport.last - o->dport.first + 1u : 1;
	t->n_sports = UINT16_MAX;
	for (unsigned int i = 0; i < t->n_frames * t->n_sizes; i++)
		t->n_sports = RTE_MIN(t->n_sports, UINT16_MAX + 1u - t->frame[i].sport);
	if (o->sport.given)
		t->n_sports = o->sport.last - o->sport.first + 1u;
}

int sl_gen_template_load(
	struct sl_gen_template *t, const struct sl_gen_options *o, int socket, struct sl_err *e)
{
	unsigned int largest = 0;
	struct raw r = {0};
	int ret;

	*t = (struct sl_gen_template){0};
	ret = o->path[0] != '\0' ? read_file(&r, o, e) : add_raw(&r, built_in, BUILT_IN_LEN, e);
	if (ret != 0)
		goto out;
	for (unsigned int i = 0; i < r.n; i++)
		largest = RTE_MAX(largest, (unsigned int)r.len[i]);
	if (o->size != 0) /* and any headers around it */
		largest += o->size == SL_GEN_IMIX ? 1514 : (unsigned int)o->size;
	largest = chunks_of(largest) * SL_GEN_CHUNK;
	t->n_frames = r.n;
	t->frame = rte_zmalloc_socket("sl_generator", sizeof(*t->frame) * r.n * SL_GEN_SIZES_MAX,
		RTE_CACHE_LINE_SIZE, socket);
	t->data = rte_zmalloc_socket(
		"sl_generator", (size_t)largest * r.n * SL_GEN_SIZES_MAX, SL_GEN_CHUNK, socket);
	if (t->frame == NULL || t->data == NULL) {
		ret = sl_err_set(e, SL_ERR_LIMIT, "", "no memory for the generator's template");
		goto out;
	}
	ret = make_frames(t, &r, o, largest, e);
	count_ports(t, o);
out:
	free_raw(&r);
	if (ret != 0)
		sl_gen_template_free(t);
	return ret;
}

void sl_gen_template_free(struct sl_gen_template *t)
{
	rte_free(t->frame);
	rte_free(t->data);
	*t = (struct sl_gen_template){0};
}
