/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "hugepages.h"

#define PAGE_KB 2048u

static uint64_t read_number(const char *dir, const char *size, const char *file)
{
	char path[512];
	uint64_t v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, size, file);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%" SCNu64, &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static void add_size(const char *dir, const char *name, struct sl_hugepages_seen *s)
{
	uint64_t page_kb, free_pages, promised;

	if (sscanf(name, "hugepages-%" SCNu64 "kB", &page_kb) != 1)
		return;
	free_pages = read_number(dir, name, "free_hugepages");
	promised = read_number(dir, name, "resv_hugepages");
	if (free_pages > promised)
		s->free_kb += (free_pages - promised) * page_kb;
	if (page_kb == PAGE_KB)
		s->total_2m = read_number(dir, name, "nr_hugepages");
}

void sl_hugepages_read(const char *dir, struct sl_hugepages_seen *s)
{
	DIR *d = opendir(dir);
	struct dirent *ent;

	*s = (struct sl_hugepages_seen){0};
	if (d == NULL)
		return;
	while ((ent = readdir(d)) != NULL)
		add_size(dir, ent->d_name, s);
	closedir(d);
}

uint64_t sl_hugepages_missing(const struct sl_hugepages_seen *s, unsigned int memory_mb)
{
	uint64_t need_kb = (uint64_t)memory_mb * 1024;

	return need_kb > s->free_kb ? (need_kb - s->free_kb + PAGE_KB - 1) / PAGE_KB : 0;
}

int sl_hugepages_decide(enum sl_hugepages want, const struct sl_hugepages_seen *s,
	unsigned int memory_mb, char note[256], struct sl_err *e)
{
	uint64_t missing = sl_hugepages_missing(s, memory_mb);
	int ret;

	note[0] = '\0';
	if (want == SL_HUGEPAGES_OFF)
		return 0;
	if (missing == 0)
		return 1;
	if (want == SL_HUGEPAGES_REQUIRED) {
		ret = sl_err_set(e, SL_ERR_LIMIT, "workers.hugepages",
			"%" PRIu64 " hugepages of 2 MiB are missing: %u MiB are required, "
			"%" PRIu64 " MiB are free",
			missing, memory_mb, s->free_kb / 1024);
		sl_err_hint(e, "sysctl -w vm.nr_hugepages=%" PRIu64, s->total_2m + missing);
		return ret;
	}
	snprintf(note, 256,
		"running without hugepages, which is slower: %" PRIu64
		" of 2 MiB are missing for %u MiB (sysctl -w vm.nr_hugepages=%" PRIu64 ")",
		missing, memory_mb, s->total_2m + missing);
	return 0;
}
