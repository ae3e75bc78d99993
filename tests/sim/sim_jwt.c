/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of defender-sim. */
#include "sim_jwt.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const unsigned char *bytes, size_t length, struct graph_buffer *out) {
    for (size_t at = 0; at < length; at += 3) {
        uint32_t group = (uint32_t)bytes[at] << 16;
        size_t rest = length - at;
        group |= rest > 1 ? (uint32_t)bytes[at + 1] << 8 : 0;
        group |= rest > 2 ? bytes[at + 2] : 0;
        for (size_t i = 0; i < (rest > 2 ? 4 : rest + 1); i++) {
            graph_buffer_add(out, &alphabet[group >> (18 - 6 * i) & 63], 1);
        }
    }
}

static int digit(char c) {
    c = c == '+' ? '-' : c == '/' ? '_' : c;
    const char *place = c != '\0' ? strchr(alphabet, c) : NULL;
    return place != NULL ? (int)(place - alphabet) : -1;
}

char *sim_base64_decode(const char *text, size_t length) {
    while (length > 0 && text[length - 1] == '=') {
        length--;
    }
    char *out = graph_alloc(length + 1);
    size_t used = 0;
    uint32_t group = 0;
    for (size_t at = 0; at < length; at++) {
        int value = digit(text[at]);
        if (value < 0) {
            free(out);
            return NULL;
        }
        group = group << 6 | (uint32_t)value;
        if (at % 4 > 0) {
            out[used++] = (char)(group >> (6 - at % 4 * 2) & 0xFF);
        }
    }
    return out;
}

static void sign(const unsigned char key[32], const char *text, size_t length, struct graph_buffer *out) {
    unsigned char digest[32];
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, 32, text, length, digest) < 0) {
        abort();
    }
    encode(digest, sizeof digest, out);
}

void sim_jwt_sign(const unsigned char key[32], const char *claims, struct graph_buffer *out) {
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"defender-sim\"}";
    struct graph_buffer token = {0}, signature = {0};
    encode((const unsigned char *)header, strlen(header), &token);
    graph_buffer_text(&token, ".");
    encode((const unsigned char *)claims, strlen(claims), &token);
    sign(key, token.bytes, token.length, &signature);
    graph_buffer_print(out, "%s.%s", token.bytes, signature.bytes);
    graph_buffer_free(&token);
    graph_buffer_free(&signature);
}

struct json_object *sim_jwt_open(const unsigned char key[32], const char *token) {
    const char *first = strchr(token, '.'), *last = strrchr(token, '.');
    if (first == NULL || last == first) {
        return NULL;
    }
    struct graph_buffer signature = {0};
    sign(key, token, (size_t)(last - token), &signature);
    bool genuine = strcmp(signature.bytes, last + 1) == 0;
    graph_buffer_free(&signature);
    return genuine ? sim_jwt_claims(token) : NULL;
}

struct json_object *sim_jwt_claims(const char *token) {
    const char *first = strchr(token, '.'), *last = strrchr(token, '.');
    if (first == NULL || last == first) {
        return NULL;
    }
    char *claims = sim_base64_decode(first + 1, (size_t)(last - first - 1));
    struct json_object *object = claims != NULL ? json_tokener_parse(claims) : NULL;
    free(claims);
    return object;
}
