/* SPDX-License-Identifier: Apache-2.0 */
/* A file system for SQLite that fails on command, and that loses what was not synchronised when the power goes.
 *
 * It wraps SQLite's default VFS and takes its place, so the code under test needs to know nothing of it. Contents are
 * on the real disk; beside that it remembers for each file what would be there after a power cut: the contents at its
 * last synchronisation, and each write since. One thread. */
#ifndef IMD_FAULT_VFS_H
#define IMD_FAULT_VFS_H

#include <stdbool.h>

/* Kinds of calls, to be or-ed. */
#define FAULT_READ 1u
#define FAULT_WRITE 2u
#define FAULT_SYNC 4u
#define FAULT_CHANGE 8u /* truncate, delete */
#define FAULT_ANY_CHANGE (FAULT_WRITE | FAULT_SYNC | FAULT_CHANGE)

/* Takes the default VFS's place (again), with no fault planned and nothing remembered. */
void fault_vfs_install(void);
void fault_vfs_remove(void);

/* After `spare` more calls of these kinds, the next one fails with `code`, and so do all later ones if `lasting`.
 * Also sets the count of fault_vfs_calls() to 0. */
void fault_vfs_fail(unsigned kinds, unsigned long spare, int code, bool lasting);
void fault_vfs_heal(void);

/* Calls of the kinds of the last fault_vfs_fail() since then. */
unsigned long fault_vfs_calls(void);

/* Makes the files look as after a power cut at this moment. `chance`: of 0 to 100 unsynchronised sectors so many have
 * reached the disk. Every connection must be closed (fault_vfs_fail() with FAULT_READ too keeps that from writing). */
void fault_vfs_cut_power(unsigned seed, unsigned chance);

#endif
