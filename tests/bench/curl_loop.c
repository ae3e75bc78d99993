/* SPDX-License-Identifier: Apache-2.0 */
/* What polling costs at least: a bare curl_multi loop that sends the same requests at the same times.
 *
 * usage: curl_loop CA URL TENANTS TOKEN-BYTES SECONDS
 * TENANTS requests a second, evenly spread, each with the headers of imdefender and a token of its tenant. Handles and
 * the connection are reused; the answers are thrown away. Prints the number of requests answered with 200. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HANDLES 256

struct loop {
    CURLM *multi;
    CURL *idle[HANDLES];
    unsigned idle_count;
    const char *ca, *base;
    size_t tenants, token_bytes;
    char **authorizations;
    unsigned long good;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t discard(char *bytes, size_t one, size_t length, void *context) {
    (void)bytes;
    (void)one;
    (void)context;
    return length;
}

static void fail(const char *what) {
    fprintf(stderr, "curl_loop: %s\n", what);
    exit(1);
}

static char *authorization(size_t tenant, size_t token_bytes) {
    char head[128];
    int length = snprintf(head, sizeof head, "Authorization: Bearer tenant-00000000-0000-0000-0000-%012zu-", tenant + 1);
    size_t size = token_bytes + sizeof "Authorization: Bearer ";
    char *text = malloc(size);
    if (!text || size <= (size_t)length) fail("no memory, or the token is too short");
    memset(text, 'x', size - 1);
    memcpy(text, head, (size_t)length);
    text[size - 1] = 0;
    return text;
}

static CURL *take_handle(struct loop *loop) {
    if (loop->idle_count) return loop->idle[--loop->idle_count];
    CURL *easy = curl_easy_init();
    if (!easy) fail("no memory");
    curl_easy_setopt(easy, CURLOPT_CAINFO, loop->ca);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "imdefender/0");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    return easy;
}

static void start(struct loop *loop, unsigned long number) {
    CURL *easy = take_handle(loop);
    char url[512], id[80];
    time_t from = time(NULL) - 1800;
    struct tm parts;
    gmtime_r(&from, &parts);
    snprintf(url, sizeof url, "%s/v1.0/security/alerts_v2?$top=1000&$filter=lastUpdateDateTime%%20ge%%20%04d-%02d-%02dT%02d"
             "%%3A%02d%%3A%02dZ&$orderby=lastUpdateDateTime%%20asc", loop->base, parts.tm_year + 1900, parts.tm_mon + 1,
             parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    snprintf(id, sizeof id, "client-request-id: %08lx-0000-4000-8000-%012lx", number & 0xffffffff, number);
    struct curl_slist *headers = curl_slist_append(NULL, loop->authorizations[number % loop->tenants]);
    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "Prefer: include-unknown-enum-members");
    headers = curl_slist_append(headers, id);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, headers);
    curl_multi_add_handle(loop->multi, easy);
}

static void finish(struct loop *loop, CURL *easy, CURLcode code) {
    struct curl_slist *headers = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &headers);
    loop->good += code == CURLE_OK && status == 200;
    curl_multi_remove_handle(loop->multi, easy);
    curl_slist_free_all(headers);
    if (loop->idle_count < HANDLES)
        loop->idle[loop->idle_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

static void run(struct loop *loop, double seconds) {
    double begin = now(), until = begin + seconds, step = 1.0 / (double)loop->tenants;
    unsigned long sent = 0;
    for (double time = begin; time < until; time = now()) {
        int running, left;
        for (; begin + (double)sent * step <= time; sent++) start(loop, sent);
        curl_multi_perform(loop->multi, &running);
        double wait = begin + (double)sent * step - now();
        curl_multi_poll(loop->multi, NULL, 0, wait > 0 ? (int)(wait * 1000) + 1 : 0, NULL);
        curl_multi_perform(loop->multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left));)
            finish(loop, message->easy_handle, message->data.result);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) fail("usage: curl_loop CA URL TENANTS TOKEN-BYTES SECONDS");
    struct loop loop = {.ca = argv[1], .base = argv[2], .tenants = strtoul(argv[3], NULL, 10),
                        .token_bytes = strtoul(argv[4], NULL, 10)};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    loop.multi = curl_multi_init();
    loop.authorizations = calloc(loop.tenants, sizeof *loop.authorizations);
    if (!loop.multi || !loop.authorizations || !loop.tenants) fail("no memory, or no tenants");
    for (size_t i = 0; i < loop.tenants; i++) loop.authorizations[i] = authorization(i, loop.token_bytes);
    run(&loop, strtod(argv[5], NULL));
    printf("%lu\n", loop.good);
    return 0;
}
