/* SPDX-License-Identifier: Apache-2.0 */
/* The managed identities of this machine: one token for each identity and resource, asked for once however many tenants need
 * it, since the endpoint bears few requests.
 *
 *   IDLE     a token, a failure or nothing
 *   ASKING   wait for the endpoint's answer
 *   PROVING  wait for its answer to the proof that Azure Arc asked for */
#include <stdlib.h>
#include <string.h>
#include "../api/managed_identity.h"
#include "internal.h"

enum state { STATE_IDLE, STATE_ASKING, STATE_PROVING };

struct imd_identity {
    struct imd_identity *next;
    struct imd_engine *engine;
    char *name, *resource;           /* "system" or a client id; an App ID URI */
    enum state state;
    struct imd_token token;
    int64_t renew_at, expires_at, retry_at; /* ms, monotonic */
    struct imd_judgement failure;
    unsigned failures;               /* in a row */
    /* while it asks */
    struct imd_settings *settings;   /* of who began: timeouts */
    struct imd_identity_call call;
    struct imd_request request;
    struct imd_buffer answer;
    struct imd_identity_waiter *waiting;
};

static struct imd_identity *find(struct imd_engine *engine, const char *name, const char *resource) {
    for (struct imd_identity *identity = engine->identities; identity; identity = identity->next)
        if (strcmp(identity->name, name) == 0 && strcmp(identity->resource, resource) == 0) return identity;
    return NULL;
}

static struct imd_identity *make(struct imd_engine *engine, const char *name, const char *resource) {
    struct imd_identity *identity = calloc(1, sizeof *identity);
    if (identity) {
        identity->engine = engine;
        identity->name = strdup(name);
        identity->resource = strdup(resource);
        imd_buffer_init_secret(&identity->answer, IMD_TOKEN_ANSWER_MAX);
    }
    if (!identity || !identity->name || !identity->resource) {
        if (identity) free(identity->resource);
        if (identity) free(identity->name);
        free(identity);
        return NULL;
    }
    identity->next = engine->identities;
    engine->identities = identity;
    return identity;
}

/* --- outcome --- */

static void end_request(struct imd_identity *identity) {
    identity->state = STATE_IDLE;
    imd_identity_call_wipe(&identity->call);
    imd_buffer_wipe(&identity->answer);
    imd_settings_release(identity->settings);
    identity->settings = NULL;
}

static void set_failure(struct imd_identity *identity, const struct imd_judgement *judgement) {
    identity->failure = *judgement;
    identity->retry_at = identity->engine->now + imd_signin_wait(identity->engine, judgement, identity->failures++);
}

static void set_token(struct imd_identity *identity, struct imd_token *token) {
    int64_t early = token->lifetime / 5 < IMD_RENEW_BEFORE_S ? token->lifetime / 5 : IMD_RENEW_BEFORE_S;
    imd_token_wipe(&identity->token);
    identity->token = *token;
    identity->expires_at = identity->engine->now + token->lifetime * 1000;
    identity->renew_at = identity->expires_at - early * 1000;
    identity->retry_at = 0;
    identity->failures = 0;
}

static void wake_all(struct imd_identity *identity) {
    for (struct imd_identity_waiter *waiter; (waiter = identity->waiting);) {
        identity->waiting = waiter->next;
        waiter->wake(waiter);
    }
}

/* --- asking --- */

static enum imd_flow on_data(struct imd_request *http, const char *bytes, size_t length) {
    struct imd_identity *identity = http->context;
    return imd_buffer_add(&identity->answer, bytes, length) ? IMD_FLOW_CONTINUE : IMD_FLOW_STOP;
}

static void on_answer(struct imd_request *http);

static void start(struct imd_identity *identity, enum state state) {
    struct imd_engine *engine = identity->engine;
    const struct imd_identity_call *call = &identity->call;
    identity->state = state;
    imd_buffer_clear(&identity->answer);
    identity->request = (struct imd_request){
        .settings = identity->settings,
        .url = call->url.data,
        .headers = {"Accept: application/json", call->headers[0].data, call->headers[1].data},
        .direct = true,
        .thumbprint = call->thumbprint,
        .context = identity,
        .data = on_data,
        .done = on_answer,
    };
    engine->asking++;
    engine->transport->operations->start(engine->transport, &identity->request);
}

static void refuse(const struct imd_error *error, struct imd_judgement *judgement) {
    judgement->retry_after = -1;
    imd_judgement_set(judgement, imd_error_is_memory(error) ? IMD_VERDICT_SERVER : IMD_VERDICT_CREDENTIAL,
                      error->remedy, "%s%s%s", error->what, error->parameter[0] ? ", parameter " : "", error->parameter);
}

/* Answers Arc's challenge. False, and a judgement, if it is not one that may be answered. */
static bool prove(struct imd_identity *identity, struct imd_judgement *judgement) {
    struct imd_identity_environment environment;
    struct imd_error error = {0};
    imd_identity_environment_read(&environment);
    if (imd_identity_call_prove(&identity->call, identity->request.response.authenticate, environment.arc_folder, &error) == 0)
        return true;
    refuse(&error, judgement);
    return false;
}

static void on_answer(struct imd_request *http) {
    struct imd_identity *identity = http->context;
    struct imd_engine *engine = identity->engine;
    const struct imd_response *response = &http->response;
    imd_time now = engine->transport->operations->wall(engine->transport);
    struct imd_judgement judgement = {.verdict = IMD_VERDICT_OK, .retry_after = -1};
    struct imd_token token = {0};
    struct imd_error error = {0};
    engine->asking--;
    if (response->failure == IMD_FAILURE_NONE && response->status == 401 && identity->state == STATE_ASKING &&
        identity->call.host == IMD_HOST_ARC) {
        if (prove(identity, &judgement)) {
            start(identity, STATE_PROVING);
            return;
        }
    } else if (response->failure != IMD_FAILURE_NONE || response->status != 200) {
        imd_identity_judge(identity->call.host, response, identity->answer.data, identity->answer.length, now, &judgement);
    } else if (imd_token_read(&token, identity->answer.data, identity->answer.length, now / IMD_TICKS_PER_SECOND, &error) < 0) {
        imd_judgement_set(&judgement, IMD_VERDICT_BAD_ANSWER, "find out what answers at the managed identity's endpoint",
                          "%s", error.what);
    }
    if (judgement.verdict == IMD_VERDICT_OK)
        set_token(identity, &token);
    else
        set_failure(identity, &judgement);
    end_request(identity);
    wake_all(identity);
}

static bool begin(struct imd_identity *identity, struct imd_settings *settings) {
    struct imd_identity_environment environment;
    struct imd_judgement judgement;
    struct imd_error error = {0};
    imd_identity_environment_read(&environment);
    identity->settings = imd_settings_share(settings);
    if (imd_identity_call_make(&identity->call, &environment, identity->name, identity->resource, &error) == 0) {
        start(identity, STATE_ASKING);
        return true;
    }
    refuse(&error, &judgement);
    set_failure(identity, &judgement);
    end_request(identity);
    return false;
}

/* --- for those who sign in --- */

enum imd_signin_answer imd_identity_ask(struct imd_engine *engine, struct imd_settings *settings, const char *resource,
                                        struct imd_identity_waiter *waiter, const struct imd_token **token,
                                        struct imd_judgement *judgement) {
    struct imd_identity *identity = find(engine, settings->managed_identity, resource);
    if (!identity) identity = make(engine, settings->managed_identity, resource);
    if (!identity) {
        imd_judgement_set(judgement, IMD_VERDICT_SERVER, "free memory", "no memory for a managed identity");
        return IMD_SIGNIN_FAILED;
    }
    bool usable = identity->token.authorization && engine->now < identity->expires_at;
    if (usable && (engine->now < identity->renew_at || engine->now < identity->retry_at)) {
        identity->token.lifetime = (identity->expires_at - engine->now) / 1000;
        *token = &identity->token;
        return IMD_SIGNIN_READY;
    }
    bool failed = identity->failures > 0 && engine->now < identity->retry_at;
    if (identity->state == STATE_IDLE && (failed || !begin(identity, settings))) {
        *judgement = identity->failure;
        judgement->retry_after = (identity->retry_at - engine->now + 999) / 1000;
        return IMD_SIGNIN_FAILED;
    }
    waiter->next = identity->waiting;
    identity->waiting = waiter;
    return IMD_SIGNIN_WAIT;
}

void imd_identity_leave(struct imd_engine *engine, struct imd_identity_waiter *waiter) {
    for (struct imd_identity *identity = engine->identities; identity; identity = identity->next) {
        struct imd_identity_waiter **link = &identity->waiting;
        while (*link && *link != waiter) link = &(*link)->next;
        if (*link) *link = waiter->next;
    }
}

void imd_identity_refused(struct imd_engine *engine, const struct imd_settings *settings, const char *resource) {
    struct imd_identity *identity = find(engine, settings->managed_identity, resource);
    if (identity && identity->state == STATE_IDLE) imd_token_wipe(&identity->token);
}

void imd_identity_retry_now(struct imd_engine *engine) {
    for (struct imd_identity *identity = engine->identities; identity; identity = identity->next) identity->retry_at = 0;
}

void imd_identity_free_all(struct imd_engine *engine) {
    for (struct imd_identity *identity; (identity = engine->identities);) {
        engine->identities = identity->next;
        if (identity->state != STATE_IDLE) {
            engine->transport->operations->cancel(engine->transport, &identity->request);
            engine->asking--;
            end_request(identity);
        }
        imd_token_wipe(&identity->token);
        free(identity->name);
        free(identity->resource);
        free(identity);
    }
}
