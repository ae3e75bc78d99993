/* SPDX-License-Identifier: Apache-2.0 */
#include "growth.h"
#include <stdio.h>
#include <time.h>

static double processor_seconds(void) {
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double shortest(void (*work)(void *context, unsigned amount), void *context, unsigned amount) {
    double least = 0;

    for (int run = 0; run < 3; run++) {
        double begun = processor_seconds(), took;
        work(context, amount);
        took = processor_seconds() - begun;
        if (run == 0 || took < least) least = took;
    }
    return least;
}

double growth(void (*work)(void *context, unsigned amount), void *context, unsigned amount) {
    double little = shortest(work, context, amount), much = shortest(work, context, amount * GROWTH_TIMES);

    printf("%u: %.4f s of processor time, %u: %.4f s\n", amount, little, amount * GROWTH_TIMES, much);
    return much / little;
}
