/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant: its settings, its feeds, and what of it stays when its settings change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

static struct imd_engine *engine_of(const struct imd_tenant *tenant) {
    return tenant->input->engine;
}

struct imd_tenant *imd_tenant_new(struct imd_engine_input *input, struct imd_settings *settings) {
    struct imd_tenant *tenant = calloc(1, sizeof *tenant);
    if (!tenant) return NULL;
    tenant->input = input;
    tenant->settings = imd_settings_share(settings);
    return tenant;
}

void imd_tenant_free(struct imd_tenant *tenant) {
    if (!tenant) return;
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) imd_feed_free(tenant->feeds[i]);
    for (int i = 0; i < IMD_API_COUNT; i++) {
        imd_signin_cancel(tenant, &tenant->signins[i]);
        imd_token_wipe(&tenant->signins[i].token);
        free(tenant->signins[i].failure);
    }
    imd_settings_release(tenant->settings);
    free(tenant);
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_credential(const struct imd_settings *a, const struct imd_settings *b) {
    return same_text(a->tenant_id, b->tenant_id) && same_text(a->client_id, b->client_id) &&
           a->credential == b->credential && same_text(a->client_secret_file, b->client_secret_file) &&
           same_text(a->client_secret, b->client_secret) && same_text(a->certificate_file, b->certificate_file) &&
           same_text(a->key_file, b->key_file) && same_text(a->key_passphrase_file, b->key_passphrase_file) &&
           a->certificate_algorithm == b->certificate_algorithm &&
           same_text(a->federated_token_file, b->federated_token_file) &&
           same_text(a->managed_identity, b->managed_identity) &&
           same_text(a->refresh_token_file, b->refresh_token_file) && a->cloud == b->cloud &&
           same_text(a->login_url, b->login_url);
}

void imd_tenant_inherit(struct imd_tenant *tenant, struct imd_tenant *old) {
    memcpy(tenant->budgets, old->budgets, sizeof tenant->budgets); /* the quota does not begin anew either */
    if (!same_credential(tenant->settings, old->settings)) return;
    memcpy(tenant->directory, old->directory, sizeof tenant->directory);
    tenant->roles_told |= old->roles_told && tenant->settings->sources == old->settings->sources;
    for (int i = 0; i < IMD_API_COUNT; i++) {
        struct imd_signin *to = &tenant->signins[i], *from = &old->signins[i];
        if (from->failure && from->failure->verdict == IMD_VERDICT_THROTTLED && !to->failure) {
            to->failure = from->failure; /* a reload does not free us from waiting */
            to->retry_at = from->retry_at;
            to->failures = from->failures;
            from->failure = NULL;
        }
        if (to->token.authorization || !from->token.authorization) continue;
        to->token = from->token;
        to->issued = from->issued;
        to->renew_at = from->renew_at;
        to->expires_at = from->expires_at;
        memset(&from->token, 0, sizeof from->token);
    }
}

void imd_tenant_retry_now(struct imd_tenant *tenant) {
    for (int i = 0; i < IMD_API_COUNT; i++) {
        struct imd_signin *signin = &tenant->signins[i];
        if (!signin->failure || signin->failure->verdict != IMD_VERDICT_THROTTLED) signin->retry_at = 0;
    }
    imd_identity_retry_now(engine_of(tenant));
}
