/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of port ids: a bit for each of SL_PORTS_MAX. A zeroed set is empty.
 * Threads: those of the memory it is in; nothing here is atomic.
 */
#ifndef SLUICE_PORT_SET_H
#define SLUICE_PORT_SET_H

#include "types.h"

#define SL_PORT_SET_WORDS ((SL_PORTS_MAX + 63) / 64)

struct sl_port_set {
	uint64_t word[SL_PORT_SET_WORDS];
};

static inline void sl_port_set_add(struct sl_port_set *s, unsigned int port)
{
	s->word[port / 64] |= UINT64_C(1) << port % 64;
}

static inline void sl_port_set_del(struct sl_port_set *s, unsigned int port)
{
	s->word[port / 64] &= ~(UINT64_C(1) << port % 64);
}

static inline bool sl_port_set_has(const struct sl_port_set *s, unsigned int port)
{
	return port < SL_PORTS_MAX && (s->word[port / 64] & UINT64_C(1) << port % 64) != 0;
}

static inline bool sl_port_set_any(const struct sl_port_set *s)
{
	for (unsigned int i = 0; i < SL_PORT_SET_WORDS; i++)
		if (s->word[i] != 0)
			return true;
	return false;
}

static inline void sl_port_set_merge(struct sl_port_set *s, const struct sl_port_set *other)
{
	for (unsigned int i = 0; i < SL_PORT_SET_WORDS; i++)
		s->word[i] |= other->word[i];
}

/* The first port of the set with an id of `from` or above; SL_PORTS_MAX when there is none. */
static inline unsigned int sl_port_set_next(const struct sl_port_set *s, unsigned int from)
{
	unsigned int i = from / 64;
	uint64_t left;

	if (from >= SL_PORTS_MAX)
		return SL_PORTS_MAX;
	left = s->word[i] & ~UINT64_C(0) << from % 64;
	while (left == 0) {
		if (++i == SL_PORT_SET_WORDS)
			return SL_PORTS_MAX;
		left = s->word[i];
	}
	return i * 64 + (unsigned int)__builtin_ctzll(left);
}

/* The body may add ports, and may remove the current port. */
#define SL_PORT_SET_EACH(port, set)                                             \
	for (unsigned int port = sl_port_set_next(set, 0); port < SL_PORTS_MAX; \
		port = sl_port_set_next(set, port + 1))

#endif
