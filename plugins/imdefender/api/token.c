/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "../base/base64url.h"
#include "../base/json.h"
#include "../base/secret_memory.h"

#define PAYLOAD_MAX 65536
#define BEARER "Authorization: Bearer "
#define REMEDY "check loginUrl, proxy and network"

/* --- the request --- */

/* The SIEM API was made for tokens of the v1 endpoint, whose form has a resource in place of a scope. */
static bool is_v1(const struct imd_source *source) {
    return source->api == IMD_API_SIEM;
}

bool imd_token_url(struct imd_buffer *url, const struct imd_settings *settings, const struct imd_source *source) {
    return imd_buffer_add_text(url, imd_settings_login_url(settings)) && imd_buffer_add_char(url, '/') &&
           imd_buffer_add_percent(url, settings->tenant_id) &&
           imd_buffer_add_text(url, is_v1(source) ? "/oauth2/token" : "/oauth2/v2.0/token");
}

static bool add_target(struct imd_buffer *form, const struct imd_token_request *request) {
    const char *audience = imd_credential_audience(request->settings, request->source);
    struct imd_buffer scope;

    if (is_v1(request->source)) return imd_buffer_add_text(form, "&resource=") && imd_buffer_add_percent(form, audience);
    imd_buffer_init(&scope, 1024);
    bool good = imd_buffer_print(&scope, "%s/.default%s", audience,
                                 request->settings->credential == IMD_CREDENTIAL_REFRESH ? " offline_access" : "") &&
                imd_buffer_add_text(form, "&scope=") && imd_buffer_add_percent(form, scope.data);
    imd_buffer_free(&scope);
    return good;
}

int imd_token_form(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error) {
    const struct imd_settings *settings = request->settings;
    bool refresh = settings->credential == IMD_CREDENTIAL_REFRESH;

    request->certificate_expires = 0;
    if (!imd_buffer_add_text(form, refresh ? "grant_type=refresh_token" : "grant_type=client_credentials") ||
        !imd_buffer_add_text(form, "&client_id=") || !imd_buffer_add_percent(form, settings->client_id) ||
        !add_target(form, request)) {
        return imd_error_set(error, "free memory", "no memory for the token request");
    }
    return imd_credential_kinds[settings->credential].add_fields(form, request, error);
}

/* --- the token --- */

static void add_role(struct imd_buffer *roles, struct imd_json_value value) {
    char name[128];

    if (imd_json_string(value, name, sizeof name) <= 0) return;
    for (const char *c = name; *c != '\0'; c++) {
        if (!isgraph((unsigned char)*c)) return; /* no role of Microsoft's looks like that */
    }
    imd_buffer_print(roles, "%s%s", roles->length > 0 ? " " : "", name);
}

static char *read_roles(struct imd_json_value claims) {
    struct imd_json_value list, name, value;
    struct imd_buffer roles;
    size_t position = 0;

    if (!imd_json_member(claims, "roles", &list) || list.length == 0 || list.data[0] != '[') return NULL;
    imd_buffer_init(&roles, IMD_TOKEN_ROLES_MAX);
    while (imd_json_next(list, &position, &name, &value)) add_role(&roles, value);
    return imd_buffer_take(&roles);
}

/* Reads `tid` for the check that no customer's data goes to another, and `roles` for the warning of too many; everything
 * else in the token is not ours to read. */
static void read_claims(struct imd_token *token, const char *jwt) {
    const char *start = strchr(jwt, '.');
    const char *end = start ? strchr(start + 1, '.') : NULL;

    if (!end || (size_t)(end - start) > PAYLOAD_MAX) return;
    size_t length = (size_t)(end - start) - 1;
    char *payload = imd_secret_alloc(length + 1);
    if (!payload) return;
    struct imd_json_value root = {payload, imd_base64url_decode(start + 1, length, payload)}, tid;
    if (imd_json_valid(root.data, root.length, NULL)) {
        while (root.length && isspace((unsigned char)*root.data)) root.data++, root.length--;
        if (imd_json_member(root, "tid", &tid) && imd_json_string(tid, token->tenant, sizeof token->tenant) < 0)
            token->tenant[0] = 0;
        token->roles = read_roles(root);
    }
    for (char *c = token->tenant; *c; c++) *c = (char)tolower((unsigned char)*c);
    imd_secret_free(payload);
}

static bool is_header_safe(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!isgraph((unsigned char)text[i])) return false;
    return length > 0;
}

/* A text member as secret memory with `prefix` in front of it; NULL if there is none that fits into a header. */
static char *read_secret(struct imd_json_value root, const char *name, const char *prefix) {
    struct imd_json_value value;
    size_t start = strlen(prefix);

    if (!imd_json_member(root, name, &value)) return NULL;
    char *text = imd_secret_alloc(start + value.length + 1);
    if (!text) return NULL;
    memcpy(text, prefix, start);
    long length = imd_json_string(value, text + start, value.length + 1);
    if (length > 0 && is_header_safe(text + start, (size_t)length)) return text;
    imd_secret_free(text);
    return NULL;
}

static bool read_lifetime(struct imd_token *token, struct imd_json_value root, int64_t now) {
    struct imd_json_value value;
    int64_t end;

    if (imd_json_member(root, "expires_in", &value) && imd_json_integer(value, &token->lifetime) && token->lifetime > 0) {
        /* as it is */
    } else if (imd_json_member(root, "expires_on", &value) && imd_json_integer(value, &end) && end > now) {
        token->lifetime = end - now;
    } else {
        return false;
    }
    if (token->lifetime > IMD_TOKEN_LIFETIME_MAX) token->lifetime = IMD_TOKEN_LIFETIME_MAX;
    return true;
}

int imd_token_read(struct imd_token *token, const char *body, size_t length, int64_t now, struct imd_error *error) {
    struct imd_json_value root = {body, length}, value;
    char type[16] = "";

    memset(token, 0, sizeof *token);
    if (!imd_json_valid(body, length, NULL)) return imd_error_set(error, REMEDY, "the token answer is not JSON");
    while (root.length && isspace((unsigned char)*root.data)) root.data++, root.length--;
    if (!read_lifetime(token, root, now))
        return imd_error_set(error, REMEDY, "the token answer has no expires_in");
    if (!imd_json_member(root, "token_type", &value) || imd_json_string(value, type, sizeof type) < 0 ||
        strcasecmp(type, "Bearer") != 0)
        return imd_error_set(error, REMEDY, "the token answer is not of type Bearer");
    token->authorization = read_secret(root, "access_token", BEARER);
    if (!token->authorization) return imd_error_set(error, REMEDY, "the token answer has no access_token");
    token->refresh_token = read_secret(root, "refresh_token", "");
    read_claims(token, imd_token_bearer(token));
    return 0;
}

const char *imd_token_bearer(const struct imd_token *token) {
    return token->authorization + sizeof BEARER - 1;
}

bool imd_token_copy(struct imd_token *to, const struct imd_token *from) {
    *to = *from;
    to->refresh_token = NULL;
    to->roles = from->roles ? strdup(from->roles) : NULL;
    to->authorization = imd_secret_copy(from->authorization, strlen(from->authorization));
    if (to->authorization) return true;
    imd_token_wipe(to);
    return false;
}

void imd_token_wipe(struct imd_token *token) {
    imd_secret_free(token->authorization);
    imd_secret_free(token->refresh_token);
    free(token->roles);
    memset(token, 0, sizeof *token);
}
