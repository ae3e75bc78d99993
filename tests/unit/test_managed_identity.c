/* SPDX-License-Identifier: Apache-2.0 */
/* The four environments of a managed identity: how each is told, what is asked there, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "api/managed_identity.h"
#include "api/token.h"
#include "temporary.h"

#define GRAPH "https://graph.microsoft.com"
#define RESOURCE "&resource=https%3A%2F%2Fgraph.microsoft.com"
#define USER "22222222-2222-3333-4444-555555555555"

static const struct imd_identity_environment machine = {.arc_folder = "/nowhere"};
static const struct imd_identity_environment app_service = {
    .endpoint = "http://169.254.129.3:8081/msi/token", .header = "853b9a84-hush", .arc_folder = "/nowhere"};
static const struct imd_identity_environment fabric = {.endpoint = "https://10.0.0.4:2377/metadata/identity/oauth2/token",
                                                       .header = "912e4af7-hush",
                                                       .thumbprint = "1122334455667788990011223344556677889900",
                                                       .arc_folder = "/nowhere"};
static const struct imd_identity_environment arc = {.endpoint = "http://127.0.0.1:40342/metadata/identity/oauth2/token",
                                                    .imds_endpoint = "http://127.0.0.1:40342",
                                                    .arc_folder = "/nowhere"};

static void assert_asks(const struct imd_identity_environment *environment, const char *identity,
                        enum imd_identity_host host, const char *url, const char *header) {
    struct imd_identity_call call;
    struct imd_error error = {.what = ""};

    assert_int_equal(imd_identity_host_of(environment), host);
    if (imd_identity_call_make(&call, environment, identity, GRAPH, &error) != 0) fail_msg("%s", error.what);
    assert_int_equal(call.host, host);
    assert_string_equal(call.url.data, url);
    assert_string_equal(call.headers[0].data, header);
    assert_int_equal(call.headers[1].length, 0);
    assert_true(call.headers[0].secret);
    imd_identity_call_wipe(&call);
}

static void each_environment_is_asked_in_its_own_way(void **state) {
    (void)state;
    assert_asks(&machine, "system", IMD_HOST_IMDS,
                "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01" RESOURCE, "Metadata: true");
    assert_asks(&machine, USER, IMD_HOST_IMDS,
                "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01" RESOURCE "&client_id=" USER,
                "Metadata: true");
    assert_asks(&app_service, USER, IMD_HOST_APP_SERVICE,
                "http://169.254.129.3:8081/msi/token?api-version=2019-08-01" RESOURCE "&client_id=" USER,
                "X-IDENTITY-HEADER: 853b9a84-hush");
    assert_asks(&fabric, "system", IMD_HOST_SERVICE_FABRIC,
                "https://10.0.0.4:2377/metadata/identity/oauth2/token?api-version=2019-07-01-preview" RESOURCE,
                "Secret: 912e4af7-hush");
    assert_asks(&arc, "system", IMD_HOST_ARC,
                "http://127.0.0.1:40342/metadata/identity/oauth2/token?api-version=2020-06-01" RESOURCE, "Metadata: true");
}

static void arc_s_agent_alone_tells_arc(void **state) {
    const struct imd_identity_environment environment = {.has_arc_agent = true, .arc_folder = "/nowhere"};
    (void)state;

    assert_asks(&environment, "system", IMD_HOST_ARC,
                "http://127.0.0.1:40342/metadata/identity/oauth2/token?api-version=2020-06-01" RESOURCE, "Metadata: true");
}

static void the_environment_is_that_of_the_process(void **state) {
    struct imd_identity_environment environment;
    (void)state;

    setenv("IDENTITY_ENDPOINT", "http://localhost:1/x", 1);
    setenv("IDENTITY_HEADER", "", 1); /* as if it were not there */
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9", 1);
    imd_identity_environment_read(&environment);
    assert_string_equal(environment.endpoint, "http://localhost:1/x");
    assert_null(environment.header);
    assert_string_equal(environment.imds_authority, "http://127.0.0.1:9");
    assert_string_equal(environment.arc_folder, "/var/opt/azcmagent/tokens");
    unsetenv("IDENTITY_ENDPOINT");
    unsetenv("IDENTITY_HEADER");
    unsetenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
}

static void assert_not_asked(struct imd_identity_environment environment, const char *identity, const char *part) {
    struct imd_identity_call call;
    struct imd_error error = {.what = ""};

    assert_int_equal(imd_identity_call_make(&call, &environment, identity, GRAPH, &error), -1);
    if (strstr(error.what, part) == NULL) fail_msg("'%s' does not say '%s'", error.what, part);
    assert_null(strstr(error.what, "hush"));
    imd_identity_call_wipe(&call);
}

static void nothing_is_asked_in_clear_text_outside_this_machine(void **state) {
    static const char *const endpoints[] = {"http://example.com/msi", "http://10.0.0.1/msi",       "ftp://127.0.0.1/",
                                            "http://169.254.1.1@example.com/", "http://169.254.1.1.example.com/msi", "x"};
    (void)state;

    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        struct imd_identity_environment environment = app_service;
        environment.endpoint = endpoints[i];
        assert_not_asked(environment, "system", "cannot be used");
    }
}

static void what_an_environment_cannot_do_is_told(void **state) {
    struct imd_identity_environment environment = app_service;
    (void)state;

    assert_not_asked(fabric, USER, "Service Fabric does not let an application choose");
    environment.header = "a\r\nX-Evil: hush";
    assert_not_asked(environment, "system", "IDENTITY_HEADER is malformed");
}

/* --- Arc's challenge --- */

static const char *proof(const char *challenge, struct imd_error *error) {
    static char header[5000];
    struct imd_identity_call call;
    struct imd_identity_environment environment = arc;

    environment.arc_folder = temporary_folder();
    assert_int_equal(imd_identity_call_make(&call, &environment, "system", GRAPH, error), 0);
    int result = imd_identity_call_prove(&call, challenge, environment.arc_folder, error);
    if (result == 0) strncpy(header, call.headers[1].data, sizeof header - 1);
    imd_identity_call_wipe(&call);
    return result == 0 ? header : NULL;
}

static void assert_not_proved(const char *challenge, const char *part) {
    struct imd_error error = {.what = ""};
    assert_null(proof(challenge, &error));
    if (strstr(error.what, part) == NULL) fail_msg("%s: '%s' does not say '%s'", challenge, error.what, part);
    assert_null(strstr(error.what, "hush"));
}

static const char *realm(const char *path) {
    static char text[700];
    snprintf(text, sizeof text, "Basic realm=%s", path);
    return text;
}

static void arc_s_challenge_is_answered_with_the_file_it_names(void **state) {
    struct imd_error error = {.what = ""};
    char quoted[700];
    (void)state;

    const char *path = temporary_text("1234.key", "c2VjcmV0LWh1c2g=\n");
    assert_string_equal(proof(realm(path), &error), "Authorization: Basic c2VjcmV0LWh1c2g=");
    snprintf(quoted, sizeof quoted, "basic realm=\"%s\"", path);
    assert_string_equal(proof(quoted, &error), "Authorization: Basic c2VjcmV0LWh1c2g=");
}

/* Whoever answers at that port could otherwise have any file of this machine sent to it. */
static void no_other_file_is_ever_sent(void **state) {
    char path[600], large[5000];
    (void)state;

    temporary_text("plain.txt", "hush");
    assert_not_proved(realm(temporary_path("plain.txt")), "does not end in .key");
    assert_not_proved(realm("/etc/shadow.key"), "outside");
    snprintf(path, sizeof path, "%s/../x.key", temporary_folder());
    assert_not_proved(realm(path), "outside");
    snprintf(path, sizeof path, "%s/sub/x.key", temporary_folder());
    assert_not_proved(realm(path), "outside");
    snprintf(path, sizeof path, "%s-x/x.key", temporary_folder());
    assert_not_proved(realm(path), "outside");
    snprintf(path, sizeof path, "%s/..key", temporary_folder());
    assert_not_proved(realm(path), "outside");
    assert_not_proved(realm("relative.key"), "outside");
    assert_int_equal(symlink(temporary_path("plain.txt"), temporary_path("link.key")), 0);
    assert_not_proved(realm(temporary_path("link.key")), "cannot open");
    memset(large, 'h', sizeof large);
    assert_not_proved(realm(temporary_write("large.key", large, IMD_ARC_KEY_MAX + 1)), "1 to 4096 bytes");
    assert_not_proved(realm(temporary_text("empty.key", "")), "1 to 4096 bytes");
    assert_not_proved(realm(temporary_text("two.key", "hush\r\nX-Evil: 1\n")), "does not hold a line of text");
    assert_not_proved(realm(temporary_path("absent.key")), "cannot open");
    assert_not_proved("Bearer realm=x", "without the challenge");
    assert_not_proved("", "without the challenge");
    temporary_remove();
}

/* --- answers --- */

static void times_may_be_numbers_strings_or_a_point_in_time(void **state) {
    static const struct {
        const char *body;
        int64_t lifetime;
    } answers[] = {
        {"{\"access_token\":\"t\",\"expires_in\":\"86399\",\"expires_on\":\"1\",\"not_before\":\"1\",\"resource\":\"x\","
         "\"token_type\":\"Bearer\",\"refresh_token\":\"\"}",
         86399},
        {"{\"access_token\":\"t\",\"expires_on\":\"1764003600\",\"resource\":\"x\",\"token_type\":\"Bearer\"}", 3600},
        {"{\"access_token\":\"t\",\"expires_on\":1764003600,\"token_type\":\"Bearer\"}", 3600},
        {"{\"access_token\":\"t\",\"expires_in\":7200,\"token_type\":\"bearer\"}", 7200},
    };
    (void)state;

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct imd_token token;
        struct imd_error error;
        assert_int_equal(imd_token_read(&token, answers[i].body, strlen(answers[i].body), 1764000000, &error), 0);
        assert_int_equal(token.lifetime, answers[i].lifetime);
        assert_null(token.refresh_token);
        imd_token_wipe(&token);
        assert_int_equal(imd_token_read(&token, answers[i].body, strlen(answers[i].body), 1764000000, &error), 0);
        imd_token_wipe(&token);
    }
    const char *past = "{\"access_token\":\"t\",\"expires_on\":\"1763999999\",\"token_type\":\"Bearer\"}";
    struct imd_token token;
    assert_int_equal(imd_token_read(&token, past, strlen(past), 1764000000, NULL), -1);
}

static enum imd_verdict verdict(enum imd_identity_host host, int status, const char *body, const char *part) {
    struct imd_response response = {.status = status, .date = IMD_TIME_NONE};
    struct imd_judgement judgement;

    imd_identity_judge(host, &response, body, strlen(body), 0, &judgement);
    if (strstr(judgement.reason, part) == NULL) fail_msg("'%s' does not say '%s'", judgement.reason, part);
    assert_true(judgement.action[0] != '\0');
    return judgement.verdict;
}

static void errors_pass_or_last_as_documented(void **state) {
    static const int passing[] = {404, 410, 429, 500, 503};
    (void)state;

    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        assert_false(imd_verdict_is_lasting(verdict(IMD_HOST_IMDS, passing[i], "", "cannot give a token now")));
    }
    assert_int_equal(verdict(IMD_HOST_IMDS, 429, "", "HTTP 429"), IMD_VERDICT_THROTTLED);
    assert_int_equal(verdict(IMD_HOST_IMDS, 400, "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}",
                             "HTTP 400 invalid_request"),
                     IMD_VERDICT_CREDENTIAL);
    assert_int_equal(verdict(IMD_HOST_APP_SERVICE, 404, "", "App Service"), IMD_VERDICT_CREDENTIAL);
    assert_int_equal(verdict(IMD_HOST_ARC, 403, "<html>", "Azure Arc"), IMD_VERDICT_CREDENTIAL);
    assert_int_equal(verdict(IMD_HOST_IMDS, 302, "", "not an answer"), IMD_VERDICT_BAD_ANSWER);
    assert_int_equal(verdict(IMD_HOST_IMDS, 400, "{\"error\":\"line\\nbreak\"}", "HTTP 400: "), IMD_VERDICT_CREDENTIAL);
}

static void silence_asks_whether_there_is_an_identity(void **state) {
    struct imd_response response = {.failure = IMD_FAILURE_TIMEOUT, .failure_text = "no answer", .date = IMD_TIME_NONE};
    struct imd_judgement judgement;
    (void)state;

    imd_identity_judge(IMD_HOST_IMDS, &response, "", 0, 0, &judgement);
    assert_int_equal(judgement.verdict, IMD_VERDICT_UNREACHABLE);
    assert_non_null(strstr(judgement.action, "has a managed identity"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_environment_is_asked_in_its_own_way),
        cmocka_unit_test(arc_s_agent_alone_tells_arc),
        cmocka_unit_test(the_environment_is_that_of_the_process),
        cmocka_unit_test(nothing_is_asked_in_clear_text_outside_this_machine),
        cmocka_unit_test(what_an_environment_cannot_do_is_told),
        cmocka_unit_test(arc_s_challenge_is_answered_with_the_file_it_names),
        cmocka_unit_test(no_other_file_is_ever_sent),
        cmocka_unit_test(times_may_be_numbers_strings_or_a_point_in_time),
        cmocka_unit_test(errors_pass_or_last_as_documented),
        cmocka_unit_test(silence_asks_whether_there_is_an_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
