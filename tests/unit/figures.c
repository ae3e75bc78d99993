/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void figures_write(const struct figures *figures) {
    const char *directory = getenv("IMD_PROOF_DIR");
    char path[1024];
    if (directory == NULL || directory[0] == '\0') return;
    int begin = snprintf(path, sizeof path, "%s/", directory);
    int length = snprintf(path + begin, sizeof path - (size_t)begin, "%s %s.json", figures->group, figures->fault);
    for (int i = begin; i < begin + length - 5; i++)
        if (!isalnum((unsigned char)path[i])) path[i] = '-';
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "%s cannot be written\n", path);
        return;
    }
    fprintf(file,
            "{\"fault\": \"%s\", \"group\": \"%s\", \"runs\": %" PRIu64 ", \"visible\": %" PRIu64
            ", \"delivered\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"twice\": %" PRIu64 ", \"unacknowledged\": %" PRIu64 "}\n",
            figures->fault, figures->group, figures->runs, figures->visible, figures->delivered, figures->lost,
            figures->twice, figures->unacknowledged);
    fclose(file);
}
