/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#ifdef IMD_FAULT_POINTS
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char wanted[64];
static long left; /* passages until the end, atomic */

static void read_environment(void) {
    const char *text = getenv("IMD_FAULT");
    const char *colon = text == NULL ? NULL : strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof wanted) return;
    memcpy(wanted, text, (size_t)(colon - text));
    left = strtol(colon + 1, NULL, 10);
}

void imd_fault_pass(const char *name) {
    pthread_once(&once, read_environment);
    if (strcmp(name, wanted) == 0 && __atomic_sub_fetch(&left, 1, __ATOMIC_ACQ_REL) == 0) raise(SIGKILL);
}
#endif
