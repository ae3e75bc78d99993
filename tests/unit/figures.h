/* SPDX-License-Identifier: Apache-2.0 */
/* What a test of faults counted, as a line of the table that is printed at the end of all tests. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdint.h>

struct figures {
    const char *group, *fault; /* "state", "power cut that ..." */
    uint64_t runs, visible, delivered, lost, twice, unacknowledged;
};

/* Into the directory IMD_PROOF_DIR; without that, nothing. */
void figures_write(const struct figures *figures);

#endif
