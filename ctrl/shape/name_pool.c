/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "name_pool.h"

#define BUCKETS_MIN  64
#define BUCKETS_FEW  1024    /* with more names than this... */
#define BUCKETS_MANY 1048576 /* ...there are this many buckets; unused ones take no memory */

struct kept_name {
	struct kept_name *next; /* in its bucket */
	uint32_t hash, holders;
	char text[];
};

static struct {
	struct kept_name **bucket; /* a power of two of them; NULL while no name is kept */
	size_t n_buckets, n;
	uint32_t seed; /* clients choose the names, and must not be able to choose the bucket */
} pool;

const char sl_name_none[] = "";

static struct kept_name *kept_of(const char *text)
{
	return (struct kept_name *)(uintptr_t)(text - offsetof(struct kept_name, text));
}

/* FNV-1a, and then its high bits into the low ones. */
static uint32_t hash_of(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u ^ pool.seed;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

static struct kept_name **bucket_of(uint32_t hash)
{
	return &pool.bucket[hash & (pool.n_buckets - 1)];
}

static void put(struct kept_name *k)
{
	struct kept_name **to = bucket_of(k->hash);

	k->next = *to;
	*to = k;
}

static size_t more_buckets(size_t n)
{
	return n == 0 ? BUCKETS_MIN : n == BUCKETS_FEW ? BUCKETS_MANY : 2 * n;
}

/*
 * Keeps at least as many buckets as names. When memory is out, chains grow longer. Growing moves
 * all names at once, so from a thousand names to a million it does not happen.
 */
static int grow(void)
{
	size_t n_old = pool.n_buckets, n = more_buckets(n_old);
	struct kept_name **old = pool.bucket, *k, *next;
	struct kept_name **new;

	if (pool.n < n_old)
		return 0;
	new = calloc(n, sizeof(*new));
	if (new == NULL)
		return n_old == 0 ? -1 : 0;
	if (n_old == 0 && getrandom(&pool.seed, sizeof(pool.seed), GRND_NONBLOCK) < 0)
		pool.seed = 0;
	pool.bucket = new;
	pool.n_buckets = n;
	for (size_t i = 0; i < n_old; i++)
		for (k = old[i]; k != NULL; k = next) {
			next = k->next;
			put(k);
		}
	free(old);
	return 0;
}

const char *sl_name_keep(const char *text)
{
	size_t size = strlen(text) + 1;
	struct kept_name *k;
	uint32_t hash;

	if (size == 1)
		return sl_name_none;
	if (grow() != 0)
		return NULL;
	hash = hash_of(text);
	for (k = *bucket_of(hash); k != NULL; k = k->next)
		if (k->hash == hash && strcmp(k->text, text) == 0)
			return sl_name_again(k->text);
	k = malloc(sizeof(*k) + size);
	if (k == NULL)
		return NULL;
	k->hash = hash;
	k->holders = 1;
	memcpy(k->text, text, size);
	put(k);
	pool.n++;
	return k->text;
}

const char *sl_name_again(const char *kept)
{
	if (kept == NULL || kept == sl_name_none)
		return sl_name_none;
	kept_of(kept)->holders++;
	return kept;
}

void sl_name_drop(const char *kept)
{
	struct kept_name *k, **at;

	if (kept == NULL || kept == sl_name_none)
		return;
	k = kept_of(kept);
	if (--k->holders > 0)
		return;
	for (at = bucket_of(k->hash); *at != k; at = &(*at)->next)
		;
	*at = k->next;
	free(k);
	if (--pool.n > 0)
		return;
	free(pool.bucket);
	pool.bucket = NULL;
	pool.n_buckets = 0;
}
