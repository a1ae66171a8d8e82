/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of the state directory's files: objects, changes, checksums. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal_text.h"
#include "ctrl/shape/grow.h"
#include "ctrl/shape/json.h"

#define TEXT_CHUNK 65536

/* table[k][b]: the effect of byte b on the sum, k bytes before the end of eight. */
static void make_table(uint32_t table[8][256])
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = v >> 1 ^ (v & 1 ? 0xedb88320u : 0);
		table[0][i] = v;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t sl_crc32(uint32_t crc, const void *data, size_t len)
{
	static uint32_t table[8][256];
	const uint8_t *p = data;
	uint64_t w;

	if (table[0][255] == 0)
		make_table(table);
	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, sizeof(w));
		w = le64toh(w) ^ crc;
		crc = table[7][w & 0xff] ^ table[6][w >> 8 & 0xff] ^ table[5][w >> 16 & 0xff] ^
		      table[4][w >> 24 & 0xff] ^ table[3][w >> 32 & 0xff] ^
		      table[2][w >> 40 & 0xff] ^ table[1][w >> 48 & 0xff] ^ table[0][w >> 56];
	}
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[0][(crc ^ p[i]) & 0xff];
	return ~crc;
}

static void text_crc(struct sl_jtext *t)
{
	t->crc = sl_crc32(t->crc, t->p + t->n_crc, t->n - t->n_crc);
	t->n_crc = t->n;
}

void sl_jtext_flush(struct sl_jtext *t)
{
	text_crc(t);
	if (t->error == 0)
		t->error = sl_journal_write(t->fd, t->p, t->n, t->written);
	t->written += (off_t)t->n;
	t->n = t->n_crc = 0;
}

static void text_add_len(struct sl_jtext *t, const char *s, size_t len)
{
	char *p;

	if (t->error != 0)
		return;
	p = sl_grow(t->p, t->n + len, &t->size, 1);
	if (p == NULL) {
		t->error = ENOMEM;
		return;
	}
	t->p = p;
	memcpy(t->p + t->n, s, len);
	t->n += len;
	if (t->fd >= 0 && t->n >= TEXT_CHUNK)
		sl_jtext_flush(t);
}

void sl_jtext_add(struct sl_jtext *t, const char *s)
{
	text_add_len(t, s, strlen(s));
}

static void text_json(struct sl_jtext *t, const cJSON *json)
{
	char *s = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

	if (s == NULL && t->error == 0)
		t->error = ENOMEM;
	if (s != NULL)
		sl_jtext_add(t, s);
	cJSON_free(s);
}

static void text_put(void *ctx, const char *s, size_t len)
{
	text_add_len(ctx, s, len);
}

void sl_jtext_shape(struct sl_jtext *t, const struct sl_shape *s, const void *obj)
{
	const struct sl_text_out out = {.ctx = t, .put = text_put};

	if (!sl_shape_write(s, obj, &out) && t->error == 0)
		t->error = ENOMEM;
}

void sl_jtext_object(struct sl_jtext *t, unsigned int c, const struct sl_object *o)
{
	const struct sl_collection *coll = sl_collections[c];
	void *copy = NULL; /* a flat copy: the object still owns its contents */

	if (coll->to_stored != NULL) {
		copy = malloc(coll->shape->size);
		if (copy == NULL) {
			t->error = t->error != 0 ? t->error : ENOMEM;
			return;
		}
		memcpy(copy, o, coll->shape->size);
		coll->to_stored(copy);
	}
	sl_jtext_shape(t, coll->shape, copy != NULL ? copy : o);
	free(copy);
}

static void text_key(struct sl_jtext *t, const char *key)
{
	cJSON *json = cJSON_CreateString(key);

	text_json(t, json);
	cJSON_Delete(json);
}

void sl_jtext_begin(struct sl_jtext *t, uint64_t seq)
{
	char head[64];

	snprintf(head, sizeof(head), "{\"version\":%d,\"seq\":%" PRIu64, SL_JOURNAL_VERSION, seq);
	sl_jtext_add(t, head);
}

void sl_jtext_synced(struct sl_jtext *t, uint64_t seq)
{
	char member[40];

	snprintf(member, sizeof(member), ",\"synced\":%" PRIu64, seq);
	sl_jtext_add(t, member);
}

void sl_jtext_end(struct sl_jtext *t)
{
	char tail[32];

	text_crc(t);
	snprintf(tail, sizeof(tail), ",\"crc\":\"%08x\"}\n", t->crc);
	sl_jtext_add(t, tail);
}

bool sl_jtext_change(struct sl_jtext *t, const struct sl_change *ch, bool comma)
{
	const struct sl_object *put = ch->new_obj, *del = ch->old_obj;

	/* An object that becomes derived is written as removed. */
	put = put != NULL && !put->derived ? put : NULL;
	del = del != NULL && !del->derived ? del : NULL;
	if (put == NULL && del == NULL)
		return false;
	sl_jtext_add(t, comma ? "," : "");
	sl_jtext_add(
		t, put != NULL ? "{\"put\":{\"collection\":\"" : "{\"del\":{\"collection\":\"");
	sl_jtext_add(t, sl_collections[ch->coll]->name);
	if (put != NULL) {
		sl_jtext_add(t, "\",\"object\":");
		sl_jtext_object(t, ch->coll, put);
	} else {
		sl_jtext_add(t, "\",\"key\":");
		text_key(t, del->key);
	}
	sl_jtext_add(t, "}}");
	return true;
}
