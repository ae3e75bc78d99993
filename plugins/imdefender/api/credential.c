/* SPDX-License-Identifier: Apache-2.0 */
/* The table of credentials. */
#include "credential.h"

#include <string.h>
#include "../config/secret.h"
#include "assertion.h"
#include "token.h"

/* The audience of the old SIEM API (v1 only). */
#define SIEM_RESOURCE "https://graph.windows.net"

static int no_memory(struct imd_error *error) {
    return imd_error_set(error, "free memory", "no memory for the token request");
}

static bool add_field(struct imd_buffer *form, const char *name, const char *value) {
    return imd_buffer_add_char(form, '&') && imd_buffer_add_text(form, name) && imd_buffer_add_char(form, '=') &&
           imd_buffer_add_percent(form, value);
}

/* Adds a field whose value is a secret at a place. */
static int add_secret(struct imd_buffer *form, const char *name, const char *parameter, const char *place,
                      enum imd_secret_guard guard, struct imd_error *error) {
    struct imd_buffer secret;
    int result = imd_secret_read(place, guard, IMD_SECRET_MAX, &secret, error);

    if (result != 0) {
        imd_error_parameter(error, parameter);
    } else if (!add_field(form, name, secret.data)) {
        result = no_memory(error);
    }
    imd_buffer_wipe(&secret);
    return result;
}

static bool announce_assertion(struct imd_buffer *form) {
    return add_field(form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
}

static int add_client_secret(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error) {
    const struct imd_settings *settings = request->settings;

    if (settings->client_secret_file != NULL) {
        return add_secret(form, "client_secret", "clientSecretFile", settings->client_secret_file,
                          settings->allow_readable_secrets ? IMD_SECRET_ANY_MODE : IMD_SECRET_PRIVATE, error);
    }
    return add_field(form, "client_secret", settings->client_secret) ? 0 : no_memory(error);
}

static int add_certificate(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error) {
    struct imd_buffer url;

    imd_buffer_init(&url, 4096);
    int result = imd_token_url(&url, request->settings, request->source) && announce_assertion(form) &&
                         imd_buffer_add_text(form, "&client_assertion=")
                     ? 0
                     : no_memory(error);
    if (result == 0) {
        const struct imd_assertion assertion = {request->settings, url.data, request->now};
        result = imd_assertion_add(form, &assertion, &request->certificate_expires, error);
    }
    imd_buffer_free(&url);
    return result;
}

/* The platform that writes the file decides on its mode, and writes it anew all the time. */
static int add_federated_token(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error) {
    if (!announce_assertion(form)) return no_memory(error);
    return add_secret(form, "client_assertion", "federatedTokenFile", request->settings->federated_token_file,
                      IMD_SECRET_ANY_MODE, error);
}

static int add_identity(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error) {
    if (announce_assertion(form) && add_field(form, "client_assertion", request->assertion)) return 0;
    return no_memory(error);
}

static int add_refresh_token(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error) {
    const struct imd_credential_kind *app = &imd_credential_kinds[imd_credential_of_app(request->settings)];

    if (!add_field(form, "refresh_token", request->refresh_token)) return no_memory(error);
    return app->add_fields == NULL ? 0 : app->add_fields(form, request, error);
}

const struct imd_credential_kind imd_credential_kinds[IMD_CREDENTIAL_COUNT] = {
    [IMD_CREDENTIAL_NONE] = {.name = "none", .refused = "the sign-in is refused", .remedy = "give a credential"},
    [IMD_CREDENTIAL_SECRET] = {.name = "client secret",
                               .parameters = {"clientSecretFile", "clientSecret"},
                               .proves_app = true,
                               .needs_client_id = true,
                               .refused = "the client secret is wrong",
                               .remedy = "put the secret's value (not its id) into the secret file",
                               .add_fields = add_client_secret},
    [IMD_CREDENTIAL_CERTIFICATE] = {.name = "certificate",
                                    .parameters = {"certificateFile", NULL},
                                    .proves_app = true,
                                    .needs_client_id = true,
                                    .refused = "the certificate or its signature is not accepted",
                                    .remedy = "upload this certificate to the application; check clientId, "
                                              "certificateAlgorithm and this machine's clock",
                                    .add_fields = add_certificate},
    [IMD_CREDENTIAL_FEDERATED] = {.name = "federated token",
                                  .parameters = {"federatedTokenFile", NULL},
                                  .proves_app = true,
                                  .needs_client_id = true,
                                  .refused = "the federated token is not accepted",
                                  .remedy = "compare issuer, subject and audience of the application's federated "
                                            "credential with the token; check that the file is renewed",
                                  .add_fields = add_federated_token},
    [IMD_CREDENTIAL_MANAGED] = {.name = "managed identity",
                                .parameters = {"managedIdentity", NULL},
                                .refused = "the managed identity's token is not accepted",
                                .remedy = "compare issuer and subject of the application's federated credential with the "
                                          "user-assigned identity; check clientId",
                                .add_fields = add_identity},
    [IMD_CREDENTIAL_REFRESH] = {.name = "refresh token",
                                .parameters = {"refreshTokenFile", NULL},
                                .needs_client_id = true,
                                .refused = "the refresh token or the application's own credential is not accepted",
                                .remedy = "let the user sign in again and put the new refresh token into the file; check "
                                          "the application's credential beside it",
                                .add_fields = add_refresh_token},
};

enum imd_credential imd_credential_of_app(const struct imd_settings *settings) {
    if (settings->client_secret_file != NULL || settings->client_secret != NULL) return IMD_CREDENTIAL_SECRET;
    if (settings->certificate_file != NULL) return IMD_CREDENTIAL_CERTIFICATE;
    if (settings->federated_token_file != NULL) return IMD_CREDENTIAL_FEDERATED;
    if (settings->managed_identity != NULL) return IMD_CREDENTIAL_MANAGED;
    return IMD_CREDENTIAL_NONE;
}

enum imd_credential imd_credential_select(const struct imd_settings *settings) {
    return settings->refresh_token_file != NULL ? IMD_CREDENTIAL_REFRESH : imd_credential_of_app(settings);
}

bool imd_credential_is_federated_identity(const struct imd_settings *settings) {
    return settings->credential == IMD_CREDENTIAL_MANAGED && settings->client_id != NULL;
}

const char *imd_credential_audience(const struct imd_settings *settings, const struct imd_source *source) {
    switch (source->api) {
        case IMD_API_GRAPH:
            return settings->cloud->graph_url;
        case IMD_API_ENDPOINT:
            return settings->cloud->endpoint_audience;
        case IMD_API_SIEM:
            return SIEM_RESOURCE;
    }
    return "";
}
