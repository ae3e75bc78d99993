/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant and its tokens: one for each API, got by one request at a time, renewed before it expires. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/fault.h"
#include "internal.h"

#define TOKEN_ANSWER_USUAL 16384 /* bytes */

struct imd_signin_request {
    struct imd_request request;
    struct imd_tenant *tenant;
    const struct imd_source *source;
    struct imd_buffer url, form, answer;
};

static struct imd_engine *
engine_of(const struct imd_tenant *tenant)
{
    return tenant->input->engine;
}

struct imd_tenant *
imd_tenant_new(struct imd_engine_input *input, struct imd_settings *settings)
{
    struct imd_tenant *tenant = calloc(1, sizeof *tenant);
    if (!tenant) return NULL;
    tenant->input = input;
    tenant->settings = imd_settings_share(settings);
    return tenant;
}

static void
free_request(struct imd_signin *signin)
{
    struct imd_signin_request *request = signin->request;
    if (!request) return;
    imd_buffer_wipe(&request->form);
    imd_buffer_wipe(&request->answer);
    imd_buffer_free(&request->url);
    free(request);
    signin->request = NULL;
}

static void
cancel_request(struct imd_tenant *tenant, struct imd_signin *signin)
{
    struct imd_engine *engine = engine_of(tenant);
    if (!signin->request) return;
    engine->transport->operations->cancel(engine->transport, &signin->request->request);
    engine->asking--;
    free_request(signin);
}

void
imd_tenant_free(struct imd_tenant *tenant)
{
    if (!tenant) return;
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) imd_feed_free(tenant->feeds[i]);
    for (int i = 0; i < IMD_API_COUNT; i++) {
        cancel_request(tenant, &tenant->signins[i]);
        imd_token_wipe(&tenant->signins[i].token);
        free(tenant->signins[i].failure);
    }
    imd_settings_release(tenant->settings);
    free(tenant);
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
same_credential(const struct imd_settings *a, const struct imd_settings *b)
{
    return same_text(a->tenant_id, b->tenant_id) && same_text(a->client_id, b->client_id) &&
           a->credential == b->credential && same_text(a->client_secret_file, b->client_secret_file) &&
           same_text(a->client_secret, b->client_secret) && same_text(a->certificate_file, b->certificate_file) &&
           same_text(a->federated_token_file, b->federated_token_file) &&
           same_text(a->managed_identity, b->managed_identity) &&
           same_text(a->refresh_token_file, b->refresh_token_file) && a->cloud == b->cloud &&
           same_text(a->login_url, b->login_url);
}

void
imd_tenant_inherit(struct imd_tenant *tenant, struct imd_tenant *old)
{
    if (!same_credential(tenant->settings, old->settings)) return;
    memcpy(tenant->directory, old->directory, sizeof tenant->directory);
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

void
imd_tenant_retry_now(struct imd_tenant *tenant)
{
    for (int i = 0; i < IMD_API_COUNT; i++) {
        struct imd_signin *signin = &tenant->signins[i];
        if (!signin->failure || signin->failure->verdict != IMD_VERDICT_THROTTLED) signin->retry_at = 0;
    }
}

/* Wakes every feed that waits for this token. */
static void
signed_in(struct imd_tenant *tenant, enum imd_api api)
{
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        struct imd_feed *feed = tenant->feeds[i];
        if (feed && feed->source->api == api && feed->state == IMD_FEED_SIGNING_IN) imd_feed_signed_in(feed);
    }
}

/* The wait before the next attempt, in ms: what the server asks for, else doubling; minutes where only an operator helps. */
static int64_t
wait_after(struct imd_engine *engine, const struct imd_judgement *judgement, unsigned failures)
{
    int64_t wait = imd_verdict_is_lasting(judgement->verdict) ? INT64_C(900000) : INT64_C(1000) << (failures < 8 ? failures : 8);
    if (judgement->retry_after >= 0 && wait < judgement->retry_after * 1000) wait = judgement->retry_after * 1000;
    return wait + imd_engine_jitter(engine, wait / 4);
}

static void
set_failure(struct imd_tenant *tenant, struct imd_signin *signin, const struct imd_judgement *judgement)
{
    struct imd_engine *engine = engine_of(tenant);
    if (!signin->failure) signin->failure = malloc(sizeof *signin->failure);
    if (signin->failure) *signin->failure = *judgement;
    signin->retry_at = engine->now + wait_after(engine, judgement, signin->failures++);
}

/* A token whose tenant is not the one polled would send one customer's alerts under another's name. What a domain stands
 * for is learned from its first token. */
static bool
is_right_tenant(const struct imd_tenant *tenant, const struct imd_token *token)
{
    const char *expected = tenant->settings->tenant_id;
    if (strchr(expected, '.')) expected = tenant->directory;
    return !token->tenant[0] || !*expected || strcasecmp(token->tenant, expected) == 0;
}

static void
accept_token(struct imd_tenant *tenant, struct imd_signin *signin, struct imd_token *token)
{
    int64_t now = engine_of(tenant)->now;
    int64_t early = token->lifetime / 5 < IMD_RENEW_BEFORE_S ? token->lifetime / 5 : IMD_RENEW_BEFORE_S;
    imd_token_wipe(&signin->token);
    signin->token = *token;
    signin->issued++;
    if (!tenant->directory[0]) memcpy(tenant->directory, token->tenant, sizeof tenant->directory);
    signin->expires_at = now + token->lifetime * 1000;
    signin->renew_at = signin->expires_at - early * 1000;
    signin->failures = 0;
    signin->retry_at = 0;
    free(signin->failure);
    signin->failure = NULL;
}

static void
judge_answer(struct imd_signin_request *request, struct imd_judgement *judgement, struct imd_token *token)
{
    const struct imd_settings *settings = request->tenant->settings;
    struct imd_engine *engine = engine_of(request->tenant);
    const struct imd_response *response = &request->request.response;
    struct imd_error error;
    *judgement = (struct imd_judgement){.verdict = IMD_VERDICT_OK, .retry_after = -1};
    if (response->failure != IMD_FAILURE_NONE || response->status != 200) {
        imd_answer_judge_token(response, request->answer.data, request->answer.length, settings,
                               engine->transport->operations->wall(engine->transport), judgement);
    } else if (imd_token_read(token, request->answer.data, request->answer.length, &error) < 0) {
        imd_judgement_set(judgement, IMD_VERDICT_BAD_ANSWER, error.remedy, "%s", error.what);
    } else if (!is_right_tenant(request->tenant, token)) {
        imd_judgement_set(judgement, IMD_VERDICT_WRONG_TENANT, "check tenantId, loginUrl and the proxy",
                          "the token was issued for tenant %s", token->tenant);
        imd_token_wipe(token);
    }
}

static void
on_answer(struct imd_request *http)
{
    struct imd_signin_request *request = http->context;
    struct imd_tenant *tenant = request->tenant;
    enum imd_api api = request->source->api;
    struct imd_signin *signin = &tenant->signins[api];
    struct imd_judgement judgement;
    struct imd_token token = {0};
    struct imd_counters *counters = &tenant->input->counters;
    engine_of(tenant)->asking--;
    judge_answer(request, &judgement, &token);
    imd_count(counters->requests, 1);
    if (judgement.verdict == IMD_VERDICT_OK) {
        imd_count(counters->tokens_issued, 1);
        accept_token(tenant, signin, &token);
        IMD_FAULT_POINT("after-token");
    } else {
        imd_count(counters->tokens_failed, 1);
        set_failure(tenant, signin, &judgement);
    }
    free_request(signin);
    signed_in(tenant, api);
}

static enum imd_flow
on_data(struct imd_request *http, const char *bytes, size_t length)
{
    struct imd_signin_request *request = http->context;
    return imd_buffer_add(&request->answer, bytes, length) ? IMD_FLOW_CONTINUE : IMD_FLOW_STOP;
}

/* NULL and a judgement when the credential cannot be used. */
static struct imd_signin_request *
make_request(struct imd_tenant *tenant, const struct imd_source *source, struct imd_judgement *judgement)
{
    struct imd_error error = {0};
    struct imd_signin_request *request = calloc(1, sizeof *request);
    *judgement = (struct imd_judgement){.retry_after = -1};
    if (!request) {
        imd_judgement_set(judgement, IMD_VERDICT_SERVER, "free memory", "no memory for a token request");
        return NULL;
    }
    imd_buffer_init(&request->url, 4096);
    imd_buffer_init(&request->form, IMD_TOKEN_ANSWER_MAX);
    imd_buffer_init(&request->answer, IMD_TOKEN_ANSWER_MAX);
    request->tenant = tenant;
    request->source = source;
    /* A buffer that grows leaves copies behind, and the answer is a secret: most fit this. */
    if (imd_buffer_reserve(&request->answer, TOKEN_ANSWER_USUAL) && imd_token_url(&request->url, tenant->settings) &&
        imd_token_form(&request->form, tenant->settings, source, &error) == 0)
        return request;
    imd_judgement_set(judgement, IMD_VERDICT_CREDENTIAL, error.remedy, "%s%s%s", error.what,
                      error.parameter[0] ? ", parameter " : "", error.parameter);
    tenant->signins[source->api].request = request;
    free_request(&tenant->signins[source->api]);
    return NULL;
}

/* Asks for a token. False when the credential cannot be used: then the failure is set. */
static bool
ask_for_token(struct imd_tenant *tenant, const struct imd_source *source)
{
    struct imd_engine *engine = engine_of(tenant);
    struct imd_signin *signin = &tenant->signins[source->api];
    struct imd_judgement judgement;
    struct imd_signin_request *request = make_request(tenant, source, &judgement);
    if (!request) {
        imd_count(tenant->input->counters.tokens_failed, 1);
        set_failure(tenant, signin, &judgement);
        return false;
    }
    signin->request = request;
    request->request.settings = tenant->settings;
    request->request.url = request->url.data;
    request->request.headers[0] = "Accept: application/json";
    request->request.body = request->form.data;
    request->request.body_length = request->form.length;
    request->request.context = request;
    request->request.data = on_data;
    request->request.done = on_answer;
    engine->asking++;
    engine->transport->operations->start(engine->transport, &request->request);
    return true;
}

enum imd_signin_answer
imd_tenant_sign_in(struct imd_tenant *tenant, const struct imd_source *source, const char **authorization)
{
    int64_t now = engine_of(tenant)->now;
    struct imd_signin *signin = &tenant->signins[source->api];
    bool may_ask = !signin->request && now >= signin->retry_at;
    /* The old token serves to its end, whatever becomes of the new one. */
    if (signin->token.authorization && now < signin->expires_at) {
        if (may_ask && now >= signin->renew_at) ask_for_token(tenant, source);
        *authorization = signin->token.authorization;
        return IMD_SIGNIN_READY;
    }
    if (signin->request) return IMD_SIGNIN_WAIT;
    if (!may_ask && signin->failure) return IMD_SIGNIN_FAILED;
    return ask_for_token(tenant, source) ? IMD_SIGNIN_WAIT : IMD_SIGNIN_FAILED;
}

void
imd_tenant_token_refused(struct imd_tenant *tenant, const struct imd_source *source, unsigned issued)
{
    struct imd_signin *signin = &tenant->signins[source->api];
    if (signin->issued == issued) imd_token_wipe(&signin->token);
}
