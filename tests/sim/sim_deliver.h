/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a finished answer to libmicrohttpd, whole or as a fault wants it. */
#ifndef SIM_DELIVER_H
#define SIM_DELIVER_H

#include "sim.h"

enum MHD_Result sim_deliver(struct sim_call *call);

#endif
