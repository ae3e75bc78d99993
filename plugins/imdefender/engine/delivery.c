/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of accounts and deliveries. */
#include <stdlib.h>
#include <string.h>
#include "checkpoint.h"

struct imd_account *imd_account_new(const char *input, const char *tenant, const char *source,
                                    struct imd_counters *input_counters, struct imd_load *input_load) {
    struct imd_account *account = calloc(1, sizeof *account);
    if (!account) return NULL;
    account->tenant = strdup(tenant);
    if (!account->tenant) {
        free(account);
        return NULL;
    }
    account->references = 1;
    account->input = input;
    account->source = source;
    account->input_counters = input_counters;
    account->input_load = input_load;
    return account;
}

struct imd_account *imd_account_share(struct imd_account *account) {
    __atomic_add_fetch(&account->references, 1, __ATOMIC_RELAXED);
    return account;
}

void imd_account_release(struct imd_account *account) {
    if (!account || __atomic_sub_fetch(&account->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    free(account->tenant);
    free(account);
}

void imd_delivery_free(struct imd_delivery *delivery) {
    if (!delivery) return;
    for (size_t i = 0; i < delivery->batch.count; i++) free((void *)delivery->batch.alerts[i].json);
    free(delivery->batch.alerts);
    free(delivery->versions);
    imd_settings_release(delivery->batch.settings);
    imd_account_release(delivery->account);
    free(delivery);
}
