/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"

#define NO_LIMIT (UINT64_C(1) << 60) /* version 1 has a number of this size for "no limit" */

struct search {
	const char *stem, *max, *used; /* file names: stem, followed by one of the others */
	bool takes_back;	       /* what is in use counts as left */
	bool found;
	struct sl_cgroup_limit *best;
};

/* "max" is not a number. */
static bool read_number(const char *path, uint64_t *v)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL)
		return false;
	ok = fscanf(f, "%" SCNu64, v) == 1;
	fclose(f);
	return ok;
}

static void look_at(struct search *s, const char *dir)
{
	struct sl_cgroup_limit l = {0};
	char path[512];
	uint64_t used = 0;

	snprintf(path, sizeof(path), "%s/%s%s", dir, s->stem, s->max);
	if (!read_number(path, &l.max) || l.max >= NO_LIMIT)
		return;
	snprintf(l.file, sizeof(l.file), "%.*s", (int)sizeof(l.file) - 1, path);
	snprintf(path, sizeof(path), "%s/%s%s", dir, s->stem, s->used);
	if (!s->takes_back)
		(void)read_number(path, &used);
	l.left = l.max > used ? l.max - used : 0;
	if (!s->found || l.left < s->best->left)
		*s->best = l;
	s->found = true;
}

/*
 * From the process's own group upwards. In a container the path may be the host's, while the
 * container's own group is mounted: the walk ends there in any case.
 */
static void walk(struct search *s, const char *mount, const char *group)
{
	char dir[384];
	size_t top = strlen(mount);
	char *slash;

	if (top + strlen(group) + 1 > sizeof(dir))
		group = "";
	snprintf(dir, sizeof(dir), "%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
	for (;;) {
		look_at(s, dir);
		slash = strrchr(dir + top, '/');
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

static bool is_in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name))
		if ((at == list || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
			return true;
	return false;
}

/* "0::/group" in version 2, "4:memory:/group" in version 1 (cgroups(7)). */
static void look_at_line(
	struct search *s, const struct sl_cgroup_place *at, const char *controller, char *line)
{
	char *list = strchr(line, ':'), *group = list != NULL ? strchr(list + 1, ':') : NULL;
	char mount[256];

	if (group == NULL)
		return;
	*group++ = '\0';
	list++;
	group[strcspn(group, "\n")] = '\0';
	if (list[0] == '\0') {
		s->max = ".max";
		s->used = ".current";
		walk(s, at->fs, group);
		snprintf(mount, sizeof(mount), "%s/unified", at->fs);
		walk(s, mount, group);
	} else if (is_in_list(list, controller)) {
		s->max = ".limit_in_bytes";
		s->used = ".usage_in_bytes";
		snprintf(mount, sizeof(mount), "%s/%s", at->fs, controller);
		walk(s, mount, group);
	}
}

bool sl_cgroup_tightest(const struct sl_cgroup_place *at, const char *controller, const char *stem,
	struct sl_cgroup_limit *l)
{
	struct search s = {
		.stem = stem, .takes_back = strcmp(controller, "memory") == 0, .best = l};
	FILE *f = fopen(at->self, "re");
	char line[512];

	*l = (struct sl_cgroup_limit){0};
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		look_at_line(&s, at, controller, line);
	if (f != NULL)
		fclose(f);
	return s.found;
}
