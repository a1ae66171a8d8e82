/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

#define HEAD   "{\"jsonrpc\":\"2.0\",\"method\":\""
#define MIDDLE "\",\"params\":"
#define TAIL   "}\n"

void sl_session_init(struct sl_session *s, const struct sl_rpc *rpc, const struct ucred *peer,
	enum sl_rpc_right granted)
{
	*s = (struct sl_session){.rpc = rpc, .peer = *peer, .granted = granted};
	snprintf(s->label, sizeof(s->label), "uid %u, pid %d", peer->uid, peer->pid);
}

void sl_session_local(struct sl_session *s, const struct sl_rpc *rpc, enum sl_rpc_right granted)
{
	const struct ucred self = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};

	sl_session_init(s, rpc, &self, granted);
}

void sl_session_fini(struct sl_session *s)
{
	struct sl_session_keeper *k;

	while ((k = s->keepers) != NULL) {
		s->keepers = k->next;
		k->session = NULL;
		k->next = NULL;
		k->ended(k);
	}
	sl_text_fini(&s->pushed);
}

void sl_session_keep(struct sl_session *s, struct sl_session_keeper *k)
{
	k->session = s;
	k->next = s->keepers;
	s->keepers = k;
}

static void add_line(struct sl_text *out, const char *method, const char *params)
{
	sl_text_say(out, HEAD);
	sl_text_say(out, method);
	sl_text_say(out, MIDDLE);
	sl_text_say(out, params);
	sl_text_say(out, TAIL);
}

/* False: no room. When memory is out, the queue is lost too, and counted as lost. */
static bool enqueue(struct sl_session *s, const char *method, const char *params)
{
	size_t len = strlen(HEAD MIDDLE TAIL) + strlen(method) + strlen(params);

	/* Nothing may be queued after a gap: the gap takes the place of the lost notifications. */
	if (s->lost > 0 || len > SL_SESSION_PUSHED_MAX - s->pushed.len)
		return false;
	add_line(&s->pushed, method, params);
	if (!s->pushed.failed) {
		s->n_pushed++;
		return true;
	}
	s->pushed.failed = false;
	s->lost += s->n_pushed;
	s->n_pushed = 0;
	return false;
}

bool sl_session_push(struct sl_session *s, const char *method, const char *params)
{
	bool kept = enqueue(s, method, params);

	s->lost += !kept;
	if (s->wake != NULL)
		s->wake(s);
	return kept;
}

void sl_session_drain(struct sl_session *s, struct sl_text *out)
{
	char params[40];

	if (s->pushed.len > 0)
		sl_text_add(out, s->pushed.p, s->pushed.len);
	sl_text_fini(&s->pushed);
	s->n_pushed = 0;
	if (s->lost == 0)
		return;
	snprintf(params, sizeof(params), "{\"lost\":%" PRIu64 "}", s->lost);
	add_line(out, SL_SESSION_GAP, params);
	s->lost = 0;
}
