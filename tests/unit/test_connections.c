/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of connections: what is asked after a renewal shares no connection with what was asked before, and neither the
 * number of renewals nor that of pools follows the number of requests in trouble. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "api/connections.h"
#include "loopback.h"

#define START INT64_C(1000000) /* ms */

static struct loopback *server;
static struct imd_connections *connections;

struct asked {
    CURL *easy;
    struct imd_pool *pool;
};

static size_t take(char *bytes, size_t one, size_t length, void *context) {
    (void)bytes;
    (void)context;
    return one * length;
}

static struct asked ask(const char *path) {
    struct asked asked = {.easy = curl_easy_init()};
    assert_non_null(asked.easy);
    curl_easy_setopt(asked.easy, CURLOPT_URL, loopback_url(server, path));
    curl_easy_setopt(asked.easy, CURLOPT_PROXY, "");
    curl_easy_setopt(asked.easy, CURLOPT_WRITEFUNCTION, take);
    asked.pool = imd_connections_add(connections, asked.easy);
    assert_non_null(asked.pool);
    return asked;
}

static void drop(struct asked *asked) {
    imd_connections_remove(asked->pool, asked->easy);
    curl_easy_cleanup(asked->easy);
}

static int begin(void **state) {
    (void)state;
    server = loopback_start();
    connections = imd_connections_new(16);
    return connections ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    imd_connections_free(connections);
    loopback_stop(server);
    return 0;
}

/* --- */

static void connections_that_nobody_shares_are_not_renewed(void **state) {
    (void)state;
    struct asked first = ask("/hang");
    assert_false(imd_connections_renew(connections, first.pool, START));
    imd_pool_is_shared(first.pool);
    assert_true(imd_connections_renew(connections, first.pool, START));
    drop(&first);
}

static void what_is_asked_after_a_renewal_is_in_another_pool(void **state) {
    (void)state;
    struct asked first = ask("/hang");
    imd_pool_is_shared(first.pool);
    assert_true(imd_connections_renew(connections, first.pool, START));
    struct asked second = ask("/hang");
    assert_ptr_not_equal(first.pool, second.pool);
    imd_connections_tidy(connections);
    assert_int_equal(imd_connections_pools(connections), 2); /* the first one still has a request */
    drop(&first);
    imd_connections_tidy(connections);
    assert_int_equal(imd_connections_pools(connections), 1);
    drop(&second);
}

static void what_runs_in_an_older_pool_comes_to_its_end(void **state) {
    (void)state;
    struct asked first = ask("/large");
    imd_pool_is_shared(first.pool);
    assert_true(imd_connections_renew(connections, first.pool, START));
    struct asked second = ask("/large"), *asked[] = {&first, &second};
    for (int ended = 0, turns = 0; ended < 2; turns++) {
        CURLcode code = CURLE_AGAIN;
        assert_true(turns < 1000);
        imd_connections_run(connections, 100);
        for (CURL *easy; (easy = imd_connections_ended(connections, &code)); ended++) {
            curl_off_t bytes = 0;
            assert_true(easy == asked[0]->easy || easy == asked[1]->easy);
            assert_int_equal(code, CURLE_OK);
            curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
            assert_int_equal(bytes, 1 << 20);
        }
    }
    drop(&first);
    drop(&second);
}

/* Ten thousand tenants get a 503 at the same time. */
static void a_renewal_serves_everybody_for_a_while(void **state) {
    (void)state;
    struct asked first = ask("/hang");
    imd_pool_is_shared(first.pool);
    assert_true(imd_connections_renew(connections, first.pool, START));
    assert_false(imd_connections_renew(connections, first.pool, START + IMD_RENEW_AFTER_MS)); /* it was renewed already */
    struct asked second = ask("/hang");
    imd_pool_is_shared(second.pool);
    for (int64_t at = 0; at < IMD_RENEW_AFTER_MS; at++)
        assert_false(imd_connections_renew(connections, second.pool, START + at));
    assert_true(imd_connections_renew(connections, second.pool, START + IMD_RENEW_AFTER_MS));
    drop(&first);
    drop(&second);
}

static void pools_with_requests_that_do_not_end_are_not_heaped_up(void **state) {
    (void)state;
    struct asked asked[IMD_POOLS_MAX + 3];
    for (int i = 0; i < IMD_POOLS_MAX + 3; i++) {
        asked[i] = ask("/hang");
        imd_pool_is_shared(asked[i].pool);
        bool renewed = imd_connections_renew(connections, asked[i].pool, START + i * IMD_RENEW_AFTER_MS);
        assert_int_equal(renewed, i < IMD_POOLS_MAX - 1);
        imd_connections_tidy(connections);
    }
    assert_int_equal(imd_connections_pools(connections), IMD_POOLS_MAX);
    drop(&asked[0]); /* there is room again */
    imd_connections_tidy(connections);
    assert_true(imd_connections_renew(connections, asked[IMD_POOLS_MAX + 2].pool, START + 100 * IMD_RENEW_AFTER_MS));
    for (int i = 1; i < IMD_POOLS_MAX + 3; i++) drop(&asked[i]);
}

static void a_call_to_wake_ends_the_next_wait_whatever_was_renewed(void **state) {
    (void)state;
    struct asked first = ask("/hang");
    struct timespec before, after;
    imd_connections_wake(connections);
    imd_connections_wake(connections);
    imd_pool_is_shared(first.pool);
    assert_true(imd_connections_renew(connections, first.pool, START));
    drop(&first);
    clock_gettime(CLOCK_MONOTONIC, &before);
    imd_connections_run(connections, 20000);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 10);
    clock_gettime(CLOCK_MONOTONIC, &before);
    imd_connections_run(connections, 300); /* and only that one */
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 > 200);
}

/* It lies in the kernel when the network would be waited for, from where nothing else will come. */
static void an_answer_that_is_there_already_is_not_waited_for(void **state) {
    (void)state;
    struct asked asked = ask("/ok");
    struct timespec before, after, moment = {0, 100000000}; /* for the answer; one that comes later proves nothing */
    CURLcode result;
    while (loopback_requests(server) == 0) imd_connections_run(connections, 0);
    nanosleep(&moment, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    imd_connections_run(connections, 20000);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 10);
    assert_ptr_equal(imd_connections_ended(connections, &result), asked.easy);
    assert_int_equal(result, CURLE_OK);
    drop(&asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connections_that_nobody_shares_are_not_renewed, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_that_is_there_already_is_not_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(what_is_asked_after_a_renewal_is_in_another_pool, begin, end),
        cmocka_unit_test_setup_teardown(what_runs_in_an_older_pool_comes_to_its_end, begin, end),
        cmocka_unit_test_setup_teardown(a_renewal_serves_everybody_for_a_while, begin, end),
        cmocka_unit_test_setup_teardown(pools_with_requests_that_do_not_end_are_not_heaped_up, begin, end),
        cmocka_unit_test_setup_teardown(a_call_to_wake_ends_the_next_wait_whatever_was_renewed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
