/* SPDX-License-Identifier: Apache-2.0 */
/* Fault points: named steps at which a test build (configure --enable-fault-points) ends the process as kill -9 does.
 *
 * In such a build the environment IMD_FAULT="name:N" makes the N-th passage of the point `name` the last thing that the
 * process does. In every other build a point is nothing at all. docs/delivery-guarantees.md lists the points. */
#ifndef IMD_FAULT_H
#define IMD_FAULT_H

#ifdef IMD_FAULT_POINTS
#define IMD_FAULT_POINT(name) imd_fault_pass(name)
void imd_fault_pass(const char *name); /* any thread */
#else
#define IMD_FAULT_POINT(name) ((void)0)
#endif

#endif
