/* SPDX-License-Identifier: Apache-2.0 */
/* What the token endpoint's errors mean: {"error":..,"error_codes":[..],"trace_id":..,"correlation_id":..}.
 *
 * Status and `error` decide. Microsoft's numbers only refine what is said and how long is waited: they may change. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/json.h"
#include "answer.h"
#include "credential.h"

enum token_group { SECRET_WRONG, SECRET_EXPIRED, APP_UNKNOWN, SINGLE_TENANT, APP_DISABLED, CONSENT, RESOURCE, TENANT,
                   NO_ONE_TENANT, CLOUD, SCOPE, POLICY, PARTNER, CLOCK, CERTIFICATE, SIGN_IN, USER, RATE, TRANSIENT,
                   CREDENTIAL_KIND, REFUSED, OTHER };

#define RATE_WAIT_S 300 /* the service counts repeated requests over minutes */

struct aadsts {
    unsigned code;
    enum token_group group;
};

/* https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
static const struct aadsts aadsts_groups[] = {
    {7000215, SECRET_WRONG}, {70002, SECRET_WRONG}, {7000222, SECRET_EXPIRED}, {7000218, CREDENTIAL_KIND},
    {700025, CREDENTIAL_KIND}, {700027, CERTIFICATE}, {700030, CERTIFICATE}, {50012, CERTIFICATE}, {900384, CERTIFICATE},
    {50013, CLOCK}, {500133, CLOCK}, {700024, CLOCK}, {700229, CREDENTIAL_KIND}, {700016, APP_UNKNOWN},
    {700011, APP_UNKNOWN}, {7000112, APP_DISABLED}, {70001, APP_DISABLED}, {65001, CONSENT}, {90008, CONSENT},
    {90094, CONSENT}, {650052, RESOURCE}, {650054, RESOURCE}, {650056, RESOURCE}, {650057, RESOURCE}, {500011, RESOURCE},
    {50001, RESOURCE}, {50194, SINGLE_TENANT}, {90002, TENANT}, {90038, CLOUD}, {900432, CLOUD}, {900382, CLOUD},
    {50173, SIGN_IN}, {70000, SIGN_IN}, {70008, SIGN_IN}, {700082, SIGN_IN}, {700084, SIGN_IN}, {70043, SIGN_IN},
    {50089, SIGN_IN}, {50076, SIGN_IN}, {50079, SIGN_IN}, {50074, SIGN_IN}, {50078, SIGN_IN}, {50158, SIGN_IN},
    {50057, USER}, {50034, USER}, {50020, USER}, {16003, USER}, {53000, POLICY}, {53001, POLICY},
    {53002, POLICY}, {53003, POLICY}, {530003, POLICY}, {530032, POLICY}, {530034, PARTNER}, {530035, POLICY},
    {50196, RATE}, {90055, RATE}, {50033, TRANSIENT}, {90006, TRANSIENT}, {90012, TRANSIENT}, {90024, TRANSIENT},
    {90033, TRANSIENT}, {90090, TRANSIENT}, {70011, SCOPE}, {28002, SCOPE}, {700022, SCOPE}, {901002, SCOPE},
    {9001023, NO_ONE_TENANT}, {90124, NO_ONE_TENANT}, {90130, NO_ONE_TENANT},
};

static const struct {
    enum imd_verdict verdict;
    const char *what, *action;
} token_groups[] = {
    [SECRET_WRONG] = {IMD_VERDICT_CREDENTIAL, "the client secret is wrong",
                      "put the secret's value (not its id) into the secret file"},
    [SECRET_EXPIRED] = {IMD_VERDICT_CREDENTIAL, "the client secret has expired",
                        "make a new secret for the application and put it into the secret file"},
    [APP_UNKNOWN] = {IMD_VERDICT_NO_CONSENT, "the application is not known in this tenant",
                     "check clientId, tenantId and cloud, and let an administrator of the tenant consent to the application"},
    [SINGLE_TENANT] = {IMD_VERDICT_CREDENTIAL, "the application is registered for its home tenant alone",
                       "set its supported account types to accounts in any organizational directory"},
    [APP_DISABLED] = {IMD_VERDICT_CREDENTIAL, "the application is disabled",
                      "have the application enabled in its home tenant and in the customer's"},
    [CONSENT] = {IMD_VERDICT_NO_CONSENT, "consent is missing", "let an administrator of the tenant consent to the application"},
    [RESOURCE] = {IMD_VERDICT_UNLICENSED, "the API is not present in this tenant, or not in the application's permissions",
                  "license the product in the tenant, or add the API permission and consent again"},
    [TENANT] = {IMD_VERDICT_NO_TENANT, "the tenant is not found", "check tenantId and cloud"},
    [NO_ONE_TENANT] = {IMD_VERDICT_NO_TENANT, "the sign-in names no single tenant", "give the customer's tenant id in tenantId"},
    [CLOUD] = {IMD_VERDICT_NO_TENANT, "the application or tenant is in another cloud", "check the parameter cloud"},
    [SCOPE] = {IMD_VERDICT_NO_TENANT, "the sign-in service does not know the API that the token is for",
               "check cloud and loginUrl"},
    [POLICY] = {IMD_VERDICT_FORBIDDEN, "conditional access or a security policy blocks the sign-in",
                "have the tenant's administrator except the application's service principal from the policy"},
    [PARTNER] = {IMD_VERDICT_FORBIDDEN, "delegated administration is blocked for suspicious activity",
                 "settle it in the Partner Center"},
    [CLOCK] = {IMD_VERDICT_CREDENTIAL, "the client assertion is outside its time range", "set this machine's clock"},
    [CERTIFICATE] = {IMD_VERDICT_CREDENTIAL, "the certificate or its signature is not accepted",
                     "upload this certificate to the application, and check that key and certificate belong together"},
    [SIGN_IN] = {IMD_VERDICT_CREDENTIAL, "the user's sign-in is not valid any more",
                 "let the user sign in again and put the new refresh token into the file"},
    [USER] = {IMD_VERDICT_CREDENTIAL, "the user is disabled or not a member or guest of this tenant",
              "have the user enabled or invited in the tenant, or let another one sign in"},
    [RATE] = {IMD_VERDICT_THROTTLED, "the sign-in service limits our rate", "nothing"},
    [TRANSIENT] = {IMD_VERDICT_SERVER, "the sign-in service has a passing fault", "nothing"},
    [CREDENTIAL_KIND] = {IMD_VERDICT_CREDENTIAL, "the application does not accept this kind of credential",
                         "check the application's authentication settings and the credential parameters"},
    [REFUSED] = {IMD_VERDICT_CREDENTIAL, NULL, NULL}, /* in the credential's own words */
    [OTHER] = {IMD_VERDICT_CREDENTIAL, "the sign-in is refused", "look the code up at https://login.microsoftonline.com/error"},
};

struct token_error {
    bool present;
    char error[64];
    long long code; /* AADSTS number, 0: none */
    char trace[64], correlation[64];
};

static void read_token_error(const char *body, size_t length, struct token_error *error) {
    struct imd_json_value root = {body, length}, value, name, first;
    memset(error, 0, sizeof *error);
    if (!length || !imd_json_valid(body, length, NULL)) return;
    while (root.length && isspace((unsigned char)*root.data)) root.data++, root.length--;
    if (!imd_json_member(root, "error", &value)) return;
    error->present = true;
    imd_answer_copy_code(error->error, sizeof error->error, value);
    size_t position = 0;
    int64_t number = 0;
    if (imd_json_member(root, "error_codes", &value) && imd_json_next(value, &position, &name, &first) &&
        imd_json_integer(first, &number))
        error->code = number;
    if (imd_json_member(root, "trace_id", &value)) imd_answer_copy_code(error->trace, sizeof error->trace, value);
    if (imd_json_member(root, "correlation_id", &value)) imd_answer_copy_code(error->correlation, sizeof error->correlation, value);
}

static enum token_group group_of(const struct token_error *error, const struct imd_settings *settings) {
    for (size_t i = 0; i < sizeof aadsts_groups / sizeof *aadsts_groups; i++)
        if (aadsts_groups[i].code == (unsigned long long)error->code) return aadsts_groups[i].group;
    if (strcmp(error->error, "temporarily_unavailable") == 0) return TRANSIENT;
    if (strcmp(error->error, "invalid_client") == 0) return REFUSED;
    if (strcmp(error->error, "unauthorized_client") == 0) return APP_UNKNOWN;
    if (strcmp(error->error, "invalid_scope") == 0 || strcmp(error->error, "invalid_target") == 0) return SCOPE;
    if (strcmp(error->error, "invalid_grant") == 0)
        return settings->credential == IMD_CREDENTIAL_REFRESH ? SIGN_IN : REFUSED;
    if (strcmp(error->error, "interaction_required") == 0) return SIGN_IN;
    return OTHER;
}

/* The server's Date shows how far the clock here is off, which is what an operator has to know. */
static void explain_clock(const struct imd_response *response, imd_time now, char *out, size_t size) {
    out[0] = 0;
    if (response->date == IMD_TIME_NONE) return;
    int64_t off = (now - response->date) / IMD_TICKS_PER_SECOND;
    if (off > 60 || off < -60)
        snprintf(out, size, ": this machine's clock is %lld s %s", (long long)(off < 0 ? -off : off),
                 off < 0 ? "behind" : "ahead");
}

static void judge_error(const struct imd_response *response, const struct token_error *error,
                        const struct imd_settings *settings, imd_time now, struct imd_judgement *judgement) {
    const struct imd_credential_kind *kind = &imd_credential_kinds[settings->credential];
    enum token_group group = group_of(error, settings);
    const char *what = group == REFUSED ? kind->refused : token_groups[group].what;
    const char *action = group == REFUSED ? kind->remedy : token_groups[group].action;
    char consent[300], clock[80] = "";
    if (group == APP_UNKNOWN || group == CONSENT) {
        snprintf(consent, sizeof consent, "%s: %s/%s/adminconsent?client_id=%s", action, imd_settings_login_url(settings),
                 settings->tenant_id, settings->client_id ? settings->client_id : "");
        action = consent;
    }
    if (group == CLOCK || group == REFUSED) explain_clock(response, now, clock, sizeof clock);
    imd_judgement_set(judgement, token_groups[group].verdict, action,
                      "%s%s (HTTP %d %s AADSTS%lld, trace %s, correlation %s)", what, clock, response->status,
                      error->error, error->code, error->trace, error->correlation);
    if (group == RATE && judgement->retry_after < RATE_WAIT_S) judgement->retry_after = RATE_WAIT_S;
}

void imd_answer_judge_token(const struct imd_response *response, const char *body, size_t length,
                            const struct imd_settings *settings, imd_time now, struct imd_judgement *judgement) {
    memset(judgement, 0, sizeof *judgement);
    judgement->retry_after = imd_answer_retry_after(response, now);
    if (response->failure != IMD_FAILURE_NONE) {
        imd_answer_judge_transport(response, judgement);
        return;
    }
    struct token_error error;
    read_token_error(body, length, &error);
    if (response->status == 429) {
        if (judgement->retry_after < 0) judgement->retry_after = 60; /* documented for client credentials */
        imd_judgement_set(judgement, IMD_VERDICT_THROTTLED, "nothing", "HTTP 429: the sign-in service limits our rate");
    } else if (response->status >= 500) {
        imd_judgement_set(judgement, IMD_VERDICT_SERVER, "nothing", "HTTP %d: the sign-in service has a fault",
                          response->status);
    } else if (error.present) {
        judge_error(response, &error, settings, now, judgement);
    } else if (response->status == 401 || response->status == 403) {
        imd_judgement_set(judgement, IMD_VERDICT_CREDENTIAL, imd_credential_kinds[settings->credential].remedy,
                          "HTTP %d without an error object: the sign-in is refused", response->status);
    } else {
        imd_judgement_set(judgement, IMD_VERDICT_BAD_ANSWER, "check loginUrl, proxy and network",
                          "HTTP %d with content type '%s': not an answer of the sign-in service", response->status,
                          response->content_type);
    }
}
