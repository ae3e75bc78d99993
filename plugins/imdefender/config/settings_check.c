/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a complete tenant, and what is worth a warning. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

static enum imd_credential credential_of(const struct imd_settings *settings) {
    if (settings->client_secret_file != NULL || settings->client_secret != NULL) return IMD_CREDENTIAL_SECRET;
    if (settings->certificate_file != NULL) return IMD_CREDENTIAL_CERTIFICATE;
    if (settings->federated_token_file != NULL) return IMD_CREDENTIAL_FEDERATED;
    if (settings->managed_identity != NULL) return IMD_CREDENTIAL_MANAGED;
    if (settings->refresh_token_file != NULL) return IMD_CREDENTIAL_REFRESH;
    return IMD_CREDENTIAL_NONE;
}

/* Whether a file of a secret can be used; `path` may be NULL. */
static int judge_secret_file(const char *parameter, const char *path, struct imd_error *error) {
    if (path == NULL || imd_secret_probe(path, IMD_SECRET_MAX, error) == 0) return 0;
    imd_error_parameter(error, parameter);
    return -1;
}

static int judge_file(const char *parameter, const char *path, struct imd_error *error) {
    if (path == NULL || imd_file_probe(path, error) == 0) return 0;
    imd_error_parameter(error, parameter);
    return -1;
}

static int judge_credential(struct imd_settings *settings, struct imd_error *error) {
    if (imd_settings_one_credential(settings, error) != 0) return -1;
    settings->credential = credential_of(settings);
    if (settings->credential != IMD_CREDENTIAL_CERTIFICATE &&
        (settings->key_file != NULL || settings->key_passphrase_file != NULL)) {
        return refuse(error, "certificateFile", "give certificateFile too",
                      "a private key is given without its certificate");
    }
    if (settings->credential == IMD_CREDENTIAL_NONE) {
        return refuse(error, "clientSecretFile", "give clientSecretFile", "no credential is given");
    }
    if (settings->client_id == NULL && settings->credential != IMD_CREDENTIAL_MANAGED) {
        return refuse(error, "clientId", "give the application (client) id of the app", "clientId is missing");
    }
    if (judge_secret_file("clientSecretFile", settings->client_secret_file, error) != 0 ||
        judge_file("certificateFile", settings->certificate_file, error) != 0 ||
        judge_file("keyFile", settings->key_file, error) != 0 ||
        judge_secret_file("keyPassphraseFile", settings->key_passphrase_file, error) != 0 ||
        judge_secret_file("federatedTokenFile", settings->federated_token_file, error) != 0 ||
        judge_secret_file("refreshTokenFile", settings->refresh_token_file, error) != 0) {
        return -1;
    }
    return 0;
}

static int judge_tls(const struct imd_settings *settings, struct imd_error *error) {
    if (settings->tls_myprivkey != NULL && settings->tls_mycert == NULL) {
        return refuse(error, "tls.mycert", "give tls.mycert too", "tls.myprivkey is given without its certificate");
    }
    if (judge_file("tls.cacert", settings->tls_cacert, error) != 0 ||
        judge_file("tls.mycert", settings->tls_mycert, error) != 0 ||
        judge_file("tls.myprivkey", settings->tls_myprivkey, error) != 0) {
        return -1;
    }
    return 0;
}

static int judge_tenant(const struct imd_settings *settings, struct imd_error *error) {
    if (settings->tenant_id != NULL) return 0;
    return refuse(error, "tenantId", "give the customer's tenant id", "tenantId is missing");
}

int imd_settings_judge(struct imd_settings *settings, struct imd_error *error) {
    if (judge_tenant(settings, error) == 0 && judge_available(settings, error) == 0 &&
        judge_sources(settings, error) == 0 && judge_credential(settings, error) == 0 &&
        judge_tls(settings, error) == 0) {
        return 0;
    }
    imd_error_tenant(error, imd_settings_name(settings));
    imd_error_file(error, settings->file, settings->line);
    return -1;
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
                      const char *path) {
    struct imd_error warning;
    struct stat status;

    if (path == NULL || stat(path, &status) != 0 || (status.st_mode & (S_IROTH | S_IWOTH)) == 0) return;
    imd_error_set(&warning, "take the rights of others away (chmod o-rwx)", "every user can %s the secret in '%s'",
                  (status.st_mode & S_IROTH) != 0 ? "read" : "replace", path);
    warn(settings, log, &warning, parameter);
}

void imd_settings_warn(const struct imd_settings *settings, const struct imd_log *log) {
    struct imd_error warning;

    if (settings->client_secret != NULL) {
        imd_error_set(&warning, "move it to a file of mode 0600 and give clientSecretFile",
                      "the client secret stands in the configuration itself");
        warn(settings, log, &warning, "clientSecret");
    }
    warn_file(settings, log, "clientSecretFile", settings->client_secret_file);
    warn_file(settings, log, "keyFile", settings->key_file);
    warn_file(settings, log, "keyPassphraseFile", settings->key_passphrase_file);
    warn_file(settings, log, "refreshTokenFile", settings->refresh_token_file);
    warn_file(settings, log, "tls.myprivkey", settings->tls_myprivkey);
}

int imd_settings_check(struct imd_settings *settings, const struct imd_log *log, struct imd_error *error) {
    if (imd_settings_judge(settings, error) != 0) return -1;
    imd_settings_warn(settings, log);
    return 0;
}

const char *imd_credential_name(enum imd_credential credential) {
    switch (credential) {
        case IMD_CREDENTIAL_NONE:
            return "none";
        case IMD_CREDENTIAL_SECRET:
            return "client secret";
        case IMD_CREDENTIAL_CERTIFICATE:
            return "certificate";
        case IMD_CREDENTIAL_FEDERATED:
            return "federated token";
        case IMD_CREDENTIAL_MANAGED:
            return "managed identity";
        case IMD_CREDENTIAL_REFRESH:
            return "refresh token";
    }
    return "unknown";
}
