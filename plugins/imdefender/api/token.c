/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/json.h"
#include "../config/secret.h"

#define SECRET_MAX 65536
#define PAYLOAD_MAX 65536

bool
imd_token_url(struct imd_buffer *url, const struct imd_settings *settings)
{
    return imd_buffer_add_text(url, imd_settings_login_url(settings)) && imd_buffer_add_char(url, '/') &&
           imd_buffer_add_percent(url, settings->tenant_id) && imd_buffer_add_text(url, "/oauth2/v2.0/token");
}

/* The audience belongs to the cloud, also when apiUrl leads to a proxy. */
static const char *
audience_of(const struct imd_settings *settings, const struct imd_source *source)
{
    return source->api == IMD_API_GRAPH ? settings->cloud->graph_url : settings->cloud->endpoint_audience;
}

/* Encoded, one byte becomes three at most. Reserved, so that a growing buffer leaves no copy of it behind. */
static bool
put_secret(struct imd_buffer *form, const char *secret)
{
    static const char name[] = "&client_secret=";
    return imd_buffer_reserve(form, sizeof name + 3 * strlen(secret)) && imd_buffer_add_text(form, name) &&
           imd_buffer_add_percent(form, secret);
}

static int
add_secret(struct imd_buffer *form, const struct imd_settings *settings, struct imd_error *error)
{
    bool good;
    if (settings->client_secret_file) {
        struct imd_buffer secret;
        imd_buffer_init(&secret, SECRET_MAX);
        if (imd_secret_read(settings->client_secret_file, SECRET_MAX, &secret, error) < 0) {
            imd_buffer_wipe(&secret);
            imd_error_parameter(error, "clientSecretFile");
            return -1;
        }
        good = put_secret(form, secret.data);
        imd_buffer_wipe(&secret);
    } else {
        good = put_secret(form, settings->client_secret);
    }
    return good ? 0 : imd_error_set(error, "free memory", "no memory for the token request");
}

int
imd_token_form(struct imd_buffer *form, const struct imd_settings *settings, const struct imd_source *source,
               struct imd_error *error)
{
    struct imd_buffer scope;
    imd_buffer_init(&scope, 1024);
    bool good = imd_buffer_print(&scope, "%s/.default", audience_of(settings, source)) &&
                imd_buffer_add_text(form, "grant_type=client_credentials&client_id=") &&
                imd_buffer_add_percent(form, settings->client_id) && imd_buffer_add_text(form, "&scope=") &&
                imd_buffer_add_percent(form, scope.data);
    imd_buffer_free(&scope);
    if (!good) return imd_error_set(error, "free memory", "no memory for the token request");
    return add_secret(form, settings, error);
}

static int
base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* RFC 4648 section 5 without padding. The number of bytes, or 0 if it is none. `out` has 3/4 of the length. */
static size_t
decode_base64url(const char *text, size_t length, char *out)
{
    unsigned value = 0, bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < length && text[i] != '='; i++) {
        int digit = base64url_digit(text[i]);
        if (digit < 0) return 0;
        value = value << 6 | (unsigned)digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out[n++] = (char)(value >> bits);
    }
    return n;
}

/* Reads `tid` for the check that no customer's data goes to another; everything else in the token is not ours to read. */
static void
read_tenant(const char *jwt, char *out, size_t size)
{
    out[0] = 0;
    const char *start = strchr(jwt, '.');
    const char *end = start ? strchr(start + 1, '.') : NULL;
    if (!end || (size_t)(end - start) > PAYLOAD_MAX) return;
    size_t length = (size_t)(end - start) - 1;
    char *payload = malloc(length + 1);
    if (!payload) return;
    struct imd_json_value root = {payload, decode_base64url(start + 1, length, payload)}, tid;
    if (imd_json_valid(root.data, root.length, NULL) && imd_json_member(root, "tid", &tid) &&
        imd_json_string(tid, out, size) < 0)
        out[0] = 0;
    for (char *c = out; *c; c++) *c = (char)tolower((unsigned char)*c);
    free(payload);
}

static bool
is_header_safe(const char *text)
{
    for (; *text; text++)
        if (!isgraph((unsigned char)*text)) return false;
    return true;
}

int
imd_token_read(struct imd_token *token, const char *body, size_t length, struct imd_error *error)
{
    const char *remedy = "check loginUrl, proxy and network";
    struct imd_json_value root = {body, length}, value;
    memset(token, 0, sizeof *token);
    if (!imd_json_valid(body, length, NULL)) return imd_error_set(error, remedy, "the token answer is not JSON");
    while (root.length && isspace((unsigned char)*root.data)) root.data++, root.length--;
    if (!imd_json_member(root, "expires_in", &value) || !imd_json_integer(value, &token->lifetime) || token->lifetime < 1)
        return imd_error_set(error, remedy, "the token answer has no expires_in");
    if (token->lifetime > IMD_TOKEN_LIFETIME_MAX) token->lifetime = IMD_TOKEN_LIFETIME_MAX;
    char type[16] = "";
    if (!imd_json_member(root, "token_type", &value) || imd_json_string(value, type, sizeof type) < 0 ||
        strcasecmp(type, "Bearer") != 0)
        return imd_error_set(error, remedy, "the token answer is not of type Bearer");
    char *bearer = imd_json_member(root, "access_token", &value) ? imd_json_string_dup(value) : NULL;
    if (!bearer || !*bearer || !is_header_safe(bearer)) {
        free(bearer);
        return imd_error_set(error, remedy, "the token answer has no access_token");
    }
    read_tenant(bearer, token->tenant, sizeof token->tenant);
    if (asprintf(&token->authorization, "Authorization: Bearer %s", bearer) < 0) token->authorization = NULL;
    explicit_bzero(bearer, strlen(bearer));
    free(bearer);
    return token->authorization ? 0 : imd_error_set(error, "free memory", "no memory for a token");
}

void
imd_token_wipe(struct imd_token *token)
{
    if (token->authorization) explicit_bzero(token->authorization, strlen(token->authorization));
    free(token->authorization);
    memset(token, 0, sizeof *token);
}
