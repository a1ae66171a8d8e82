/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of DPDK's drivers. EAL loads them when it starts; a check of a configuration does without
 * EAL. Threads: control.
 */
#ifndef SL_DP_DRIVER_FILES_H
#define SL_DP_DRIVER_FILES_H

/* Loads all that are installed, once. A file that cannot be loaded is left out, as EAL does. */
void sl_driver_files_load(void);

#endif
