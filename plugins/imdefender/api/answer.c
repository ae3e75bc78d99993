/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/json.h"

void imd_judgement_set(struct imd_judgement *judgement, enum imd_verdict verdict, const char *action,
                       const char *format, ...) {
    va_list arguments;
    judgement->verdict = verdict;
    snprintf(judgement->action, sizeof judgement->action, "%s", action ? action : "");
    va_start(arguments, format);
    vsnprintf(judgement->reason, sizeof judgement->reason, format, arguments);
    va_end(arguments);
    /* parts of it come from outside */
    for (char *c = judgement->reason; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
}

void imd_answer_copy_code(char *out, size_t size, struct imd_json_value value) {
    char text[256];
    size_t n = 0;
    if (imd_json_string(value, text, sizeof text) < 0) text[0] = 0;
    for (const char *c = text; *c && n + 1 < size; c++)
        if (isgraph((unsigned char)*c) || *c == ' ') out[n++] = *c;
    out[n] = 0;
}

/* --- Retry-After --- */

int64_t imd_answer_retry_after(const struct imd_response *response, imd_time now) {
    const char *text = response->retry_after;
    imd_time date;
    if (!*text) return -1;
    int64_t seconds;
    char *end;
    if (isdigit((unsigned char)*text)) {
        seconds = strtoll(text, &end, 10); /* overflow gives the largest number: capped below */
        if (*end && !isspace((unsigned char)*end) && *end != '.') return -1;
    } else if (imd_time_parse_http(text, strlen(text), &date)) {
        imd_time from = response->date != IMD_TIME_NONE ? response->date : now;
        seconds = date > from ? (date - from + IMD_TICKS_PER_SECOND - 1) / IMD_TICKS_PER_SECOND : 0;
    } else {
        return -1;
    }
    return seconds > IMD_RETRY_AFTER_MAX ? IMD_RETRY_AFTER_MAX : seconds;
}

/* --- Graph and Defender errors: {"error":{"code":..,"message":..,"innerError":{..}}} --- */

struct api_error {
    bool present;
    char code[96];
    char message[8192]; /* the one about missing roles lists every role the application has */
};

static void read_api_error(const char *body, size_t length, struct api_error *error) {
    struct imd_json_value root = {body, length}, object, value;
    memset(error, 0, sizeof *error);
    if (!length || !imd_json_valid(body, length, NULL)) return;
    while (root.length && isspace((unsigned char)*root.data)) root.data++, root.length--;
    if (!imd_json_member(root, "error", &object)) return;
    error->present = true;
    if (imd_json_member(object, "code", &value)) imd_answer_copy_code(error->code, sizeof error->code, value);
    if (imd_json_member(object, "message", &value) && imd_json_string(value, error->message, sizeof error->message) < 0)
        error->message[0] = 0;
}

static bool mentions(const char *text, const char *part) {
    return strcasestr(text, part) != NULL;
}

/* The two kinds of 403 that customers have (peers tell them apart by these texts; there is nothing better). */
static bool is_licence_error(const struct api_error *error) {
    static const char *const signs[] = {"not licensed", "license", "licence", "not provisioned", "NonPremiumTenant",
                                        "not onboarded", "has no valid subscription"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (mentions(error->message, signs[i]) || mentions(error->code, signs[i])) return true;
    return false;
}

static bool is_consent_error(const struct api_error *error) {
    return mentions(error->code, "Authorization_RequestDenied") || mentions(error->message, "application roles") ||
           mentions(error->message, "Insufficient privileges") || mentions(error->message, "scopes") ||
           mentions(error->message, "permission");
}

/* "The limit of '50' for Top query has been exceeded." */
static unsigned limit_in(const char *message) {
    const char *place = strcasestr(message, "limit of '");
    if (!place || !mentions(message, "Top")) return 0;
    unsigned long limit = strtoul(place + strlen("limit of '"), NULL, 10);
    return limit > 0 && limit <= 100000 ? (unsigned)limit : 0;
}

/* An empty body is the API's, too: seen where consent has not spread yet. */
static void judge_forbidden(const struct imd_response *response, bool empty, const struct api_error *error,
                            const struct imd_settings *settings, const struct imd_source *source,
                            struct imd_judgement *judgement) {
    char action[300];
    if (!*source->permission && (empty || strcasestr(response->content_type, "json"))) {
        snprintf(action, sizeof action,
                 "allow the application in the tenant's portal: %s?tid=%s, Settings > Endpoints > APIs > SIEM",
                 settings->cloud->portal_url ? settings->cloud->portal_url : "", settings->tenant_id);
        imd_judgement_set(judgement, IMD_VERDICT_NO_CONSENT, action,
                          "HTTP 403: the SIEM API does not know the application in this tenant");
    } else if (is_licence_error(error)) {
        imd_judgement_set(judgement, IMD_VERDICT_UNLICENSED,
                          "license or onboard the product in this tenant, or take the source out of its list",
                          "HTTP 403 %s: the tenant is not licensed for or not onboarded to what serves source %s",
                          error->code, source->name);
    } else if (is_consent_error(error) || empty) {
        snprintf(action, sizeof action,
                 "let an administrator of the tenant consent to %s: %s/%s/adminconsent?client_id=%s", source->permission,
                 imd_settings_login_url(settings), settings->tenant_id, settings->client_id ? settings->client_id : "");
        imd_judgement_set(judgement, IMD_VERDICT_NO_CONSENT, action, "HTTP 403 %s: application permission %s is missing",
                          error->code, source->permission);
    } else if (!error->present) {
        imd_judgement_set(judgement, IMD_VERDICT_FORBIDDEN, "check apiUrl, proxy and firewall",
                          "HTTP 403 with content type '%s' and no error object: it does not come from the API",
                          response->content_type);
    } else {
        imd_judgement_set(judgement, IMD_VERDICT_FORBIDDEN,
                          "look the code up in the tenant's sign-in logs; conditional access may apply to the application",
                          "HTTP 403 %s: the API refuses the application", error->code);
    }
}

void imd_answer_judge_transport(const struct imd_response *response, struct imd_judgement *judgement) {
    switch (response->failure) {
        case IMD_FAILURE_TLS:
            imd_judgement_set(judgement, IMD_VERDICT_UNREACHABLE,
                              "check the certificate of the server or proxy, and tls.cacert", "TLS: %s",
                              response->failure_text);
            break;
        case IMD_FAILURE_CONNECT:
        case IMD_FAILURE_SETUP:
            imd_judgement_set(judgement, IMD_VERDICT_UNREACHABLE, "check network, name resolution, firewall and proxy",
                              "no connection: %s", response->failure_text);
            break;
        case IMD_FAILURE_TIMEOUT:
            imd_judgement_set(judgement, IMD_VERDICT_UNREACHABLE,
                              "check the network; if answers are slow, raise requestTimeout or lower pageSize", "timeout: %s",
                              response->failure_text);
            break;
        default:
            imd_judgement_set(judgement, IMD_VERDICT_UNREACHABLE, "check the network if it lasts", "connection broken: %s",
                              response->failure_text);
    }
}

static void judge_status(const struct imd_response *response, const struct api_error *error,
                         struct imd_judgement *judgement) {
    int status = response->status;
    if (status == 429 || status == 509 || (status == 503 && judgement->retry_after >= 0)) {
        imd_judgement_set(judgement, IMD_VERDICT_THROTTLED, "nothing; if it lasts, raise pollInterval",
                          "HTTP %d %s: the API limits our rate", status, error->code);
    } else if (status >= 500) {
        imd_judgement_set(judgement, IMD_VERDICT_SERVER, "nothing; if it lasts, look at the service health of the tenant",
                          "HTTP %d %s: the API has a fault", status, error->code);
    } else if (status == 401) {
        imd_judgement_set(judgement, IMD_VERDICT_UNAUTHORIZED, "check clock, cloud and API URL",
                          "HTTP 401 %s: the API does not accept the access token", error->code);
    } else if (status >= 300 && status < 400) {
        imd_judgement_set(judgement, IMD_VERDICT_BAD_ANSWER, "check apiUrl, proxy and network",
                          "HTTP %d: a redirect, which is never followed since the token must not leave its host", status);
    } else if (status == 400 && error->present) {
        judgement->limit = limit_in(error->message);
        imd_judgement_set(judgement, judgement->limit ? IMD_VERDICT_TOP_REFUSED : IMD_VERDICT_QUERY_REFUSED,
                          "check the parameter filter", "HTTP 400 %s: the API refuses the query", error->code);
    } else {
        imd_judgement_set(judgement, IMD_VERDICT_BAD_ANSWER, "check apiUrl, proxy and network",
                          "HTTP %d with content type '%s'%s", status, response->content_type,
                          error->present ? "" : " and no error object: it does not come from the API");
    }
}

void imd_answer_judge(const struct imd_response *response, const char *body, size_t length,
                      const struct imd_settings *settings, const struct imd_source *source, imd_time now,
                      struct imd_judgement *judgement) {
    struct api_error error;
    memset(judgement, 0, sizeof *judgement);
    judgement->retry_after = imd_answer_retry_after(response, now);
    if (response->failure != IMD_FAILURE_NONE) {
        imd_answer_judge_transport(response, judgement);
    } else if (response->status == 206) {
        imd_judgement_set(judgement, IMD_VERDICT_PARTIAL, "nothing; if it lasts, look at the service health of the tenant",
                          "HTTP 206: not every provider answered (%.100s)", response->warning);
    } else if (response->status >= 200 && response->status < 300) {
        judgement->verdict = IMD_VERDICT_OK;
    } else {
        read_api_error(body, length, &error);
        if (response->status == 403)
            judge_forbidden(response, length == 0, &error, settings, source, judgement);
        else
            judge_status(response, &error, judgement);
    }
}

bool imd_verdict_is_lasting(enum imd_verdict verdict) {
    return verdict == IMD_VERDICT_NO_CONSENT || verdict == IMD_VERDICT_UNLICENSED || verdict == IMD_VERDICT_CREDENTIAL ||
           verdict == IMD_VERDICT_NO_TENANT || verdict == IMD_VERDICT_FORBIDDEN || verdict == IMD_VERDICT_WRONG_TENANT ||
           verdict == IMD_VERDICT_QUERY_REFUSED;
}

const char *imd_verdict_state(enum imd_verdict verdict) {
    static const char *const names[] = {
        [IMD_VERDICT_OK] = "ok",
        [IMD_VERDICT_PARTIAL] = "partial",
        [IMD_VERDICT_UNAUTHORIZED] = "unauthorized",
        [IMD_VERDICT_NO_CONSENT] = "no-consent",
        [IMD_VERDICT_UNLICENSED] = "unlicensed",
        [IMD_VERDICT_CREDENTIAL] = "credential",
        [IMD_VERDICT_NO_TENANT] = "no-tenant",
        [IMD_VERDICT_FORBIDDEN] = "forbidden",
        [IMD_VERDICT_THROTTLED] = "throttled",
        [IMD_VERDICT_UNREACHABLE] = "unreachable",
        [IMD_VERDICT_SERVER] = "server-error",
        [IMD_VERDICT_BAD_ANSWER] = "bad-answer",
        [IMD_VERDICT_TOO_LARGE] = "too-large",
        [IMD_VERDICT_TOP_REFUSED] = "query-refused",
        [IMD_VERDICT_QUERY_REFUSED] = "query-refused",
        [IMD_VERDICT_WRONG_TENANT] = "wrong-tenant",
    };
    return names[verdict];
}
