/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The facts about one dropped packet, and helpers that write sentences from them. Private to
 * drop_*.c. Threads: control. Ownership: sl_drop_explain owns all of it, for one packet.
 */
#ifndef SL_CTRL_WATCH_DROP_FACTS_H
#define SL_CTRL_WATCH_DROP_FACTS_H

#include "ctrl/shape/shape.h"
#include "drop_view.h"
#include "recent.h"

/* Everything that a sentence is made from. */
struct sl_drop_facts {
	const struct sl_sample *s;
	const struct sl_world *world;
	const struct sl_drop_names *names;
	struct sl_drop_view v;
	const struct sl_network *net;  /* NULL: not known */
	const struct sl_endpoint *src; /* the endpoint with the source address; NULL: none */
	const struct sl_endpoint *dst; /* with the destination address */
	uint32_t origin;
	struct sl_recent_entry *e;
};

/* Texts of one sentence; valid until the buffers are used again. */
struct sl_drop_texts {
	char ip[SL_IP_STR_LEN], ip2[SL_IP_STR_LEN], mac[SL_MAC_STR_LEN], mac2[SL_MAC_STR_LEN];
};

typedef void sl_drop_sentence(const struct sl_drop_facts *f);

/* True when the reason has a sentence of that kind; then the sentence is in f->e->detail. */
bool sl_drop_say_bytes(const struct sl_drop_facts *f);
bool sl_drop_say_objects(const struct sl_drop_facts *f);

/* Appends to the sentence; text that does not fit is cut. */
void sl_drop_say(const struct sl_drop_facts *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "port web", "port web VLAN 7", "node b" */
#define SL_DROP_ORIGIN_LEN (SL_NAME_LEN + 20)
const char *sl_drop_origin_words(
	const struct sl_drop_facts *f, uint32_t origin, char buf[SL_DROP_ORIGIN_LEN]);
const char *sl_drop_endpoint_name(const struct sl_drop_facts *f, const struct sl_endpoint *ep);
/* The node that has this tunnel address; 0: none. */
uint32_t sl_drop_node_at(const struct sl_drop_facts *f, const struct sl_ip *ip);
/* Bytes of the frame after its Ethernet header. */
uint32_t sl_drop_behind_ethernet(const struct sl_drop_facts *f);

#endif
