/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "ctrl/shape/grow.h"
#include "frame.h"

#define RESERVE	  4096u
#define ROOM_IDLE 16384u /* a larger buffer is freed once it is empty */

enum { MODE_IDLE, MODE_BRACKETS, MODE_STRING, MODE_ESCAPE, MODE_LINE };

char *sl_frame_reserve(struct sl_frame *f, size_t *n)
{
	if (f->start == f->len)
		f->start = f->pos = f->len = 0;
	if (f->room - f->len < RESERVE && f->start > f->room / 2) {
		/* moves less than was consumed since the last move: linear in total */
		memmove(f->buf, f->buf + f->start, f->len - f->start);
		f->len -= f->start;
		f->pos -= f->start;
		f->start = 0;
	}
	if (f->room - f->len < RESERVE) {
		char *buf = sl_grow(f->buf, f->len + RESERVE, &f->room, 1);

		if (buf == NULL)
			return NULL;
		f->buf = buf;
	}
	*n = f->room - f->len;
	return f->buf + f->len;
}

void sl_frame_filled(struct sl_frame *f, size_t n)
{
	f->len += n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int begin(struct sl_frame *f, char c)
{
	if (is_space(c)) {
		f->start = f->pos;
		return MODE_IDLE;
	}
	f->start = f->pos - 1;
	f->depth = c == '{' || c == '[';
	return f->depth != 0 ? MODE_BRACKETS : MODE_LINE;
}

static int bracket(struct sl_frame *f, char c)
{
	switch (c) {
	case '"':
		return MODE_STRING;
	case '{':
	case '[':
		f->depth++;
		return MODE_BRACKETS;
	case '}':
	case ']':
		return --f->depth == 0 ? MODE_IDLE : MODE_BRACKETS;
	default:
		return MODE_BRACKETS;
	}
}

static int string(char c)
{
	switch (c) {
	case '"':
		return MODE_BRACKETS;
	case '\\':
		return MODE_ESCAPE;
	case '\n':
		return MODE_IDLE;
	default:
		return MODE_STRING;
	}
}

/* Advances by one byte; true when the byte ended a value. */
static bool step(struct sl_frame *f)
{
	char c = f->buf[f->pos++];

	switch (f->mode) {
	case MODE_IDLE:
		f->mode = begin(f, c);
		return false;
	case MODE_BRACKETS:
		f->mode = bracket(f, c);
		break;
	case MODE_STRING:
		f->mode = string(c);
		break;
	case MODE_ESCAPE:
		f->mode = c == '\n' ? MODE_IDLE : MODE_STRING;
		break;
	default:
		f->mode = c == '\n' ? MODE_IDLE : MODE_LINE;
		break;
	}
	return f->mode == MODE_IDLE;
}

static void cut(struct sl_frame *f, const char **msg, size_t *len)
{
	*msg = f->buf + f->start;
	*len = f->pos - f->start;
	if ((*msg)[*len - 1] == '\n')
		--*len;
	f->start = f->pos;
	f->mode = MODE_IDLE;
}

enum sl_frame_status sl_frame_next(struct sl_frame *f, size_t limit, const char **msg, size_t *len)
{
	while (f->pos < f->len) {
		if (step(f)) {
			cut(f, msg, len);
			return *len <= limit ? SL_FRAME_MESSAGE : SL_FRAME_TOO_LONG;
		}
	}
	if (f->start == f->len && f->room > ROOM_IDLE)
		sl_frame_fini(f);
	/* the line break of a line may still come, and does not count */
	return f->pos - f->start > limit ? SL_FRAME_TOO_LONG : SL_FRAME_MORE;
}

bool sl_frame_rest(struct sl_frame *f, const char **msg, size_t *len)
{
	if (f->mode == MODE_IDLE || f->start == f->len)
		return false;
	f->pos = f->len;
	cut(f, msg, len);
	return true;
}

void sl_frame_fini(struct sl_frame *f)
{
	free(f->buf);
	memset(f, 0, sizeof(*f));
}
