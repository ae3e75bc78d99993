/* SPDX-License-Identifier: Apache-2.0 */
/* What each answer of the API and of the sign-in service means: the verdict, how long to wait, what the operator reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/answer.h"
#include "settings_support.h"

#define NOW INT64_C(17672256000000000) /* Thu, 01 Jan 2026 00:00:00 GMT */

static struct imd_settings *settings;

static int make_settings(void **state) {
    (void)state;
    settings = settings_with(NULL, NULL);
    settings->credential = IMD_CREDENTIAL_SECRET;
    return 0;
}

static int drop_settings(void **state) {
    (void)state;
    imd_settings_release(settings);
    return 0;
}

static struct imd_response response(int status) {
    struct imd_response made = {.status = status, .date = IMD_TIME_NONE};
    snprintf(made.content_type, sizeof made.content_type, "%s", "application/json");
    return made;
}

static struct imd_judgement judge_response(const struct imd_response *given, const char *body) {
    struct imd_judgement judgement;
    memset(&judgement, 0xff, sizeof judgement);
    imd_answer_judge(given, body, strlen(body), settings, &imd_sources[IMD_SOURCE_ALERTS], NOW, &judgement);
    return judgement;
}

static struct imd_judgement judge(int status, const char *body) {
    struct imd_response given = response(status);
    return judge_response(&given, body);
}

static struct imd_judgement judge_token_response(const struct imd_response *given, const char *body) {
    struct imd_judgement judgement;
    memset(&judgement, 0xff, sizeof judgement);
    imd_answer_judge_token(given, body, strlen(body), settings, NOW, &judgement);
    return judgement;
}

static struct imd_judgement judge_token(int status, const char *body) {
    struct imd_response given = response(status);
    return judge_token_response(&given, body);
}

static void is(struct imd_judgement judgement, enum imd_verdict verdict, const char *reason) {
    if (judgement.verdict != verdict || !strstr(judgement.reason, reason))
        fail_msg("%s \"%s\" instead of %s \"%s\"", imd_verdict_state(judgement.verdict), judgement.reason,
                 imd_verdict_state(verdict), reason);
}

/* --- Retry-After --- */

static int64_t retry_after(const char *text) {
    struct imd_response given = response(429);
    snprintf(given.retry_after, sizeof given.retry_after, "%s", text);
    return judge_response(&given, "").retry_after;
}

static void retry_after_comes_in_seconds(void **state) {
    (void)state;
    assert_int_equal(retry_after("0"), 0);
    assert_int_equal(retry_after("41"), 41);
    assert_int_equal(retry_after("41 "), 41);
    assert_int_equal(retry_after("1.5"), 1);
}

static void retry_after_comes_as_a_date(void **state) {
    (void)state;
    assert_int_equal(retry_after("Thu, 01 Jan 2026 00:01:10 GMT"), 70);
    assert_int_equal(retry_after("Thu, 01 Jan 2026 00:00:00 GMT"), 0);
    assert_int_equal(retry_after("Wed, 31 Dec 2025 23:00:00 GMT"), 0);
}

/* Against the server's own clock: the one here may be wrong. */
static void a_date_is_reckoned_from_the_date_header(void **state) {
    (void)state;
    struct imd_response given = response(503);
    snprintf(given.retry_after, sizeof given.retry_after, "%s", "Thu, 01 Jan 2026 05:00:30 GMT");
    given.date = NOW + 5 * 3600 * IMD_TICKS_PER_SECOND;
    assert_int_equal(judge_response(&given, "").retry_after, 30);
}

static void an_absurd_wait_is_capped(void **state) {
    (void)state;
    assert_int_equal(retry_after("86400"), IMD_RETRY_AFTER_MAX);
    assert_int_equal(retry_after("99999999999999999999999999"), IMD_RETRY_AFTER_MAX);
    assert_int_equal(retry_after("Fri, 01 Jan 2027 00:00:00 GMT"), IMD_RETRY_AFTER_MAX);
}

static void what_is_no_wait_says_nothing(void **state) {
    (void)state;
    static const char *const garbage[] = {"",    "-1", "soon", "12abc", "+5", "0x10", "Thu, 41 Jan 2026 00:01:10 GMT",
                                          "\x80"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) assert_int_equal(retry_after(garbage[i]), -1);
}

/* --- the API --- */

static void throttling_is_waited_for(void **state) {
    (void)state;
    is(judge(429, "{\"error\":{\"code\":\"TooManyRequests\",\"message\":\"\"}}"), IMD_VERDICT_THROTTLED,
       "TooManyRequests");
    is(judge(429, "{\"error\":{\"code\":\"UnknownError\",\"message\":\"\"}}"), IMD_VERDICT_THROTTLED, "429");
    is(judge(429, ""), IMD_VERDICT_THROTTLED, "429");
    is(judge(509, ""), IMD_VERDICT_THROTTLED, "509");
    struct imd_response busy = response(503);
    snprintf(busy.retry_after, sizeof busy.retry_after, "%s", "7");
    is(judge_response(&busy, ""), IMD_VERDICT_THROTTLED, "503");
}

static void faults_of_the_server_pass(void **state) {
    (void)state;
    static const int statuses[] = {500, 501, 502, 503, 504, 599};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        is(judge(statuses[i], "<html>oops</html>"), IMD_VERDICT_SERVER, "HTTP 5");
        is(judge(statuses[i], "{\"error\":{\"code\":\"generalException\"}}"), IMD_VERDICT_SERVER, "generalException");
    }
    assert_false(imd_verdict_is_lasting(IMD_VERDICT_SERVER));
}

static void a_401_asks_for_another_token(void **state) {
    (void)state;
    is(judge(401, "{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":\"Access token has expired.\"}}"),
       IMD_VERDICT_UNAUTHORIZED, "InvalidAuthenticationToken");
    is(judge(401, ""), IMD_VERDICT_UNAUTHORIZED, "401");
}

static void a_403_for_want_of_consent_leads_to_the_consent_page(void **state) {
    (void)state;
    char many[6000] =
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Missing application roles. API required roles: "
        "SecurityAlert.Read.All, application roles: ";
    size_t length = strlen(many);
    while (length < 5000) length += (size_t)snprintf(many + length, sizeof many - length, "Some.Other.Role.All,");
    snprintf(many + length, sizeof many - length, "\",\"innerError\":{}}}");
    const char *const bodies[] = {
        many,
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Missing application roles. API required roles: x\"}}",
        "{\"error\":{\"code\":\"Authorization_RequestDenied\",\"message\":\"\"}}",
        "{\"error\":{\"code\":\"\",\"message\":\"Insufficient privileges to complete the operation.\"}}",
        "", /* seen from the API before the consent has spread */
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct imd_judgement judgement = judge(403, bodies[i]);
        is(judgement, IMD_VERDICT_NO_CONSENT, "SecurityAlert.Read.All is missing");
        assert_non_null(strstr(judgement.action, "https://login.microsoftonline.com/" SETTINGS_TENANT
                                                 "/adminconsent?client_id=" SETTINGS_CLIENT));
    }
}

static void a_403_for_want_of_a_licence_is_another_matter(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Tenant is not provisioned for this product\"}}",
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"The tenant does not have a valid license\"}}",
        "{\"error\":{\"code\":\"Authentication_RequestFromNonPremiumTenantOrB2CTenant\",\"message\":\"x\"}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        is(judge(403, bodies[i]), IMD_VERDICT_UNLICENSED, "not licensed");
}

static void any_other_403_is_a_refusal(void **state) {
    (void)state;
    is(judge(403, "{\"error\":{\"code\":\"AccessDenied\",\"message\":\"Blocked by location\"}}"), IMD_VERDICT_FORBIDDEN,
       "AccessDenied");
}

/* A firewall or proxy on the way: asking the customer for consent would lead astray. */
static void a_403_of_the_siem_api_leads_to_the_tenants_portal(void **state) {
    (void)state;
    struct imd_judgement judgement;
    struct imd_response given = response(403);
    static const char body[] = "{\"Message\":\"Forbidden\"}";
    imd_answer_judge(&given, body, strlen(body), settings, &imd_sources[IMD_SOURCE_SIEM_DETECTIONS], NOW, &judgement);
    is(judgement, IMD_VERDICT_NO_CONSENT, "does not know the application");
    assert_non_null(strstr(judgement.action, "https://security.microsoft.com?tid=" SETTINGS_TENANT));
    snprintf(given.content_type, sizeof given.content_type, "text/html");
    imd_answer_judge(&given, "<html>", 6, settings, &imd_sources[IMD_SOURCE_SIEM_DETECTIONS], NOW, &judgement);
    is(judgement, IMD_VERDICT_FORBIDDEN, "does not come from the API");
}

static void a_403_that_is_not_the_apis_is_not_about_consent(void **state) {
    (void)state;
    struct imd_response given = response(403);
    snprintf(given.content_type, sizeof given.content_type, "%s", "text/html");
    struct imd_judgement judgement = judge_response(&given, "<html>blocked by Acme Gateway</html>");
    is(judgement, IMD_VERDICT_FORBIDDEN, "text/html");
    assert_non_null(strstr(judgement.action, "proxy"));
    assert_null(strstr(judgement.reason, "Acme"));
}

static void a_limit_of_the_page_size_is_read_from_the_text(void **state) {
    (void)state;
    struct imd_judgement judgement =
        judge(400,
              "{\"error\":{\"code\":\"BadRequest\",\"message\":\"The limit of '50' for Top query has been exceeded. "
              "The value from the incoming request is '1000'.\"}}");
    is(judgement, IMD_VERDICT_TOP_REFUSED, "400");
    assert_int_equal(judgement.limit, 50);
    static const char *const others[] = {"The limit of '0' for Top query has been exceeded.",
                                         "The limit of 'x' for Top query has been exceeded.",
                                         "The limit of '99999999999' for Top query has been exceeded.",
                                         "The limit of '500' for Skip query", "The limit of '-3' for Top query"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char body[300];
        snprintf(body, sizeof body, "{\"error\":{\"code\":\"BadRequest\",\"message\":\"%s\"}}", others[i]);
        judgement = judge(400, body);
        is(judgement, IMD_VERDICT_QUERY_REFUSED, "BadRequest");
        assert_int_equal(judgement.limit, 0);
    }
}

static void a_400_of_somebody_else_is_no_refused_query(void **state) {
    (void)state;
    is(judge(400, "<html>Bad Request</html>"), IMD_VERDICT_BAD_ANSWER, "does not come from the API");
    is(judge(400, "{\"error\":{\"code\":\"BadRequest\",\"message\":\"Invalid filter clause\"}}"),
       IMD_VERDICT_QUERY_REFUSED, "BadRequest");
}

static void redirects_are_never_followed(void **state) {
    (void)state;
    static const int statuses[] = {300, 301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        is(judge(statuses[i], ""), IMD_VERDICT_BAD_ANSWER, "redirect");
}

static void anything_else_is_a_bad_answer(void **state) {
    (void)state;
    is(judge(404, "{\"error\":{\"code\":\"ResourceNotFound\"}}"), IMD_VERDICT_BAD_ANSWER, "404");
    is(judge(407, ""), IMD_VERDICT_BAD_ANSWER, "407");
    is(judge(100, ""), IMD_VERDICT_BAD_ANSWER, "100");
    is(judge(0, ""), IMD_VERDICT_BAD_ANSWER, "");
}

static void success_is_whole_or_partial(void **state) {
    (void)state;
    is(judge(200, ""), IMD_VERDICT_OK, "");
    struct imd_response partial = response(206);
    snprintf(partial.warning, sizeof partial.warning, "%s", "199 - \"Microsoft/MCAS/504/10000\"");
    is(judge_response(&partial, ""), IMD_VERDICT_PARTIAL, "MCAS/504");
}

static void a_request_without_an_answer_names_the_trouble(void **state) {
    (void)state;
    static const struct {
        enum imd_failure failure;
        const char *reason, *action;
    } cases[] = {
        {IMD_FAILURE_CONNECT, "no connection: why", "proxy"},    {IMD_FAILURE_TLS, "TLS: why", "tls.cacert"},
        {IMD_FAILURE_TIMEOUT, "timeout: why", "requestTimeout"}, {IMD_FAILURE_BROKEN, "connection broken: why", ""},
        {IMD_FAILURE_SETUP, "no connection: why", ""},           {IMD_FAILURE_STOPPED, "connection broken: why", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct imd_response given = response(200); /* a status may have come before it broke */
        given.failure = cases[i].failure;
        snprintf(given.failure_text, sizeof given.failure_text, "%s", "why");
        struct imd_judgement judgement = judge_response(&given, "");
        is(judgement, IMD_VERDICT_UNREACHABLE, cases[i].reason);
        assert_non_null(strstr(judgement.action, cases[i].action));
        is(judge_token_response(&given, ""), IMD_VERDICT_UNREACHABLE, cases[i].reason);
    }
}

/* What comes from outside ends up in logs: no line ends, no terminal sequences, no bodies. */
static void texts_from_outside_are_tamed(void **state) {
    (void)state;
    struct imd_judgement judgement =
        judge(500, "{\"error\":{\"code\":\"a\\nb\\u001b[31mc\xc3\xa9\",\"message\":\"secret body\"}}");
    is(judgement, IMD_VERDICT_SERVER, "ab[31mc");
    assert_null(strstr(judgement.reason, "secret"));
    for (const char *c = judgement.reason; *c; c++) assert_true(*c >= 0x20 && *c < 0x7f);
    struct imd_response given = response(404);
    snprintf(given.content_type, sizeof given.content_type, "%s", "text/\x1b[1m\r\n");
    judgement = judge_response(&given, "");
    for (const char *c = judgement.reason; *c; c++) assert_true(*c >= 0x20 && *c < 0x7f);
}

static void error_bodies_of_any_shape_are_survived(void **state) {
    (void)state;
    static const char *const bodies[] = {"{\"error\":\"text\"}",
                                         "{\"error\":null}",
                                         "{\"error\":[]}",
                                         "[]",
                                         "5",
                                         "{",
                                         "{\"error\":{\"code\":5,\"message\":{}}}",
                                         "\xef\xbb\xbf{\"error\":{}}",
                                         "\xff"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        is(judge(500, bodies[i]), IMD_VERDICT_SERVER, "500");
        judge(403, bodies[i]);
        judge(400, bodies[i]);
        judge_token(400, bodies[i]);
        judge_token(500, bodies[i]);
    }
}

/* --- the sign-in service --- */

static struct imd_judgement judge_code(int status, const char *error, unsigned code) {
    char body[400];
    snprintf(body, sizeof body,
             "{\"error\":\"%s\",\"error_description\":\"AADSTS%u: never shown\",\"error_codes\":[%u],"
             "\"trace_id\":\"trace-1\",\"correlation_id\":\"corr-1\"}",
             error, code, code);
    return judge_token(status, body);
}

static void every_code_has_a_verdict_and_an_instruction(void **state) {
    (void)state;
    static const struct {
        enum imd_verdict verdict;
        const char *reason;
        unsigned codes[20];
    } groups[] = {
        {IMD_VERDICT_CREDENTIAL, "secret is wrong", {7000215, 70002}},
        {IMD_VERDICT_CREDENTIAL, "secret has expired", {7000222}},
        {IMD_VERDICT_CREDENTIAL, "kind of credential", {7000218, 700025, 700229}},
        {IMD_VERDICT_CREDENTIAL, "certificate", {700027, 700030, 50012, 900384}},
        {IMD_VERDICT_CREDENTIAL, "time range", {50013, 500133, 700024}},
        {IMD_VERDICT_NO_CONSENT, "not known in this tenant", {700016, 700011}},
        {IMD_VERDICT_CREDENTIAL, "home tenant alone", {50194}},
        {IMD_VERDICT_CREDENTIAL, "disabled", {7000112, 70001}},
        {IMD_VERDICT_NO_CONSENT, "consent is missing", {65001, 90008, 90094}},
        {IMD_VERDICT_UNLICENSED, "not present in this tenant", {650052, 650054, 650056, 650057, 500011, 50001}},
        {IMD_VERDICT_NO_TENANT, "not found", {90002}},
        {IMD_VERDICT_NO_TENANT, "another cloud", {90038, 900432, 900382}},
        {IMD_VERDICT_CREDENTIAL,
         "user's sign-in",
         {50173, 70000, 70008, 700082, 700084, 70043, 50089, 50076, 50079, 50074, 50078, 50158}},
        {IMD_VERDICT_CREDENTIAL, "user is disabled or not a member", {50057, 50034, 50020, 16003}},
        {IMD_VERDICT_FORBIDDEN, "policy", {53000, 53001, 53002, 53003, 530003, 530032, 530035}},
        {IMD_VERDICT_FORBIDDEN, "suspicious activity", {530034}},
        {IMD_VERDICT_THROTTLED, "rate", {50196, 90055}},
        {IMD_VERDICT_SERVER, "passing fault", {50033, 90006, 90012, 90024, 90033, 90090}},
        {IMD_VERDICT_NO_TENANT, "does not know the API", {70011, 28002, 700022, 901002}},
        {IMD_VERDICT_NO_TENANT, "no single tenant", {9001023, 90124, 90130}},
        {IMD_VERDICT_CREDENTIAL, "refused", {1}},
    };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        for (const unsigned *code = groups[i].codes; *code; code++) {
            struct imd_judgement judgement = judge_code(400, "invalid_request", *code);
            char text[32];
            snprintf(text, sizeof text, "AADSTS%u", *code);
            is(judgement, groups[i].verdict, groups[i].reason);
            is(judgement, groups[i].verdict, text);
            is(judgement, groups[i].verdict, "trace trace-1, correlation corr-1");
            assert_true(judgement.action[0]);
            assert_null(strstr(judgement.reason, "never shown"));
        }
}

static void without_a_known_code_the_error_decides(void **state) {
    (void)state;
    is(judge_token(401, "{\"error\":\"invalid_client\"}"), IMD_VERDICT_CREDENTIAL, "secret is wrong");
    is(judge_token(400, "{\"error\":\"unauthorized_client\",\"error_codes\":[]}"), IMD_VERDICT_NO_CONSENT, "not known");
    is(judge_token(400, "{\"error\":\"invalid_grant\"}"), IMD_VERDICT_CREDENTIAL, "secret is wrong");
    is(judge_token(400, "{\"error\":\"invalid_scope\"}"), IMD_VERDICT_NO_TENANT, "does not know the API");
    is(judge_token(400, "{\"error\":\"temporarily_unavailable\"}"), IMD_VERDICT_SERVER, "passing");
    is(judge_token(400, "{\"error\":\"something_new\",\"error_codes\":\"7\"}"), IMD_VERDICT_CREDENTIAL,
       "something_new");
}

/* A server that gives no code beyond "invalid_client" leaves it to us to say what that may be. */
static void a_refusal_is_explained_in_the_credential_s_own_words(void **state) {
    (void)state;
    static const struct {
        enum imd_credential credential;
        const char *reason, *action;
    } kinds[] = {
        {IMD_CREDENTIAL_CERTIFICATE, "certificate or its signature", "upload this certificate"},
        {IMD_CREDENTIAL_FEDERATED, "federated token", "issuer, subject and audience"},
        {IMD_CREDENTIAL_MANAGED, "managed identity's token", "user-assigned identity"},
        {IMD_CREDENTIAL_REFRESH, "refresh token", "sign in again"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        settings->credential = kinds[i].credential;
        struct imd_judgement judgement = judge_token(401, "{\"error\":\"invalid_client\"}");
        is(judgement, IMD_VERDICT_CREDENTIAL, kinds[i].reason);
        assert_non_null(strstr(judgement.action, kinds[i].action));
        assert_non_null(strstr(judge_token(403, "").action, kinds[i].action)); /* an empty body says no more */
    }
    is(judge_token(400, "{\"error\":\"invalid_grant\"}"), IMD_VERDICT_CREDENTIAL, "user's sign-in");
    settings->credential = IMD_CREDENTIAL_SECRET;
}

static void missing_consent_comes_with_the_tenant_s_consent_url(void **state) {
    (void)state;
    static const unsigned codes[] = {700016, 700011, 65001, 90008, 90094};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_non_null(strstr(judge_code(400, "invalid_grant", codes[i]).action,
                               ": https://login.microsoftonline.com/" SETTINGS_TENANT
                               "/adminconsent?client_id=" SETTINGS_CLIENT));
}

static void a_wrong_clock_is_measured(void **state) {
    (void)state;
    struct imd_response given = response(401);
    const char *body = "{\"error\":\"invalid_client\",\"error_codes\":[700024]}";
    given.date = NOW - 600 * IMD_TICKS_PER_SECOND;
    is(judge_token_response(&given, body), IMD_VERDICT_CREDENTIAL, "clock is 600 s ahead");
    given.date = NOW + 90 * IMD_TICKS_PER_SECOND;
    is(judge_token_response(&given, body), IMD_VERDICT_CREDENTIAL, "clock is 90 s behind");
    given.date = NOW + 20 * IMD_TICKS_PER_SECOND;
    assert_null(strstr(judge_token_response(&given, body).reason, "clock is"));
}

static void throttled_sign_in_may_come_as_plain_text(void **state) {
    (void)state;
    struct imd_response given = response(429);
    snprintf(given.content_type, sizeof given.content_type, "%s", "text/plain");
    struct imd_judgement judgement = judge_token_response(&given, "Too Many Requests");
    is(judgement, IMD_VERDICT_THROTTLED, "429");
    assert_int_equal(judgement.retry_after, 60);
    snprintf(given.retry_after, sizeof given.retry_after, "%s", "5");
    assert_int_equal(judge_token_response(&given, "Too Many Requests").retry_after, 5);
}

/* "Client request loop": asking again within minutes prolongs it. */
static void a_request_loop_is_left_for_minutes(void **state) {
    (void)state;
    assert_true(judge_code(400, "invalid_grant", 50196).retry_after >= 300);
}

static void a_busy_or_foreign_sign_in_service_passes(void **state) {
    (void)state;
    is(judge_token(503, "<html>"), IMD_VERDICT_SERVER, "503");
    is(judge_token(500, "{\"error\":\"server_error\"}"), IMD_VERDICT_SERVER, "500");
    is(judge_token(302, ""), IMD_VERDICT_BAD_ANSWER, "302");
    is(judge_token(404, "<html>"), IMD_VERDICT_BAD_ANSWER, "404");
    is(judge_token(400, "<html>"), IMD_VERDICT_BAD_ANSWER, "400");
    is(judge_token(401, ""), IMD_VERDICT_CREDENTIAL, "401");
    is(judge_token(403, "<html>"), IMD_VERDICT_CREDENTIAL, "403");
}

static void only_an_operator_ends_what_lasts(void **state) {
    (void)state;
    static const bool lasting[] = {
        [IMD_VERDICT_NO_CONSENT] = true,  [IMD_VERDICT_UNLICENSED] = true, [IMD_VERDICT_CREDENTIAL] = true,
        [IMD_VERDICT_NO_TENANT] = true,   [IMD_VERDICT_FORBIDDEN] = true,  [IMD_VERDICT_QUERY_REFUSED] = true,
        [IMD_VERDICT_WRONG_TENANT] = true};
    for (int verdict = IMD_VERDICT_OK; verdict <= IMD_VERDICT_WRONG_TENANT; verdict++) {
        assert_int_equal(imd_verdict_is_lasting((enum imd_verdict)verdict), lasting[verdict]);
        assert_non_null(imd_verdict_state((enum imd_verdict)verdict));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_comes_in_seconds),
        cmocka_unit_test(retry_after_comes_as_a_date),
        cmocka_unit_test(a_date_is_reckoned_from_the_date_header),
        cmocka_unit_test(an_absurd_wait_is_capped),
        cmocka_unit_test(what_is_no_wait_says_nothing),
        cmocka_unit_test(throttling_is_waited_for),
        cmocka_unit_test(faults_of_the_server_pass),
        cmocka_unit_test(a_401_asks_for_another_token),
        cmocka_unit_test(a_403_for_want_of_consent_leads_to_the_consent_page),
        cmocka_unit_test(a_403_for_want_of_a_licence_is_another_matter),
        cmocka_unit_test(any_other_403_is_a_refusal),
        cmocka_unit_test(a_403_of_the_siem_api_leads_to_the_tenants_portal),
        cmocka_unit_test(a_403_that_is_not_the_apis_is_not_about_consent),
        cmocka_unit_test(a_limit_of_the_page_size_is_read_from_the_text),
        cmocka_unit_test(a_400_of_somebody_else_is_no_refused_query),
        cmocka_unit_test(redirects_are_never_followed),
        cmocka_unit_test(anything_else_is_a_bad_answer),
        cmocka_unit_test(success_is_whole_or_partial),
        cmocka_unit_test(a_request_without_an_answer_names_the_trouble),
        cmocka_unit_test(texts_from_outside_are_tamed),
        cmocka_unit_test(error_bodies_of_any_shape_are_survived),
        cmocka_unit_test(every_code_has_a_verdict_and_an_instruction),
        cmocka_unit_test(without_a_known_code_the_error_decides),
        cmocka_unit_test(a_refusal_is_explained_in_the_credential_s_own_words),
        cmocka_unit_test(missing_consent_comes_with_the_tenant_s_consent_url),
        cmocka_unit_test(a_wrong_clock_is_measured),
        cmocka_unit_test(throttled_sign_in_may_come_as_plain_text),
        cmocka_unit_test(a_request_loop_is_left_for_minutes),
        cmocka_unit_test(a_busy_or_foreign_sign_in_service_passes),
        cmocka_unit_test(only_an_operator_ends_what_lasts),
    };
    return cmocka_run_group_tests(tests, make_settings, drop_settings);
}
