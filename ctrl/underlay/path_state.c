/* SPDX-License-Identifier: BSD-3-Clause */
#include "path_state.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

const char *sl_path_state_name(enum sl_path_state s)
{
	static const char *const names[] = {[SL_PATH_NONE] = "no_path",
		[SL_PATH_UNRESOLVED] = "unresolved",
		[SL_PATH_RESOLVED] = "resolved",
		[SL_PATH_HEARD] = "heard",
		[SL_PATH_SILENT] = "silent",
		[SL_PATH_UNREACHABLE] = "unreachable"};

	return names[s];
}

void sl_path_begin(struct sl_path_watch *w, const struct sl_tunnel_seen *now, uint32_t tick)
{
	*w = (struct sl_path_watch){.base = *now, .begun = tick, .state = SL_PATH_NONE};
}

/* An event in the tick in which the watch began may concern the node that had the id before. */
static bool is_since(const struct sl_path_watch *w, uint32_t tick)
{
	return tick > w->begun;
}

void sl_path_since(
	const struct sl_path_watch *w, const struct sl_tunnel_seen *now, struct sl_tunnel_seen *s)
{
	*s = *now;
	s->tx_packets -= w->base.tx_packets;
	s->tx_bytes -= w->base.tx_bytes;
	s->rx_packets -= w->base.rx_packets;
	s->rx_bytes -= w->base.rx_bytes;
	s->errors -= w->base.errors;
	if (!is_since(w, s->heard))
		s->heard = 0;
	if (!is_since(w, s->error_tick))
		s->error_tick = 0;
	if (!is_since(w, (uint32_t)(s->too_big >> 32)))
		s->too_big = 0;
}

/* "Fragmentation needed" concerns only large packets: smaller ones arrive. */
static bool says_unreachable(uint64_t word)
{
	struct sl_path_error e = sl_path_error_of(word);

	if (e.v6)
		return e.type == ICMP6_DST_UNREACH || e.type == ICMP6_TIME_EXCEEDED;
	return (e.type == ICMP_UNREACH && e.code != ICMP_UNREACH_NEEDFRAG) ||
	       e.type == ICMP_TIMXCEED;
}

static bool is_within(uint32_t then, uint32_t tick, uint32_t ticks)
{
	return then != 0 && tick - then < ticks;
}

static enum sl_path_state judge(
	const struct sl_path_watch *w, const struct sl_tunnel_seen *s, uint32_t tick)
{
	if (is_within(s->heard, tick, SL_PATH_GRACE_TICKS))
		return SL_PATH_HEARD;
	if (s->error_tick > s->heard && is_within(s->error_tick, tick, SL_PATH_ERROR_TICKS) &&
		says_unreachable(s->error))
		return SL_PATH_UNREACHABLE;
	if (is_within(s->heard, tick, SL_PATH_QUIET_TICKS))
		return SL_PATH_HEARD;
	/* TCP that gets no answer sends at growing intervals. */
	if (w->unheard != 0 && tick - w->unheard >= SL_PATH_QUIET_TICKS &&
		is_within(w->sent, tick, SL_PATH_FORGET_TICKS))
		return SL_PATH_SILENT;
	return SL_PATH_RESOLVED;
}

enum sl_path_state sl_path_look(struct sl_path_watch *w, const struct sl_tunnel_seen *s,
	bool reachable, bool resolved, uint32_t tick)
{
	if (s->heard >= w->unheard)
		w->unheard = 0;
	if (s->tx_packets != w->tx_packets) {
		w->tx_packets = s->tx_packets;
		w->sent = tick;
		if (w->unheard == 0 && s->heard != tick)
			w->unheard = tick;
	}
	if (!reachable)
		w->state = SL_PATH_NONE;
	else if (!resolved)
		w->state = SL_PATH_UNRESOLVED;
	else
		w->state = judge(w, s, tick);
	return w->state;
}

static const char *words(uint8_t type, uint8_t code)
{
	static const char *const unreachable[] = {[ICMP_UNREACH_NET] = "net unreachable",
		[ICMP_UNREACH_HOST] = "host unreachable",
		[ICMP_UNREACH_PROTOCOL] = "protocol unreachable",
		[ICMP_UNREACH_PORT] = "port unreachable",
		[ICMP_UNREACH_NEEDFRAG] = "fragmentation needed",
		[ICMP_UNREACH_NET_PROHIB] = "net prohibited",
		[ICMP_UNREACH_HOST_PROHIB] = "host prohibited",
		[ICMP_UNREACH_FILTER_PROHIB] = "administratively prohibited"};

	if (type == ICMP_TIMXCEED)
		return "time exceeded";
	if (type == ICMP_PARAMPROB)
		return "parameter problem";
	if (code < sizeof(unreachable) / sizeof(unreachable[0]) && unreachable[code] != NULL)
		return unreachable[code];
	return "destination unreachable";
}

/* RFC 4443 section 3. */
static const char *words6(uint8_t type, uint8_t code)
{
	static const char *const unreachable[] = {[ICMP6_DST_UNREACH_NOROUTE] = "no route",
		[ICMP6_DST_UNREACH_ADMIN] = "administratively prohibited",
		[ICMP6_DST_UNREACH_BEYONDSCOPE] = "beyond scope",
		[ICMP6_DST_UNREACH_ADDR] = "address unreachable",
		[ICMP6_DST_UNREACH_NOPORT] = "port unreachable"};

	if (type == ICMP6_PACKET_TOO_BIG)
		return "packet too big";
	if (type == ICMP6_TIME_EXCEEDED)
		return "time exceeded";
	if (type == ICMP6_PARAM_PROB)
		return "parameter problem";
	if (code < sizeof(unreachable) / sizeof(unreachable[0]))
		return unreachable[code];
	return "destination unreachable";
}

struct sl_path_error sl_path_error_of(uint64_t word)
{
	uint8_t type = (uint8_t)(word >> 56), code = (uint8_t)(word >> 48);
	bool v4 = (uint32_t)word != 0;
	struct sl_path_error e = {.v6 = !v4, .type = type, .code = code};

	e.mtu = (uint16_t)(word >> 32);
	if (v4)
		e.from = sl_ip_from_v4((uint32_t)word);
	e.text = v4 ? words(type, code) : words6(type, code);
	return e;
}
