/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether files can be trusted: only root or the daemon's user owns them, may write to them, and
 * may put other files in their place. Threads: any; no state.
 */
#ifndef SL_CTRL_MODEL_SAFE_PATH_H
#define SL_CTRL_MODEL_SAFE_PATH_H

#include <stdbool.h>
#include <sys/stat.h>

/* NULL when root or the daemon's user owns it and nobody else may write; otherwise what is wrong.
 */
const char *sl_unsafe_file(const struct stat *st);

/* "/run/vhost": absolute, and each part of it a name. */
bool sl_path_is_normal(const char *path);
/* Both normal, and path is below dir. */
bool sl_path_is_below(const char *dir, const char *path);

/*
 * Checks that nobody else can decide where path, which is below dir, leads. Every part on the way
 * must be a directory, not a symbolic link, and safe. Above dir, a sticky directory that others can
 * write to, as /tmp, is allowed. The last part may be missing, and must not be a symbolic link.
 * Returns NULL, or what is wrong, with the directory or file at fault in where.
 */
const char *sl_unsafe_way(const char *dir, const char *path, char *where, size_t size);

#endif
