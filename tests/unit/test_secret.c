/* SPDX-License-Identifier: Apache-2.0 */
/* Where secrets may come from, and who else may be able to read them there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "config/secret.h"
#include "temporary.h"

#define HUSH "hu5h~never+printed/="

static const char *read_secret(const char *place, enum imd_secret_guard guard, struct imd_error *error) {
    static char text[256];
    struct imd_buffer secret;
    int result = imd_secret_read(place, guard, IMD_SECRET_MAX, &secret, error);

    assert_true(secret.secret);
    if (result == 0) strncpy(text, secret.data, sizeof text - 1);
    imd_buffer_wipe(&secret);
    return result == 0 ? text : NULL;
}

static void assert_refused(const char *place, const char *part) {
    struct imd_error error = {.what = ""};
    char text[2048];

    assert_null(read_secret(place, IMD_SECRET_PRIVATE, &error));
    imd_error_print(&error, NULL, text, sizeof text);
    if (strstr(text, part) == NULL) fail_msg("'%s' does not say '%s'", text, part);
    assert_null(strstr(text, HUSH));
    assert_true(error.remedy[0] != '\0');
}

static void a_place_is_a_path_a_credential_or_a_variable(void **state) {
    static const char *const good[] = {"/etc/secret", "credential:secret", "env:SECRET", "credential:a.b-c_1@x"};
    static const char *const bad[] = {"",      "secret",        "./secret",         "credential:",    "credential:../x",
                                      "env:",  "credential:a/b", "credential:.hidden", "env:A B",       "env:A=B",
                                      "ENV:A", "file:/etc/secret"};
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(imd_secret_is_place(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(imd_secret_is_place(bad[i]));
}

static void a_credential_of_systemd_is_a_file_of_its_directory(void **state) {
    struct imd_error error;
    (void)state;

    temporary_text("app-secret", HUSH "\n");
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_refused("credential:app-secret", "LoadCredential=");
    setenv("CREDENTIALS_DIRECTORY", temporary_folder(), 1);
    assert_string_equal(read_secret("credential:app-secret", IMD_SECRET_PRIVATE, &error), HUSH);
    assert_refused("credential:another", "No such file");
    setenv("CREDENTIALS_DIRECTORY", "relative", 1);
    assert_refused("credential:app-secret", "no credentials");
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void what_an_editor_adds_is_no_part_of_it(void **state) {
    static const char *const written[] = {HUSH, HUSH "\n", HUSH "\r\n", "\xEF\xBB\xBF" HUSH, "\xEF\xBB\xBF" HUSH "\r\n"};
    struct imd_error error;
    (void)state;

    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
        assert_string_equal(read_secret(temporary_text("edited", written[i]), IMD_SECRET_PRIVATE, &error), HUSH);
    assert_string_equal(read_secret(temporary_text("edited", " " HUSH "\n\n"), IMD_SECRET_PRIVATE, &error), " " HUSH "\n");
    assert_refused(temporary_text("edited", "\xEF\xBB\xBF\r\n"), "is empty");
}

static void a_variable_of_the_environment_is_read_each_time(void **state) {
    struct imd_error error;
    (void)state;

    setenv("IMD_TEST_SECRET", HUSH, 1);
    assert_string_equal(read_secret("env:IMD_TEST_SECRET", IMD_SECRET_PRIVATE, &error), HUSH);
    setenv("IMD_TEST_SECRET", "rotated", 1);
    assert_string_equal(read_secret("env:IMD_TEST_SECRET", IMD_SECRET_PRIVATE, &error), "rotated");
    setenv("IMD_TEST_SECRET", "", 1);
    assert_refused("env:IMD_TEST_SECRET", "is empty");
    unsetenv("IMD_TEST_SECRET");
    assert_refused("env:IMD_TEST_SECRET", "no environment variable 'IMD_TEST_SECRET'");
}

static void a_file_that_all_users_can_reach_is_refused(void **state) {
    const char *path = temporary_text("mode", HUSH);
    static const struct {
        mode_t mode;
        const char *refused; /* NULL: accepted */
    } modes[] = {{0600, NULL}, {0400, NULL},         {0640, NULL},           {0660, NULL},
                 {0644, "read"}, {0604, "read"}, {0602, "replace"}, {0666, "read"}};
    struct imd_error error;
    (void)state;

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i].mode), 0);
        if (modes[i].refused != NULL) assert_refused(path, modes[i].refused);
        if (modes[i].refused != NULL) assert_refused(path, "allowReadableSecrets");
        if (modes[i].refused == NULL) assert_string_equal(read_secret(path, IMD_SECRET_PRIVATE, &error), HUSH);
        assert_string_equal(read_secret(path, IMD_SECRET_ANY_MODE, &error), HUSH);
        assert_int_equal(imd_secret_is_for_group(path), (modes[i].mode & S_IRGRP) != 0);
    }
}

static void a_probe_says_the_same_as_reading(void **state) {
    struct imd_error error;
    (void)state;

    assert_int_equal(imd_secret_probe(temporary_text("probe", HUSH), IMD_SECRET_PRIVATE, IMD_SECRET_MAX, &error), 0);
    assert_int_equal(imd_secret_probe(temporary_path("none"), IMD_SECRET_PRIVATE, IMD_SECRET_MAX, &error), -1);
    assert_int_equal(imd_secret_probe(temporary_text("long", HUSH), IMD_SECRET_PRIVATE, 4, &error), -1);
    temporary_remove();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_a_path_a_credential_or_a_variable),
        cmocka_unit_test(a_credential_of_systemd_is_a_file_of_its_directory),
        cmocka_unit_test(what_an_editor_adds_is_no_part_of_it),
        cmocka_unit_test(a_variable_of_the_environment_is_read_each_time),
        cmocka_unit_test(a_file_that_all_users_can_reach_is_refused),
        cmocka_unit_test(a_probe_says_the_same_as_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
