/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver_files.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_config.h>

void sl_driver_files_load(void)
{
	static bool done;
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;

	if (done)
		return;
	done = true;
	dir = opendir(RTE_EAL_PMD_PATH);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name);

		if (len < 3 || strcmp(d->d_name + len - 3, ".so") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", RTE_EAL_PMD_PATH, d->d_name);
		if (dlopen(path, RTLD_NOW) == NULL)
			continue; /* EAL would report it and continue */
	}
	if (dir != NULL)
		closedir(dir);
}
