/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of a test's own, with the files it needs. */
#ifndef IMD_TEST_TEMPORARY_H
#define IMD_TEST_TEMPORARY_H

#include <stddef.h>

#define TEMPORARY_PATH_MAX 256

/* Makes the folder (once a process) and returns its path; aborts where it cannot. */
const char *temporary_folder(void);

/* Writes a file of mode 0600 into it and returns its path, which stays valid until the process ends (16 at a time). */
const char *temporary_write(const char *name, const char *bytes, size_t length);
const char *temporary_text(const char *name, const char *text);

/* The path a file of that name would have. */
const char *temporary_path(const char *name);

/* Removes the folder and its files. */
void temporary_remove(void);

#endif
