/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded behind a sanitizer's runtime into a program that was built without it, this starts the runtime before anything else.
 *
 * Otherwise the first allocation starts it, which a library's constructor makes: libp11-kit's, inside newlocale(), which holds
 * glibc's lock of locales. The start needs that lock, too (dlsym, dlerror, gettext), spoils it, and rsyslogd hangs at the next
 * use, in dlopen() or exit(). Linked with -z initfirst; never instrumented itself. */
#include <stdlib.h>

static void *volatile first;

__attribute__((constructor)) static void start_runtime(void) {
    first = malloc(1);
    free(first);
}
