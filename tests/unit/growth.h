/* SPDX-License-Identifier: Apache-2.0 */
/* How the processor time of some work grows with its amount: a ratio within one run, which holds on any machine. */
#ifndef IMD_TEST_GROWTH_H
#define IMD_TEST_GROWTH_H

/* Ten times the work takes ten times as long if it is linear, a hundred times if it is quadratic. */
#define GROWTH_TIMES 10
#define GROWTH_MAX 20

/* How much longer `work` takes for GROWTH_TIMES times `amount`; of three runs each the shortest. */
double growth(void (*work)(void *context, unsigned amount), void *context, unsigned amount);

#endif
