/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator's options: a table of rows, one engine that parses and refuses. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "generator_internal.h"

#define NAME "generator"

enum kind { NUMBER, DECIMAL, CHOICE, PORTS, IP, MAC, PREFIX, PATH, SIZE };

struct row {
	const char *name;
	enum kind kind;
	size_t at;
	uint64_t min, max;	   /* NUMBER, DECIMAL, SIZE */
	const char *const *choice; /* CHOICE: names in the order of their values */
};

static const char *const dists[] = {"uniform", "zipf", "sequential", "scattered", NULL};
static const char *const macs[] = {"both", "src", "dst", "none", NULL};
static const char *const vary[] = {"inner", "outer", NULL};

#define ROW(option, field, type, ...)                                                       \
	{                                                                                   \
		.name = option, .at = offsetof(struct sl_gen_options, field), .kind = type, \
		__VA_ARGS__                                                                 \
	}

static const struct row rows[] = {
	ROW("template", path, PATH),
	ROW("frames", frames, NUMBER, .min = 1, .max = SL_GEN_FRAMES_MAX),
	ROW("vary", vary, CHOICE, .choice = vary),
	ROW("size", size, SIZE, .min = 42, .max = SL_GEN_SIZE_MAX),
	ROW("flows", flows, NUMBER, .min = 1, .max = UINT32_MAX),
	ROW("new", new_flows, NUMBER, .min = 0, .max = 1),
	ROW("dist", dist, CHOICE, .choice = dists),
	ROW("skew", skew, DECIMAL, .min = 0, .max = 5),
	ROW("seed", seed, NUMBER, .min = 0, .max = UINT64_MAX),
	ROW("sweep", sweep, NUMBER, .min = 0, .max = 1000),
	ROW("partition", partition, NUMBER, .min = 0, .max = 1),
	ROW("clients", clients, NUMBER, .min = 1, .max = 1 << 24),
	ROW("servers", servers, NUMBER, .min = 1, .max = 1 << 24),
	ROW("src", src, IP),
	ROW("dst", dst, IP),
	ROW("smac", smac, MAC),
	ROW("dmac", dmac, MAC),
	ROW("macs", macs, CHOICE, .choice = macs),
	ROW("sport", sport, PORTS),
	ROW("dport", dport, PORTS),
	ROW("nodes", nodes, NUMBER, .min = 1, .max = 1 << 24),
	ROW("vnis", vnis, NUMBER, .min = 1, .max = 1 << 24),
	ROW("attack", attack, DECIMAL, .min = 0, .max = 100),
	ROW("attack_src", attack_src, PREFIX),
	ROW("attack_dst", attack_dst, PREFIX),
	ROW("rate", rate, NUMBER, .min = 1, .max = 1000000000),
	ROW("count", count, NUMBER, .min = 1, .max = UINT64_MAX),
};

static int refuse(const struct row *r, const char *value, const char *allowed, struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_PARAMS, "devargs",
		"generator option \"%s\" is %s, not \"%.80s\"", r->name, allowed, value);
}

static bool to_number(const char *text, uint64_t max, uint64_t *n)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*n = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *n <= max;
}

static int parse_number(const struct row *r, const char *value, uint64_t *n, struct sl_err *e)
{
	char allowed[80];
	uint64_t found;

	if (r->kind == SIZE && strcmp(value, "imix") == 0) {
		*n = SL_GEN_IMIX;
		return 0;
	}
	if (to_number(value, r->max, &found) && found >= r->min) {
		*n = found;
		return 0;
	}
	snprintf(allowed, sizeof(allowed), "%sa number from %llu to %llu",
		r->kind == SIZE ? "\"imix\" or " : "", (unsigned long long)r->min,
		(unsigned long long)r->max);
	return refuse(r, value, allowed, e);
}

static int parse_decimal(const struct row *r, const char *value, double *d, struct sl_err *e)
{
	char allowed[80];
	char *end;
	double found;

	if (value[strspn(value, "0123456789.")] == '\0' && isdigit((unsigned char)value[0])) {
		found = strtod(value, &end);
		if (*end == '\0' && found >= (double)r->min && found <= (double)r->max) {
			*d = found;
			return 0;
		}
	}
	snprintf(allowed, sizeof(allowed), "a decimal number from %llu to %llu",
		(unsigned long long)r->min, (unsigned long long)r->max);
	return refuse(r, value, allowed, e);
}

static int parse_choice(const struct row *r, const char *value, uint64_t *n, struct sl_err *e)
{
	char allowed[80] = "one of";

	for (unsigned int i = 0; r->choice[i] != NULL; i++) {
		size_t len = strlen(allowed);

		if (strcmp(value, r->choice[i]) == 0) {
			*n = i;
			return 0;
		}
		snprintf(allowed + len, sizeof(allowed) - len, " %s", r->choice[i]);
	}
	return refuse(r, value, allowed, e);
}

static int parse_ports(
	const struct row *r, const char *value, struct sl_gen_range *range, struct sl_err *e)
{
	char first[16];
	const char *dash = strchr(value, '-');
	size_t len = dash != NULL ? (size_t)(dash - value) : strlen(value);
	uint64_t a, b;

	snprintf(first, sizeof(first), "%.*s", (int)RTE_MIN(len, sizeof(first) - 1), value);
	if (!to_number(first, UINT16_MAX, &a) ||
		!to_number(dash != NULL ? dash + 1 : first, UINT16_MAX, &b) || a == 0 || b < a)
		return refuse(r, value, "a port or FIRST-LAST within 1 to 65535", e);
	*range = (struct sl_gen_range){true, (uint16_t)a, (uint16_t)b};
	return 0;
}

static int parse_ip(const struct row *r, const char *value, struct sl_gen_ip *ip, struct sl_err *e)
{
	bool v6 = strchr(value, ':') != NULL;

	if (inet_pton(v6 ? AF_INET6 : AF_INET, value, ip->b) != 1)
		return refuse(r, value, "an IPv4 or IPv6 address", e);
	ip->given = true;
	ip->v6 = v6;
	return 0;
}

static int parse_mac(const struct row *r, const char *value, struct sl_gen_mac *m, struct sl_err *e)
{
	struct rte_ether_addr a;

	if (rte_ether_unformat_addr(value, &a) != 0 || strlen(value) != 17)
		return refuse(r, value, "a MAC like 02:01:00:00:00:00", e);
	memcpy(m->mac.b, a.addr_bytes, sizeof(m->mac.b));
	m->given = true;
	return 0;
}

static int parse_prefix(
	const struct row *r, const char *value, struct sl_gen_prefix *p, struct sl_err *e)
{
	const char *slash = strchr(value, '/');
	char address[INET_ADDRSTRLEN];
	struct in_addr in;
	uint64_t len;
	int n = slash != NULL ? (int)(slash - value) : 0;

	if (slash == NULL || n >= (int)sizeof(address) || !to_number(slash + 1, 32, &len))
		return refuse(r, value, "an IPv4 prefix like 10.2.0.0/16", e);
	snprintf(address, sizeof(address), "%.*s", n, value);
	if (inet_pton(AF_INET, address, &in) != 1)
		return refuse(r, value, "an IPv4 prefix like 10.2.0.0/16", e);
	p->mask = len == 32 ? 0 : UINT32_MAX >> len;
	p->first = ntohl(in.s_addr) & ~p->mask;
	p->given = true;
	return 0;
}

static int parse_path(const struct row *r, const char *value, char *path, struct sl_err *e)
{
	if (value[0] == '\0')
		return refuse(r, value, "the path of a pcap file", e);
	snprintf(path, sizeof(((struct sl_gen_options *)0)->path), "%s", value);
	return 0;
}

static int parse_value(
	const struct row *r, const char *value, struct sl_gen_options *o, struct sl_err *e)
{
	void *field = (char *)o + r->at;

	switch (r->kind) {
	case NUMBER:
	case SIZE:
		return parse_number(r, value, field, e);
	case DECIMAL:
		return parse_decimal(r, value, field, e);
	case CHOICE:
		return parse_choice(r, value, field, e);
	case PORTS:
		return parse_ports(r, value, field, e);
	case IP:
		return parse_ip(r, value, field, e);
	case MAC:
		return parse_mac(r, value, field, e);
	case PREFIX:
		return parse_prefix(r, value, field, e);
	case PATH:
		return parse_path(r, value, field, e);
	}
	return -EINVAL;
}

static int unknown(const char *name, struct sl_err *e)
{
	char names[sizeof(e->message)] = "";

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		size_t len = strlen(names);

		snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? " " : "", rows[i].name);
	}
	return sl_err_set(e, SL_ERR_PARAMS, "devargs",
		"a generator has no option \"%.40s\"; it has %s", name, names);
}

/* One OPTION=VALUE, cut out of the list. `seen` has a bit a row. */
static int parse_one(char *text, uint64_t *seen, struct sl_gen_options *o, struct sl_err *e)
{
	char *value = strchr(text, '=');
	size_t i = 0;

	if (value == NULL)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"%.80s\" has no value: OPTION=VALUE is expected", text);
	*value++ = '\0';
	while (i < RTE_DIM(rows) && strcmp(rows[i].name, text) != 0)
		i++;
	if (i == RTE_DIM(rows))
		return unknown(text, e);
	if (*seen & 1ull << i)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"%s\" is given twice", text);
	*seen |= 1ull << i;
	return parse_value(&rows[i], value, o, e);
}

bool sl_generator_named(const char *devargs)
{
	size_t at = strlen(NAME);

	if (strncmp(devargs, NAME, at) != 0)
		return false;
	at += strspn(devargs + at, "0123456789");
	return devargs[at] == '\0' || devargs[at] == ',';
}

/* Options that need another option, or exclude one. */
static int check_whole(const struct sl_gen_options *o, struct sl_err *e)
{
	if ((o->attack_src.given || o->attack_dst.given) && o->attack == 0)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"attack_%s\" says where an attack aims, and \"attack\", "
			"its percentage of packets, is not given",
			o->attack_src.given ? "src" : "dst");
	if (o->new_flows && o->dist != SL_GEN_SEQUENTIAL && o->dist != SL_GEN_SCATTERED)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"new\" makes every packet a new flow, which \"dist\" %s "
			"does not: sequential or scattered",
			dists[o->dist]);
	if (o->frames != 0 && o->path[0] == '\0')
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"frames\" is about the file of \"template\", which is "
			"not given");
	return 0;
}

int sl_gen_options_parse(struct sl_gen_options *o, const char *devargs, struct sl_err *e)
{
	enum { DIST_UNSET = UINT8_MAX };
	char *text, *at, *one;
	uint64_t seen = 0;
	int ret = 0;

	*o = (struct sl_gen_options){.dist = DIST_UNSET,
		.skew = 0.99,
		.seed = 1,
		.clients = 64,
		.servers = 64,
		.nodes = 1,
		.vnis = 1,
		.partition = 1};
	text = strdup(devargs + strcspn(devargs, ","));
	if (text == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	at = text[0] == ',' ? text + 1 : NULL;
	while (ret == 0 && (one = strsep(&at, ",")) != NULL)
		ret = parse_one(one, &seen, o, e);
	free(text);
	if (ret != 0)
		return ret;
	if (o->dist == DIST_UNSET)
		o->dist = o->new_flows ? SL_GEN_SEQUENTIAL : SL_GEN_UNIFORM;
	if (o->flows == 0 && !o->new_flows)
		o->flows = 1024;
	return check_whole(o, e);
}

int sl_generator_check(const char *devargs, struct sl_err *e)
{
	struct sl_gen_options o;

	return sl_gen_options_parse(&o, devargs, e);
}
