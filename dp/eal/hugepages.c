/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "hugepages.h"

#define PAGE_KB	 2048u
#define MB_IN_KB 1024u
#define GB_IN_KB (1024u * 1024u)

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

/*
 * A process gets as many pages as it asks for, and SIGBUS when it writes to the first one above the
 * limit. So the limit is read first, in either of its two forms.
 */
static uint64_t denied_kb(const struct sl_cgroup_place *at, uint64_t page_kb, uint64_t free_kb,
	struct sl_cgroup_limit *tightest)
{
	static const char *const kinds[] = {"", ".rsvd"};
	uint64_t denied = 0;

	for (unsigned int i = 0; i < 2; i++) {
		struct sl_cgroup_limit l;
		char stem[48];

		snprintf(stem, sizeof(stem), "hugetlb.%" PRIu64 "%s%s",
			page_kb >= GB_IN_KB   ? page_kb / GB_IN_KB
			: page_kb >= MB_IN_KB ? page_kb / MB_IN_KB
					      : page_kb,
			page_kb >= GB_IN_KB   ? "GB"
			: page_kb >= MB_IN_KB ? "MB"
					      : "KB",
			kinds[i]);
		if (!sl_cgroup_tightest(at, "hugetlb", stem, &l))
			continue;
		l.left -= l.left % (page_kb * 1024);
		if (l.left / 1024 >= free_kb || free_kb - l.left / 1024 <= denied)
			continue;
		denied = free_kb - l.left / 1024;
		*tightest = l;
	}
	return denied;
}

static void add_size(const char *dir, const char *name, const struct sl_cgroup_place *at,
	struct sl_hugepages_seen *s)
{
	uint64_t page_kb, free_pages, promised, free_kb, denied;
	struct sl_cgroup_limit limit;

	if (sscanf(name, "hugepages-%" SCNu64 "kB", &page_kb) != 1)
		return;
	free_pages = read_number(dir, name, "free_hugepages");
	promised = read_number(dir, name, "resv_hugepages");
	free_kb = free_pages > promised ? (free_pages - promised) * page_kb : 0;
	denied = denied_kb(at, page_kb, free_kb, &limit);
	s->free_kb += free_kb;
	s->denied_kb += denied;
	if (denied > 0)
		s->limit = limit;
	if (page_kb == PAGE_KB)
		s->total_2m = read_number(dir, name, "nr_hugepages");
}

void sl_hugepages_read(
	const char *dir, const struct sl_cgroup_place *at, struct sl_hugepages_seen *s)
{
	DIR *d = opendir(dir);
	struct dirent *ent;

	*s = (struct sl_hugepages_seen){0};
	if (d == NULL)
		return;
	while ((ent = readdir(d)) != NULL)
		add_size(dir, ent->d_name, at, s);
	closedir(d);
}

static uint64_t short_of(uint64_t have_kb, unsigned int memory_mb)
{
	uint64_t need_kb = (uint64_t)memory_mb * 1024;

	return need_kb > have_kb ? (need_kb - have_kb + PAGE_KB - 1) / PAGE_KB : 0;
}

uint64_t sl_hugepages_missing(const struct sl_hugepages_seen *s, unsigned int memory_mb)
{
	return short_of(s->free_kb - s->denied_kb, memory_mb);
}

/* The machine has enough hugepages, but the control group does not allow them. */
static int decide_denied(enum sl_hugepages want, const struct sl_hugepages_seen *s,
	unsigned int memory_mb, char note[SL_NOTE_LEN], struct sl_err *e)
{
	uint64_t have = (s->free_kb - s->denied_kb) / 1024;
	int ret;

	snprintf(note, SL_NOTE_LEN,
		"running without hugepages, which is slower: the control group allows %" PRIu64
		" MiB of %u (%s)",
		have, memory_mb, s->limit.file);
	if (want == SL_HUGEPAGES_AUTO)
		return 0;
	note[0] = '\0';
	ret = sl_err_set(e, SL_ERR_LIMIT, "workers.hugepages",
		"%u MiB of hugepages are required, the control group allows %" PRIu64 " MiB (%s)",
		memory_mb, have, s->limit.file);
	sl_err_hint(e,
		"Kubernetes: resources.limits.hugepages-2Mi; otherwise write %" PRIu64
		" or more to that file",
		s->limit.max - s->limit.left + ((uint64_t)memory_mb << 20));
	return ret;
}

int sl_hugepages_decide(enum sl_hugepages want, const struct sl_hugepages_seen *s,
	unsigned int memory_mb, char note[SL_NOTE_LEN], struct sl_err *e)
{
	uint64_t missing = short_of(s->free_kb, memory_mb);
	int ret;

	note[0] = '\0';
	if (want == SL_HUGEPAGES_OFF)
		return 0;
	if (missing == 0 && sl_hugepages_missing(s, memory_mb) > 0)
		return decide_denied(want, s, memory_mb, note, e);
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
	snprintf(note, SL_NOTE_LEN,
		"running without hugepages, which is slower: %" PRIu64
		" of 2 MiB are missing for %u MiB (sysctl -w vm.nr_hugepages=%" PRIu64 ")",
		missing, memory_mb, s->total_2m + missing);
	return 0;
}
