/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a complete tenant, and what is worth a warning. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "../api/assertion.h"
#include "../api/credential.h"
#include "file.h"
#include "parameters.h"
#include "secret.h"
#include "settings.h"

/* Sets an error about one parameter. */
static int refuse(struct imd_error *error, const char *parameter, const char *remedy, const char *what) {
    imd_error_set(error, remedy, "%s", what);
    imd_error_parameter(error, parameter);
    return -1;
}

static int judge_available(const struct imd_settings *settings, struct imd_error *error) {
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if (row->available || row->member < 0 || !settings->given[row - imd_parameters]) continue;
        imd_error_set(error, "remove it; 'imdefenderctl parameters' lists what is supported",
                      "%s is not supported by this version yet", row->name);
        imd_error_parameter(error, row->name);
        return -1;
    }
    return 0;
}

static int judge_sources(const struct imd_settings *settings, struct imd_error *error) {
    if (settings->sources == 0)
        return refuse(error, "sources", "give at least one, such as alerts", "sources is empty");
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        const struct imd_source *source = &imd_sources[i];
        if ((settings->sources & 1u << i) == 0) continue;
        if (!source->available) {
            imd_error_set(error, "remove it from sources", "source '%s' is not supported by this version yet",
                          source->name);
            imd_error_parameter(error, "sources");
            return -1;
        }
        if ((settings->cloud->missing_sources & 1u << i) != 0) {
            imd_error_set(error, "correct cloud or sources", "cloud '%s' does not offer source '%s'",
                          settings->cloud->name, source->name);
            imd_error_parameter(error, "cloud");
            return -1;
        }
    }
    bool siem = (settings->sources & 1u << IMD_SOURCE_SIEM_DETECTIONS) != 0 && settings->api_url == NULL;
    if (siem && strcmp(settings->cloud->siem_urls[0], settings->cloud->siem_urls[1]) != 0 &&
        !settings->given[imd_parameter_find("region") - imd_parameters])
        return refuse(error, "region", "give eu, us or uk: where the tenant's data lies",
                      "source 'siem-detections' needs region");
    return 0;
}

/* Whether a secret can be used; `place` may be NULL. */
static int judge_secret(const struct imd_settings *settings, const char *parameter, const char *place,
                        struct imd_error *error) {
    enum imd_secret_guard guard = settings->allow_readable_secrets ? IMD_SECRET_ANY_MODE : IMD_SECRET_PRIVATE;

    if (place != NULL && place == settings->federated_token_file) guard = IMD_SECRET_ANY_MODE; /* its platform decides */
    if (place == NULL || imd_secret_probe(place, guard, IMD_SECRET_MAX, error) == 0) return 0;
    imd_error_parameter(error, parameter);
    return -1;
}

static int judge_file(const char *parameter, const char *path, struct imd_error *error) {
    if (path == NULL || imd_file_probe(path, error) == 0) return 0;
    imd_error_parameter(error, parameter);
    return -1;
}

/* The parts of a certificate are judged in imd_settings_judge_certificate(), which costs more. */
static int judge_secrets(const struct imd_settings *settings, struct imd_error *error) {
    if (judge_secret(settings, "clientSecretFile", settings->client_secret_file, error) != 0 ||
        judge_secret(settings, "keyPassphraseFile", settings->key_passphrase_file, error) != 0 ||
        judge_secret(settings, "federatedTokenFile", settings->federated_token_file, error) != 0 ||
        judge_secret(settings, "refreshTokenFile", settings->refresh_token_file, error) != 0 ||
        judge_secret(settings, "proxyCredentialsFile", settings->proxy_credentials_file, error) != 0) {
        return -1;
    }
    return 0;
}

static int judge_credential(struct imd_settings *settings, struct imd_error *error) {
    if (imd_settings_one_credential(settings, error) != 0) return -1;
    settings->credential = imd_credential_select(settings);
    if (settings->certificate_file == NULL && (settings->key_file != NULL || settings->key_passphrase_file != NULL)) {
        return refuse(error, "certificateFile", "give certificateFile too",
                      "a private key is given without its certificate");
    }
    if (settings->credential == IMD_CREDENTIAL_NONE) {
        return refuse(error, "clientSecretFile", "give clientSecretFile, or one of the other credentials",
                      "no credential is given");
    }
    if (settings->client_id == NULL && imd_credential_kinds[settings->credential].needs_client_id) {
        return refuse(error, "clientId", "give the application (client) id of the app", "clientId is missing");
    }
    if (imd_credential_is_federated_identity(settings) && strcmp(settings->managed_identity, "system") == 0) {
        return refuse(error, "managedIdentity",
                      "give the client id of a user-assigned identity, or take clientId away to sign in as the identity itself",
                      "a system-assigned identity cannot be the federated credential of clientId");
    }
    if (settings->proxy_credentials_file != NULL && settings->proxy == NULL) {
        return refuse(error, "proxyCredentialsFile", "give proxy too", "proxyCredentialsFile is given without proxy");
    }
    return judge_secrets(settings, error);
}

static int judge_tls(const struct imd_settings *settings, struct imd_error *error) {
    if (settings->tls_myprivkey != NULL && settings->tls_mycert == NULL) {
        return refuse(error, "tls.mycert", "give tls.mycert too", "tls.myprivkey is given without its certificate");
    }
    if (judge_file("tls.cacert", settings->tls_cacert, error) != 0 ||
        judge_file("tls.mycert", settings->tls_mycert, error) != 0 ||
        judge_secret(settings, "tls.myprivkey", settings->tls_myprivkey, error) != 0) {
        return -1;
    }
    return 0;
}

static int judge_tenant(const struct imd_settings *settings, struct imd_error *error) {
    if (settings->tenant_id != NULL) return 0;
    return refuse(error, "tenantId", "give the customer's tenant id", "tenantId is missing");
}

static int place(const struct imd_settings *settings, struct imd_error *error) {
    imd_error_tenant(error, imd_settings_name(settings));
    imd_error_file(error, settings->file, settings->line);
    return -1;
}

int imd_settings_judge(struct imd_settings *settings, struct imd_error *error) {
    if (judge_tenant(settings, error) == 0 && judge_available(settings, error) == 0 &&
        judge_sources(settings, error) == 0 && judge_credential(settings, error) == 0 &&
        judge_tls(settings, error) == 0) {
        return 0;
    }
    return place(settings, error);
}

int imd_settings_judge_certificate(const struct imd_settings *settings, struct imd_error *error) {
    if (settings->certificate_file == NULL || imd_assertion_probe(settings, (int64_t)time(NULL), error) == 0) return 0;
    return place(settings, error);
}

/* --- warnings --- */

static void warn(const struct imd_settings *settings, const struct imd_log *log, struct imd_error *warning,
                 const char *parameter) {
    char text[2048];

    imd_error_parameter(warning, parameter);
    imd_error_tenant(warning, imd_settings_name(settings));
    imd_error_file(warning, settings->file, settings->line);
    imd_log_print(log, IMD_LOG_WARNING, "%s", imd_error_print(warning, NULL, text, sizeof text));
}

static void warn_file(const struct imd_settings *settings, const struct imd_log *log, const char *parameter,
                      const char *place_of_secret) {
    struct imd_error warning;

    if (place_of_secret == NULL || !settings->allow_readable_secrets ||
        imd_secret_probe(place_of_secret, IMD_SECRET_PRIVATE, IMD_SECRET_MAX, &warning) == 0) {
        return;
    }
    imd_error_set(&warning, "take the rights of others away (chmod o-rwx)",
                  "%s, which allowReadableSecrets allows", warning.what);
    warn(settings, log, &warning, parameter);
}

/* What a source cannot do as it is configured. */
static void warn_sources(const struct imd_settings *settings, const struct imd_log *log) {
    struct imd_error warning;

    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        const struct imd_source *source = &imd_sources[i];
        if ((settings->sources & 1u << i) == 0) continue;
        if (settings->filter != NULL && source->style == IMD_PAGE_WINDOW) {
            imd_error_set(&warning, "filter its messages in the ruleset",
                          "source '%s' knows no filter: everything of it is fetched", source->name);
            warn(settings, log, &warning, "filter");
        }
        int64_t allowed = source->per_hour * settings->request_budget / 100;
        if (source->per_hour > 0 && settings->poll_interval * allowed < 3600) {
            imd_error_set(&warning, "raise pollInterval or requestBudget",
                          "polls that often have to wait for the quota of source '%s': %lld requests an hour",
                          source->name, (long long)allowed);
            warn(settings, log, &warning, "pollInterval");
        }
    }
}

void imd_settings_warn(const struct imd_settings *settings, const struct imd_log *log) {
    struct imd_error warning;

    if (settings->client_secret != NULL) {
        imd_error_set(&warning, "move it to a file of mode 0600 and give clientSecretFile",
                      "the client secret stands in the configuration itself");
        warn(settings, log, &warning, "clientSecret");
    }
    warn_sources(settings, log);
    warn_file(settings, log, "clientSecretFile", settings->client_secret_file);
    warn_file(settings, log, settings->key_file == NULL ? "certificateFile" : "keyFile",
              settings->key_file == NULL ? settings->certificate_file : settings->key_file);
    warn_file(settings, log, "keyPassphraseFile", settings->key_passphrase_file);
    warn_file(settings, log, "refreshTokenFile", settings->refresh_token_file);
    warn_file(settings, log, "proxyCredentialsFile", settings->proxy_credentials_file);
    warn_file(settings, log, "tls.myprivkey", settings->tls_myprivkey);
}

int imd_settings_check(struct imd_settings *settings, const struct imd_log *log, struct imd_error *error) {
    if (imd_settings_judge(settings, error) != 0 || imd_settings_judge_certificate(settings, error) != 0) return -1;
    imd_settings_warn(settings, log);
    return 0;
}

const char *imd_credential_name(enum imd_credential credential) {
    return imd_credential_kinds[credential].name;
}
