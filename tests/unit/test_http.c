/* SPDX-License-Identifier: Apache-2.0 */
/* The transport on libcurl against a server that misbehaves: every request ends, once, with what happened to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <pthread.h>

#include <cmocka.h>

#include "api/transport.h"
#include "base/buffer.h"
#include "loopback.h"
#include "settings_support.h"

static struct loopback *server;
static struct imd_transport *http;
static struct imd_settings *hasty, *patient; /* give up after one second, and after twenty */

/* A request and what came of it. */
struct probe {
    struct imd_request request;
    bool hasty;
    struct imd_buffer body;
    unsigned done, chunks;
    enum imd_flow flow;             /* the answer to the next chunk */
    struct probe *cancels, *starts; /* when it is done */
    char url[300];
};

static enum imd_flow on_data(struct imd_request *request, const char *bytes, size_t length) {
    struct probe *probe = request->context;
    assert_int_not_equal(request->response.status, 0);
    probe->chunks++;
    if (probe->flow == IMD_FLOW_CONTINUE) assert_true(imd_buffer_add(&probe->body, bytes, length));
    return probe->flow;
}

static void start(struct probe *probe, const char *url);

static void on_done(struct imd_request *request) {
    struct probe *probe = request->context;
    probe->done++;
    assert_null(request->handle);
    if (probe->cancels) http->operations->cancel(http, &probe->cancels->request);
    if (probe->starts) {
        struct probe *next = probe->starts;
        probe->starts = NULL;
        start(next, next->url);
    }
}

static void start(struct probe *probe, const char *url) {
    snprintf(probe->url, sizeof probe->url, "%s", url);
    probe->body.length = 0;
    if (!probe->body.maximum) imd_buffer_init(&probe->body, 4 << 20);
    probe->request.settings = probe->hasty ? hasty : patient;
    probe->request.url = probe->url;
    probe->request.context = probe;
    probe->request.data = on_data;
    probe->request.done = on_done;
    http->operations->start(http, &probe->request);
    assert_non_null(probe->request.handle);
}

static int64_t now(void) {
    return http->operations->monotonic(http);
}

static void run_for(int64_t ms) {
    int64_t until = now() + ms;
    while (now() < until) http->operations->poll(http, 20);
}

/* Until it is done; the tests' own deadline is generous. */
static void finish(struct probe *probe) {
    int64_t until = now() + 30000;
    while (!probe->done && now() < until) http->operations->poll(http, 100);
    assert_int_equal(probe->done, 1);
}

static void drop(struct probe *probe) {
    imd_buffer_free(&probe->body);
}

static struct probe get_within(const char *path, bool in_haste) {
    struct probe probe = {.hasty = in_haste};
    start(&probe, loopback_url(server, path));
    finish(&probe);
    return probe;
}

static struct probe get(const char *path) {
    return get_within(path, false);
}

static int begin(void **state) {
    (void)state;
    struct imd_error error;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    server = loopback_start();
    hasty = settings_with("requestTimeout", "1", "connectTimeout", "1", NULL);
    patient = settings_with("requestTimeout", "20", NULL);
    http = imd_http_new(16, NULL, &error);
    return http ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    http->operations->free(http);
    imd_settings_release(hasty);
    imd_settings_release(patient);
    loopback_stop(server);
    return 0;
}

/* --- what is sent --- */

static void only_what_is_in_the_request_is_sent(void **state) {
    (void)state;
    struct probe probe = {0};
    probe.request.headers[0] = "Authorization: Bearer t";
    probe.request.headers[1] = "client-request-id: 7";
    start(&probe, loopback_url(server, "/echo"));
    finish(&probe);
    assert_int_equal(probe.request.response.status, 200);
    assert_non_null(strstr(probe.body.data, "GET /echo HTTP/1.1\r\n"));
    assert_non_null(strstr(probe.body.data, "Authorization: Bearer t\r\n"));
    assert_non_null(strstr(probe.body.data, "client-request-id: 7\r\n"));
    assert_non_null(strstr(probe.body.data, "User-Agent: imdefender/" IMD_VERSION "\r\n"));
    assert_non_null(strstr(probe.body.data, "Accept-Encoding: gzip\r\n"));
    drop(&probe);
}

static void a_body_makes_it_a_form(void **state) {
    (void)state;
    struct probe probe = {0};
    probe.request.body = "a=1&b=%2B";
    probe.request.body_length = 9;
    start(&probe, loopback_url(server, "/echo"));
    finish(&probe);
    assert_non_null(strstr(probe.body.data, "POST /echo HTTP/1.1\r\n"));
    assert_non_null(strstr(probe.body.data, "application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(probe.body.data, "\r\n\r\na=1&b=%2B"));
    drop(&probe);
}

/* A handle that is used again carries nothing over. */
static void nothing_of_a_request_is_left_for_the_next(void **state) {
    (void)state;
    struct probe first = {0};
    first.request.headers[0] = "Authorization: Bearer old";
    first.request.body = "secret";
    first.request.body_length = 6;
    start(&first, loopback_url(server, "/echo"));
    finish(&first);
    struct probe second = get("/echo");
    assert_non_null(strstr(second.body.data, "GET /echo"));
    assert_null(strstr(second.body.data, "Bearer"));
    assert_null(strstr(second.body.data, "secret"));
    drop(&first);
    drop(&second);
}

/* --- what is read --- */

static void headers_are_read_in_any_case(void **state) {
    (void)state;
    struct probe probe = get("/ok");
    const struct imd_response *response = &probe.request.response;
    assert_int_equal(response->status, 200);
    assert_int_equal(response->failure, IMD_FAILURE_NONE);
    assert_string_equal(response->content_type, "application/json");
    assert_string_equal(response->request_id, "4711");
    assert_string_equal(response->warning, "199 - \"a/b/504/9\"");
    assert_string_equal(response->retry_after, "17");
    assert_true(response->date == INT64_C(17672256070000000));
    assert_int_equal(response->bytes, 2);
    assert_string_equal(probe.body.data, "{}");
    drop(&probe);
    probe = get("/404");
    assert_int_equal(probe.request.response.status, 404);
    assert_true(probe.request.response.date == IMD_TIME_NONE);
    assert_string_equal(probe.request.response.retry_after, "");
    drop(&probe);
}

static void a_compressed_body_arrives_unpacked(void **state) {
    (void)state;
    struct probe probe = get("/gzip");
    assert_string_equal(probe.body.data, "{\"value\":[\"unpacked\"]}");
    assert_int_equal(probe.request.response.bytes, 42); /* as transferred */
    drop(&probe);
}

static void a_redirect_is_an_answer_and_nothing_else(void **state) {
    (void)state;
    struct probe probe = get("/redirect");
    assert_int_equal(probe.request.response.status, 302);
    run_for(200);
    assert_int_equal(loopback_moved(server), 0);
    drop(&probe);
}

/* --- trouble --- */

static void fails(const char *path, enum imd_failure failure) {
    struct probe probe = get_within(path, failure == IMD_FAILURE_TIMEOUT);
    if (probe.request.response.failure != failure)
        fail_msg("%s: failure %d (%s) instead of %d", path, (int)probe.request.response.failure,
                 probe.request.response.failure_text, (int)failure);
    assert_true(probe.request.response.failure_text[0]);
    drop(&probe);
}

static void a_body_that_breaks_off_is_no_answer(void **state) {
    (void)state;
    fails("/truncated", IMD_FAILURE_BROKEN);
    fails("/reset", IMD_FAILURE_BROKEN);
    fails("/empty", IMD_FAILURE_BROKEN);
    fails("/garbage", IMD_FAILURE_BROKEN);
}

static void a_request_ends_at_its_deadline(void **state) {
    (void)state;
    static const char *const paths[] = {"/hang", "/drip"};
    for (size_t i = 0; i < 2; i++) {
        int64_t began = now();
        fails(paths[i], IMD_FAILURE_TIMEOUT);
        assert_in_range(now() - began, 990, 10000);
    }
}

static void no_connection_is_told_from_no_answer(void **state) {
    (void)state;
    struct probe probe = {0};
    start(&probe, "http://127.0.0.1:1/");
    finish(&probe);
    assert_int_equal(probe.request.response.failure, IMD_FAILURE_CONNECT);
    assert_int_equal(probe.request.response.status, 0);
    drop(&probe);
    memset(&probe, 0, sizeof probe);
    char url[60];
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", loopback_port(server)); /* no TLS there */
    start(&probe, url);
    finish(&probe);
    assert_int_equal(probe.request.response.failure, IMD_FAILURE_TLS);
    drop(&probe);
}

static void what_cannot_be_asked_fails_after_start_has_returned(void **state) {
    (void)state;
    static const char *const urls[] = {"", "ht!tp://x", "file:///etc/passwd", "ftp://127.0.0.1/", "http://"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct probe probe = {0};
        start(&probe, urls[i]);
        assert_int_equal(probe.done, 0);
        finish(&probe);
        assert_int_not_equal(probe.request.response.failure, IMD_FAILURE_NONE);
        assert_int_equal(probe.chunks, 0);
        drop(&probe);
    }
}

/* --- flow --- */

static void the_receiver_may_stop(void **state) {
    (void)state;
    struct probe probe = {.flow = IMD_FLOW_STOP};
    start(&probe, loopback_url(server, "/large"));
    finish(&probe);
    assert_int_equal(probe.request.response.failure, IMD_FAILURE_STOPPED);
    assert_int_equal(probe.request.response.status, 200);
    assert_int_equal(probe.chunks, 1);
    drop(&probe);
}

static void a_pause_takes_nothing_and_does_not_count(void **state) {
    (void)state;
    struct probe probe = {.flow = IMD_FLOW_PAUSE, .hasty = true};
    start(&probe, loopback_url(server, "/large"));
    run_for(1600); /* longer than the deadline */
    assert_int_equal(probe.done, 0);
    assert_true(probe.request.paused);
    assert_int_equal(probe.body.length, 0);
    probe.flow = IMD_FLOW_CONTINUE;
    http->operations->resume(http, &probe.request);
    assert_false(probe.request.paused);
    finish(&probe);
    assert_int_equal(probe.request.response.failure, IMD_FAILURE_NONE);
    assert_int_equal(probe.body.length, 1 << 20);
    drop(&probe);
}

static void a_transfer_can_be_paused_again_and_again(void **state) {
    (void)state;
    struct probe probe = {.flow = IMD_FLOW_PAUSE};
    start(&probe, loopback_url(server, "/large"));
    for (int i = 0; i < 20; i++) {
        run_for(5);
        http->operations->resume(http, &probe.request); /* paused anew from within */
    }
    probe.flow = IMD_FLOW_CONTINUE;
    run_for(20);
    http->operations->resume(http, &probe.request);
    finish(&probe);
    assert_int_equal(probe.body.length, 1 << 20);
    drop(&probe);
}

static void a_cancelled_request_is_heard_of_no_more(void **state) {
    (void)state;
    static const char *const paths[] = {"/ok", "/hang", "/large", "/drip"};
    struct probe probes[4] = {{.done = 0}};
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 4; i++) {
            unsigned chunks;
            start(&probes[i], loopback_url(server, paths[i]));
            if (round == 1) run_for(30);
            if (round == 2 && i > 1) {
                probes[i].flow = IMD_FLOW_PAUSE;
                run_for(30);
            }
            if (!probes[i].request.handle) continue; /* /ok was faster */
            http->operations->cancel(http, &probes[i].request);
            assert_null(probes[i].request.handle);
            probes[i].done = 0;
            chunks = probes[i].chunks;
            run_for(60);
            assert_int_equal(probes[i].done, 0);
            assert_int_equal(probes[i].chunks, chunks);
            http->operations->cancel(http, &probes[i].request); /* harmless */
        }
    struct probe bad = {0};
    start(&bad, "file:///x"); /* one that could not be started */
    http->operations->cancel(http, &bad.request);
    run_for(30);
    assert_int_equal(bad.done, 0);
    for (size_t i = 0; i < 4; i++) drop(&probes[i]);
    drop(&bad);
}

static void done_may_cancel_and_start(void **state) {
    (void)state;
    struct probe hanging = {.hasty = true}, second = {0}, first = {.cancels = &hanging, .starts = &second};
    snprintf(second.url, sizeof second.url, "%s", loopback_url(server, "/ok"));
    start(&hanging, loopback_url(server, "/hang"));
    start(&first, loopback_url(server, "/ok"));
    finish(&second);
    assert_int_equal(first.done, 1);
    run_for(1300);
    assert_int_equal(hanging.done, 0); /* past its deadline */
    /* all overdue at once, one of them cancelling another */
    struct probe third = {.hasty = true}, fourth = {.hasty = true, .cancels = &third};
    struct probe fifth = {.hasty = true, .cancels = &fourth};
    start(&third, loopback_url(server, "/hang"));
    start(&fourth, loopback_url(server, "/hang"));
    start(&fifth, loopback_url(server, "/hang"));
    run_for(1300);
    assert_true(third.done + fourth.done + fifth.done >= 1);
    assert_null(third.request.handle);
    assert_null(fourth.request.handle);
    assert_null(fifth.request.handle);
    drop(&hanging), drop(&first), drop(&second), drop(&third), drop(&fourth), drop(&fifth);
}

static void many_run_side_by_side(void **state) {
    (void)state;
    struct probe hanging[8] = {{.done = 0}}, quick = {0};
    for (size_t i = 0; i < 8; i++) start(&hanging[i], loopback_url(server, "/hang"));
    start(&quick, loopback_url(server, "/ok"));
    finish(&quick);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(hanging[i].done, 0);
        http->operations->cancel(http, &hanging[i].request);
        drop(&hanging[i]);
    }
    drop(&quick);
}

/* --- threads, end --- */

static void *wake_soon(void *context) {
    (void)context;
    const struct timespec time = {0, 100000000};
    nanosleep(&time, NULL);
    http->operations->wake(http);
    return NULL;
}

static void another_thread_ends_a_wait(void **state) {
    (void)state;
    pthread_t thread;
    int64_t began = now();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, NULL), 0);
    http->operations->poll(http, 8000);
    assert_true(now() - began < 4000);
    pthread_join(thread, NULL);
}

static void requests_under_way_may_be_left_at_the_end(void **state) {
    struct probe probes[3] = {{.done = 0}};
    start(&probes[0], loopback_url(server, "/hang"));
    start(&probes[1], loopback_url(server, "/drip"));
    run_for(100);
    start(&probes[2], "file:///x");
    end(state); /* frees the transport */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(probes[i].done, 0);
        drop(&probes[i]);
    }
    begin(state);
}

/* --- origins --- */

static void an_origin_is_scheme_host_and_port(void **state) {
    (void)state;
    static const struct {
        bool same;
        const char *url, *base;
    } cases[] = {
        {true, "https://graph.example/v1.0/x?$skiptoken=a", "https://graph.example"},
        {true, "https://graph.example:443/", "https://graph.example"},
        {true, "https://graph.example", "https://graph.example:443/base"},
        {true, "HTTPS://GRAPH.Example/", "https://graph.example"},
        {true, "http://127.0.0.1:8080/x", "http://127.0.0.1:8080"},
        {true, "http://[::1]:80/x", "http://[::1]"},
        {false, "http://graph.example/", "https://graph.example"},
        {false, "http://graph.example:443/", "https://graph.example"},
        {false, "https://graph.example:8443/", "https://graph.example"},
        {false, "https://graph.example.evil.example/", "https://graph.example"},
        {false, "https://evil.example/https://graph.example", "https://graph.example"},
        {false, "https://graph.example@evil.example/", "https://graph.example"},
        {false, "https://graph.example:443@evil.example/", "https://graph.example"},
        {false, "https://user@graph.example/", "https://graph.example"},
        {false, "https://user:password@graph.example/", "https://graph.example"},
        {false, "https://graph.example./", "https://graph.example"},
        {false, "https://graph.example\\@evil.example/", "https://graph.example"},
        {false, "https://evil.example\\graph.example/", "https://graph.example"},
        {false, "https://graph.example\r\nX: y/", "https://graph.example"},
        {false, "//graph.example/x", "https://graph.example"},
        {false, "/v1.0/x", "https://graph.example"},
        {false, "graph.example/x", "https://graph.example"},
        {false, "file:///x", "file:///x"},
        {false, "", "https://graph.example"},
        {false, "https://graph.example/", ""},
        {false, "https:graph.example", "https://graph.example"},
        {false, "https://graph.example:99999/", "https://graph.example"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (imd_url_same_origin(cases[i].url, cases[i].base) != cases[i].same)
            fail_msg("%s and %s: expected %d", cases[i].url, cases[i].base, cases[i].same);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_in_the_request_is_sent),
        cmocka_unit_test(a_body_makes_it_a_form),
        cmocka_unit_test(nothing_of_a_request_is_left_for_the_next),
        cmocka_unit_test(headers_are_read_in_any_case),
        cmocka_unit_test(a_compressed_body_arrives_unpacked),
        cmocka_unit_test(a_redirect_is_an_answer_and_nothing_else),
        cmocka_unit_test(a_body_that_breaks_off_is_no_answer),
        cmocka_unit_test(a_request_ends_at_its_deadline),
        cmocka_unit_test(no_connection_is_told_from_no_answer),
        cmocka_unit_test(what_cannot_be_asked_fails_after_start_has_returned),
        cmocka_unit_test(the_receiver_may_stop),
        cmocka_unit_test(a_pause_takes_nothing_and_does_not_count),
        cmocka_unit_test(a_transfer_can_be_paused_again_and_again),
        cmocka_unit_test(a_cancelled_request_is_heard_of_no_more),
        cmocka_unit_test(done_may_cancel_and_start),
        cmocka_unit_test(many_run_side_by_side),
        cmocka_unit_test(another_thread_ends_a_wait),
        cmocka_unit_test(requests_under_way_may_be_left_at_the_end),
        cmocka_unit_test(an_origin_is_scheme_host_and_port),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
