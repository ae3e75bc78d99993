/* SPDX-License-Identifier: Apache-2.0 */
/* Which release of rsyslog is running, found out from the daemon itself.
 *
 * rsyslogd exports no version variable, and its interface numbers are no safety net: between two releases the struct
 * that carries an interface may grow while its number stays, and then the daemon writes past the end of ours. What
 * every release does carry is the text of its start-up message, a constant that lies in the same mapped image as the
 * functions we call. Reading it there needs no file, no child process and no guess about the path of the binary, and
 * tells about the code that runs, also when the file on disk has been replaced by an upgrade since.
 *
 * No rsyslog header here: unit-tested alone. */
#ifndef IMD_DAEMON_VERSION_H
#define IMD_DAEMON_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#define IMD_DAEMON_VERSION_MAX 64 /* room for a version, the 0 byte included */

/* Finds the version ("8.2302.0") in `image`. Returns false, and leaves `out` empty, if there is none. */
bool imd_daemon_version_find(const void *image, size_t length, char out[IMD_DAEMON_VERSION_MAX]);

/* The same in the read-only parts of the loaded object that holds `address`, any function of the daemon. */
bool imd_daemon_version_of(const void *address, char out[IMD_DAEMON_VERSION_MAX]);

#endif
