/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether files can be trusted to be what they were put there as: nobody but root and the daemon's
 * own user owns them, may write to them, or may put another file in their place.
 * Threads: any; no state.
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
 * Whether nobody else can decide what path, below dir, leads to: every directory on the way is one
 * (no symbolic link) and safe; above dir a sticky one that others write to, as /tmp, will do. The
 * last part may be missing, and is no symbolic link. NULL, or what is wrong, with the directory or
 * file to blame in where.
 */
const char *sl_unsafe_way(const char *dir, const char *path, char *where, size_t size);

#endif
