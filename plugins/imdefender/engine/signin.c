/* SPDX-License-Identifier: Apache-2.0 */
/* How a tenant signs in: a token for each API, got by one request at a time, renewed before it expires.
 *
 *   IDENTITY  wait for the token of this machine's managed identity (identity.c); it is the tenant's own, or proves the app
 *   TOKEN     wait for the answer of the token endpoint
 *
 * A sign-in without managed identity begins with TOKEN. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/digest.h"
#include "../base/fault.h"
#include "../base/secret_memory.h"
#include "../config/secret.h"
#include "internal.h"

#define LASTING_MS INT64_C(900000) /* wait while only an operator can help */

enum step { STEP_IDENTITY, STEP_TOKEN };

struct imd_signin_request {
    struct imd_identity_waiter waiter; /* first member */
    struct imd_request request;
    struct imd_tenant *tenant;
    const struct imd_source *source;
    enum step step;
    bool under_way;                    /* `request` */
    struct imd_buffer url, form, answer;
    /* a refresh token's */
    char origin[IMD_DIGEST_TEXT_MAX];  /* names the token in the file, from which the stored ones descend */
    bool from_store;
};

static struct imd_engine *engine_of(const struct imd_tenant *tenant) {
    return tenant->input->engine;
}

static struct imd_signin *signin_of(const struct imd_signin_request *request) {
    return &request->tenant->signins[request->source->api];
}

static int64_t unix_now(struct imd_engine *engine) {
    return engine->transport->operations->wall(engine->transport) / IMD_TICKS_PER_SECOND;
}

/* --- life of a request --- */

static struct imd_signin_request *new_request(struct imd_tenant *tenant, const struct imd_source *source) {
    struct imd_signin_request *request = calloc(1, sizeof *request);
    if (!request) return NULL;
    imd_buffer_init(&request->url, 4096);
    imd_buffer_init_secret(&request->form, IMD_TOKEN_ANSWER_MAX);
    imd_buffer_init_secret(&request->answer, IMD_TOKEN_ANSWER_MAX);
    request->tenant = tenant;
    request->source = source;
    return request;
}

static void free_request(struct imd_signin *signin) {
    struct imd_signin_request *request = signin->request;
    if (!request) return;
    imd_buffer_wipe(&request->form);
    imd_buffer_wipe(&request->answer);
    imd_buffer_free(&request->url);
    free(request);
    signin->request = NULL;
}

void imd_signin_cancel(struct imd_tenant *tenant, struct imd_signin *signin) {
    struct imd_engine *engine = engine_of(tenant);
    struct imd_signin_request *request = signin->request;
    if (!request) return;
    if (request->step == STEP_IDENTITY) imd_identity_leave(engine, &request->waiter);
    if (request->under_way) {
        engine->transport->operations->cancel(engine->transport, &request->request);
        engine->asking--;
    }
    free_request(signin);
}

/* --- outcome --- */

/* Wakes the feeds that wait for this token, and those that waited for their turn with the refresh token. */
static void wake_feeds(struct imd_tenant *tenant) {
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        struct imd_feed *feed = tenant->feeds[i];
        if (feed && feed->state == IMD_FEED_SIGNING_IN && !tenant->signins[feed->source->api].request)
            imd_feed_signed_in(feed);
    }
}

int64_t imd_signin_wait(struct imd_engine *engine, const struct imd_judgement *judgement, unsigned failures) {
    int64_t wait = imd_verdict_is_lasting(judgement->verdict) ? LASTING_MS : INT64_C(1000) << (failures < 8 ? failures : 8);
    if (judgement->retry_after >= 0 && wait < judgement->retry_after * 1000) wait = judgement->retry_after * 1000;
    return wait + imd_engine_jitter(engine, wait / 4);
}

static void set_failure(struct imd_tenant *tenant, struct imd_signin *signin, const struct imd_judgement *judgement) {
    struct imd_engine *engine = engine_of(tenant);
    imd_count(tenant->input->counters.tokens_failed, 1);
    if (!signin->failure) signin->failure = malloc(sizeof *signin->failure);
    if (signin->failure) *signin->failure = *judgement;
    signin->retry_at = engine->now + imd_signin_wait(engine, judgement, signin->failures++);
}

/* Takes the token over. */
static void accept_token(struct imd_tenant *tenant, struct imd_signin *signin, enum imd_api api,
                         struct imd_token *token) {
    int64_t now = engine_of(tenant)->now;
    assert(token != NULL);
    int64_t early = token->lifetime / 5 < IMD_RENEW_BEFORE_S ? token->lifetime / 5 : IMD_RENEW_BEFORE_S;
    imd_count(tenant->input->counters.tokens_issued, 1);
    imd_secret_free(token->refresh_token);
    token->refresh_token = NULL;
    imd_token_wipe(&signin->token);
    signin->token = *token;
    signin->issued++;
    if (!tenant->directory[0]) memcpy(tenant->directory, token->tenant, sizeof tenant->directory);
    signin->expires_at = now + token->lifetime * 1000;
    /* Tokens got in one wave, at the start of the daemon, are not renewed in one. */
    signin->renew_at = signin->expires_at - early * 1000 + imd_engine_jitter(engine_of(tenant), early * 300);
    signin->failures = 0;
    signin->retry_at = 0;
    free(signin->failure);
    signin->failure = NULL;
    IMD_FAULT_POINT("after-token");
    if (token->roles) imd_notice_roles(tenant, api, token->roles);
}

/* A token whose tenant is not the one polled would send one customer's alerts under another's name. What a domain stands
 * for is learned from its first token. */
static bool is_right_tenant(const struct imd_tenant *tenant, const struct imd_token *token) {
    const char *expected = tenant->settings->tenant_id;
    if (strchr(expected, '.')) expected = tenant->directory;
    return !token->tenant[0] || !*expected || strcasecmp(token->tenant, expected) == 0;
}

static void judge_tenant(const struct imd_tenant *tenant, struct imd_token *token, struct imd_judgement *judgement) {
    const struct imd_settings *settings = tenant->settings;
    if (is_right_tenant(tenant, token)) return;
    imd_judgement_set(judgement, IMD_VERDICT_WRONG_TENANT,
                      settings->credential == IMD_CREDENTIAL_MANAGED && !settings->client_id
                          ? "a managed identity opens its own tenant alone; for another one give clientId of a multi-tenant "
                            "app that trusts it"
                          : "check tenantId, loginUrl and the proxy",
                      "the token was issued for tenant %s", token->tenant);
    imd_token_wipe(token);
}

/* The end of a sign-in, with or without a token. Frees the request. */
static void finish(struct imd_signin_request *request, struct imd_token *token, const struct imd_judgement *judgement) {
    struct imd_tenant *tenant = request->tenant;
    struct imd_signin *signin = signin_of(request);
    if (judgement->verdict == IMD_VERDICT_OK)
        accept_token(tenant, signin, request->source->api, token);
    else
        set_failure(tenant, signin, judgement);
    free_request(signin);
}

/* --- refresh tokens --- */

/* What the store keeps is "ORIGIN TOKEN": a new token in the file starts a new line of descent and replaces it. */
static char *stored_token(struct imd_signin_request *request) {
    const struct imd_settings *settings = request->tenant->settings;
    struct imd_engine *engine = engine_of(request->tenant);
    size_t length = strlen(request->origin);
    char *stored = NULL, *token = NULL, text[2048];
    struct imd_error error;
    if (imd_checkpointer_get_token(engine->checkpointer, settings->tenant_id, settings->client_id, &stored, &error) < 0)
        imd_log_print(&engine->log, IMD_LOG_WARNING, "%s",
                      imd_error_print(&error, "the refresh token in the file is used", text, sizeof text));
    if (!stored) return NULL;
    size_t whole = strlen(stored);
    if (strncmp(stored, request->origin, length) == 0 && stored[length] == ' ')
        token = imd_secret_copy(stored + length + 1, whole - length - 1);
    explicit_bzero(stored, whole);
    free(stored);
    return token;
}

/* Durable before the old one is given up: after a crash in between, that one still works. */
static void store_token(struct imd_signin_request *request, const char *token) {
    const struct imd_settings *settings = request->tenant->settings;
    struct imd_engine *engine = engine_of(request->tenant);
    struct imd_buffer text;
    struct imd_error error = {0};
    char line[2048];
    IMD_FAULT_POINT("before-refresh-token");
    imd_buffer_init_secret(&text, IMD_TOKEN_ANSWER_MAX);
    if (!imd_buffer_print(&text, "%s %s", request->origin, token))
        imd_error_set(&error, "free memory", "no memory for a refresh token");
    else if (imd_checkpointer_put_token(engine->checkpointer, settings->tenant_id, settings->client_id, text.data,
                                        &error) == 0)
        error.what[0] = 0;
    imd_buffer_wipe(&text);
    IMD_FAULT_POINT("after-refresh-token");
    if (error.what[0])
        imd_log_print(&engine->log, IMD_LOG_ERROR, "%s",
                      imd_error_print(&error, "the former refresh token stays in use", line, sizeof line));
}

/* The token to redeem: the newest one that descends from the file's, else the file's. The caller frees it. */
static char *find_refresh_token(struct imd_signin_request *request, bool try_store, struct imd_error *error) {
    const struct imd_settings *settings = request->tenant->settings;
    enum imd_secret_guard guard = settings->allow_readable_secrets ? IMD_SECRET_ANY_MODE : IMD_SECRET_PRIVATE;
    struct imd_buffer file;
    char *token = NULL;
    if (imd_secret_read(settings->refresh_token_file, guard, IMD_SECRET_MAX, &file, error) < 0) {
        imd_error_parameter(error, "refreshTokenFile");
    } else {
        const char *parts[] = {"refresh token", file.data};
        const size_t lengths[] = {strlen(parts[0]), file.length};
        struct imd_digest digest = imd_digest_of(parts, lengths, 2);
        imd_digest_print(&digest, request->origin);
        if (try_store) token = stored_token(request);
        request->from_store = token != NULL;
        if (!token) token = imd_secret_copy(file.data, file.length);
        if (!token) imd_error_set(error, "free memory", "no memory for a refresh token");
    }
    imd_buffer_wipe(&file);
    return token;
}

/* The service took each refresh token of this user for several APIs, but a stricter one lets it be used once: in turn. */
static bool is_refreshing(const struct imd_tenant *tenant) {
    if (tenant->settings->credential != IMD_CREDENTIAL_REFRESH) return false;
    for (int i = 0; i < IMD_API_COUNT; i++)
        if (tenant->signins[i].request) return true;
    return false;
}

/* --- TOKEN --- */

static enum imd_flow on_data(struct imd_request *http, const char *bytes, size_t length) {
    struct imd_signin_request *request = http->context;
    return imd_buffer_add(&request->answer, bytes, length) ? IMD_FLOW_CONTINUE : IMD_FLOW_STOP;
}

static void on_answer(struct imd_request *http);

static int make_form(struct imd_signin_request *request, const char *assertion, bool try_store,
                     struct imd_error *error) {
    const struct imd_settings *settings = request->tenant->settings;
    struct imd_engine *engine = engine_of(request->tenant);
    struct imd_token_request wanted = {
        .settings = settings, .source = request->source, .now = unix_now(engine), .assertion = assertion};
    char *refresh_token = NULL;
    imd_buffer_clear(&request->url);
    if (!imd_buffer_reserve(&request->url, request->url.maximum))
        return imd_error_set(error, "free memory", "no memory for a URL");
    if (settings->credential == IMD_CREDENTIAL_REFRESH) {
        refresh_token = find_refresh_token(request, try_store, error);
        if (!refresh_token) return -1;
        wanted.refresh_token = refresh_token;
    }
    imd_buffer_wipe(&request->form);
    int result = imd_token_url(&request->url, settings, request->source)
                     ? imd_token_form(&request->form, &wanted, error)
                     : imd_error_set(error, "shorten it", "loginUrl is too long");
    imd_secret_free(refresh_token);
    if (result == 0 && wanted.certificate_expires)
        imd_notice_expiry(engine, settings->certificate_file, wanted.certificate_expires, wanted.now);
    return result;
}

/* Asks the token endpoint. False, and a judgement, when the credential cannot be used. */
static bool ask_token(struct imd_signin_request *request, const char *assertion, bool try_store,
                      struct imd_judgement *judgement) {
    struct imd_engine *engine = engine_of(request->tenant);
    struct imd_error error = {0};
    request->step = STEP_TOKEN;
    if (make_form(request, assertion, try_store, &error) < 0) {
        *judgement = (struct imd_judgement){.retry_after = -1};
        imd_judgement_set(judgement, imd_error_is_memory(&error) ? IMD_VERDICT_SERVER : IMD_VERDICT_CREDENTIAL,
                          error.remedy, "%s%s%s", error.what,
                          error.parameter[0] ? ", parameter " : "", error.parameter);
        return false;
    }
    imd_buffer_clear(&request->answer);
    request->request = (struct imd_request){
        .settings = request->tenant->settings,
        .url = request->url.data,
        .headers = {"Accept: application/json"},
        .body = request->form.data,
        .body_length = request->form.length,
        .context = request,
        .data = on_data,
        .done = on_answer,
    };
    request->under_way = true;
    engine->asking++;
    engine->transport->operations->start(engine->transport, &request->request);
    return true;
}

static void judge_answer(struct imd_signin_request *request, struct imd_judgement *judgement, struct imd_token *token) {
    const struct imd_settings *settings = request->tenant->settings;
    struct imd_engine *engine = engine_of(request->tenant);
    const struct imd_response *response = &request->request.response;
    struct imd_error error;
    *judgement = (struct imd_judgement){.verdict = IMD_VERDICT_OK, .retry_after = -1};
    if (response->failure != IMD_FAILURE_NONE || response->status != 200) {
        imd_answer_judge_token(response, request->answer.data, request->answer.length, settings,
                               engine->transport->operations->wall(engine->transport), judgement);
    } else if (imd_token_read(token, request->answer.data, request->answer.length, unix_now(engine), &error) < 0) {
        imd_judgement_set(judgement, IMD_VERDICT_BAD_ANSWER, error.remedy, "%s", error.what);
    } else {
        judge_tenant(request->tenant, token, judgement);
    }
}

static void on_answer(struct imd_request *http) {
    struct imd_signin_request *request = http->context;
    struct imd_tenant *tenant = request->tenant;
    struct imd_judgement judgement;
    struct imd_token token = {0};
    engine_of(tenant)->asking--;
    request->under_way = false;
    imd_count(tenant->input->counters.requests, 1);
    judge_answer(request, &judgement, &token);
    imd_buffer_wipe(&request->form);
    if (judgement.verdict == IMD_VERDICT_CREDENTIAL && request->from_store &&
        ask_token(request, NULL, false, &judgement))
        return; /* the stored one is refused; the file's may still be good */
    if (judgement.verdict == IMD_VERDICT_OK && token.refresh_token && tenant->settings->credential == IMD_CREDENTIAL_REFRESH)
        store_token(request, token.refresh_token);
    finish(request, &token, &judgement);
    wake_feeds(tenant);
}

/* --- IDENTITY --- */

static const char *identity_resource(const struct imd_tenant *tenant, const struct imd_source *source) {
    const struct imd_settings *settings = tenant->settings;
    return imd_credential_is_federated_identity(settings) ? settings->cloud->federation_audience
                                                          : imd_credential_audience(settings, source);
}

/* Goes on with the identity's token, waits for it, or ends. READY and FAILED: the request is freed. */
static enum imd_signin_answer ask_identity(struct imd_signin_request *request) {
    struct imd_tenant *tenant = request->tenant;
    const struct imd_token *identity = NULL;
    struct imd_token token = {0};
    struct imd_judgement judgement = {.verdict = IMD_VERDICT_OK, .retry_after = -1};
    request->step = STEP_IDENTITY;
    enum imd_signin_answer answer =
        imd_identity_ask(engine_of(tenant), tenant->settings, identity_resource(tenant, request->source), &request->waiter,
                         &identity, &judgement);
    if (answer == IMD_SIGNIN_WAIT) return answer;
    if (answer == IMD_SIGNIN_READY && imd_credential_is_federated_identity(tenant->settings)) {
        if (ask_token(request, imd_token_bearer(identity), false, &judgement)) return IMD_SIGNIN_WAIT;
    } else if (answer == IMD_SIGNIN_READY) {
        if (imd_token_copy(&token, identity))
            judge_tenant(tenant, &token, &judgement);
        else
            imd_judgement_set(&judgement, IMD_VERDICT_SERVER, "free memory", "no memory for a token");
    }
    answer = judgement.verdict == IMD_VERDICT_OK ? IMD_SIGNIN_READY : IMD_SIGNIN_FAILED;
    finish(request, &token, &judgement);
    return answer;
}

static void on_identity(struct imd_identity_waiter *waiter) {
    struct imd_signin_request *request = (struct imd_signin_request *)waiter;
    struct imd_tenant *tenant = request->tenant;
    if (ask_identity(request) != IMD_SIGNIN_WAIT) wake_feeds(tenant);
}

/* --- for feeds --- */

/* Starts a sign-in. */
static enum imd_signin_answer begin(struct imd_tenant *tenant, const struct imd_source *source) {
    struct imd_signin *signin = &tenant->signins[source->api];
    struct imd_judgement judgement = {.retry_after = -1};
    struct imd_signin_request *request = new_request(tenant, source);
    if (!request) {
        imd_judgement_set(&judgement, IMD_VERDICT_SERVER, "free memory", "no memory for a token request");
        set_failure(tenant, signin, &judgement);
        return IMD_SIGNIN_FAILED;
    }
    signin->request = request;
    request->waiter.wake = on_identity;
    if (tenant->settings->credential == IMD_CREDENTIAL_MANAGED) return ask_identity(request);
    if (ask_token(request, NULL, true, &judgement)) return IMD_SIGNIN_WAIT;
    finish(request, NULL, &judgement);
    return IMD_SIGNIN_FAILED;
}

enum imd_signin_answer imd_tenant_sign_in(struct imd_tenant *tenant, const struct imd_source *source,
                                          const char **authorization) {
    int64_t now = engine_of(tenant)->now;
    struct imd_signin *signin = &tenant->signins[source->api];
    bool may_ask = !signin->request && now >= signin->retry_at && !is_refreshing(tenant);
    /* The old token serves to its end, whatever becomes of the new one. */
    if (signin->token.authorization && now < signin->expires_at) {
        if (may_ask && now >= signin->renew_at) begin(tenant, source);
        *authorization = signin->token.authorization;
        return IMD_SIGNIN_READY;
    }
    if (signin->request) return IMD_SIGNIN_WAIT;
    if (now < signin->retry_at && signin->failure) return IMD_SIGNIN_FAILED;
    if (is_refreshing(tenant)) return IMD_SIGNIN_WAIT;
    enum imd_signin_answer answer = begin(tenant, source);
    if (answer == IMD_SIGNIN_READY) *authorization = signin->token.authorization;
    return answer;
}

void imd_tenant_token_refused(struct imd_tenant *tenant, const struct imd_source *source, unsigned issued) {
    struct imd_signin *signin = &tenant->signins[source->api];
    if (signin->issued != issued) return; /* there is a newer one already */
    imd_token_wipe(&signin->token);
    if (tenant->settings->credential == IMD_CREDENTIAL_MANAGED)
        imd_identity_refused(engine_of(tenant), tenant->settings, identity_resource(tenant, source));
}
