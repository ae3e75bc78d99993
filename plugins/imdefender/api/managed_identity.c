/* SPDX-License-Identifier: Apache-2.0 */
/* The environments as rows of one table, Arc's challenge, and what their errors mean. */
#include "managed_identity.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/json.h"
#include "../config/values.h"

#define URL_MAX 4096
#define HEADER_MAX 8192
#define IMDS_URL "http://169.254.169.254"
#define TOKEN_PATH "/metadata/identity/oauth2/token"
#define ARC_URL "http://127.0.0.1:40342" TOKEN_PATH
#define CHALLENGE "Basic realm="

static const struct {
    const char *name, *version;
    const char *header;      /* of the request, in front of the environment's secret; NULL: Metadata: true */
    bool takes_client_id;
} hosts[] = {
    [IMD_HOST_IMDS] = {"virtual machine (IMDS)", "2018-02-01", NULL, true},
    [IMD_HOST_APP_SERVICE] = {"App Service", "2019-08-01", "X-IDENTITY-HEADER: ", true},
    [IMD_HOST_SERVICE_FABRIC] = {"Service Fabric", "2019-07-01-preview", "Secret: ", false},
    [IMD_HOST_ARC] = {"Azure Arc", "2020-06-01", NULL, true},
};

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

void imd_identity_environment_read(struct imd_identity_environment *environment) {
    *environment = (struct imd_identity_environment){
        .endpoint = variable("IDENTITY_ENDPOINT"),
        .header = variable("IDENTITY_HEADER"),
        .thumbprint = variable("IDENTITY_SERVER_THUMBPRINT"),
        .imds_endpoint = variable("IMDS_ENDPOINT"),
        .imds_authority = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"),
        .arc_folder = IMD_ARC_FOLDER,
        .has_arc_agent = access(IMD_ARC_AGENT, F_OK) == 0,
    };
}

enum imd_identity_host imd_identity_host_of(const struct imd_identity_environment *environment) {
    if (environment->endpoint != NULL && environment->header != NULL) {
        return environment->thumbprint != NULL ? IMD_HOST_SERVICE_FABRIC : IMD_HOST_APP_SERVICE;
    }
    if (environment->endpoint != NULL && environment->imds_endpoint != NULL) return IMD_HOST_ARC;
    return environment->has_arc_agent ? IMD_HOST_ARC : IMD_HOST_IMDS;
}

const char *imd_identity_host_name(enum imd_identity_host host) {
    return hosts[host].name;
}

static const char *endpoint_of(enum imd_identity_host host, const struct imd_identity_environment *environment) {
    if (host == IMD_HOST_IMDS) return environment->imds_authority != NULL ? environment->imds_authority : IMDS_URL;
    return environment->endpoint != NULL ? environment->endpoint : ARC_URL;
}

/* http to 169.254.0.0/16 does not leave the host's own link: that is where Azure puts these endpoints. */
static bool is_link_local(const char *url) {
    char host[16];
    struct in_addr address;

    if (strncasecmp(url, "http://", 7) != 0) return false;
    size_t length = strcspn(url + 7, ":/?#");
    if (length == 0 || length >= sizeof host) return false;
    memcpy(host, url + 7, length);
    host[length] = '\0';
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 16 == 0xA9FE && strchr(url, '@') == NULL;
}

static int check_endpoint(const char *url, struct imd_error *error) {
    size_t length;
    const char *problem = "";

    if (is_link_local(url) || imd_value_url(url, &length, &problem)) return 0;
    return imd_error_set(error, "correct the environment variable", "the managed identity's endpoint cannot be used: %s",
                         problem);
}

static bool add_url(struct imd_identity_call *call, const char *endpoint, const char *identity, const char *resource) {
    struct imd_buffer *url = &call->url;
    bool good = imd_buffer_add_text(url, endpoint) &&
                (call->host != IMD_HOST_IMDS || imd_buffer_add_text(url, TOKEN_PATH)) &&
                imd_buffer_print(url, "?api-version=%s&resource=", hosts[call->host].version) &&
                imd_buffer_add_percent(url, resource);
    if (!good || strcmp(identity, "system") == 0) return good;
    return imd_buffer_add_text(url, "&client_id=") && imd_buffer_add_percent(url, identity);
}

static bool is_printable(const char *text) {
    for (; *text != '\0'; text++) {
        if (!isgraph((unsigned char)*text)) return false;
    }
    return true;
}

int imd_identity_call_make(struct imd_identity_call *call, const struct imd_identity_environment *environment,
                           const char *identity, const char *resource, struct imd_error *error) {
    enum imd_identity_host host = imd_identity_host_of(environment);
    const char *endpoint = endpoint_of(host, environment), *header = hosts[host].header;

    *call = (struct imd_identity_call){.host = host};
    imd_buffer_init(&call->url, URL_MAX);
    imd_buffer_init_secret(&call->headers[0], HEADER_MAX);
    imd_buffer_init_secret(&call->headers[1], HEADER_MAX);
    if (host == IMD_HOST_SERVICE_FABRIC) call->thumbprint = environment->thumbprint;
    if (check_endpoint(endpoint, error) != 0) return -1;
    if (strcmp(identity, "system") != 0 && !hosts[host].takes_client_id) {
        imd_error_set(error, "set managedIdentity to system; the cluster decides which identity the application has",
                      "%s does not let an application choose its identity", hosts[host].name);
        imd_error_parameter(error, "managedIdentity");
        return -1;
    }
    if (header != NULL && !is_printable(environment->header)) {
        return imd_error_set(error, "correct the environment variable", "IDENTITY_HEADER is malformed");
    }
    if (add_url(call, endpoint, identity, resource) &&
        imd_buffer_add_text(&call->headers[0], header != NULL ? header : "Metadata: true") &&
        imd_buffer_add_text(&call->headers[0], header != NULL ? environment->header : "")) {
        return 0;
    }
    return imd_error_set(error, NULL, "the managed identity's endpoint is too long");
}

void imd_identity_call_wipe(struct imd_identity_call *call) {
    imd_buffer_free(&call->url);
    imd_buffer_wipe(&call->headers[0]);
    imd_buffer_wipe(&call->headers[1]);
}

/* --- Arc's challenge --- */

/* The path has to lie directly in the folder: whatever else it names might be any file this process can read. */
static int check_path(const char *path, const char *folder, struct imd_error *error) {
    size_t length = strlen(folder), whole = strlen(path);
    const char *name = path + length + 1;

    if (strncmp(path, folder, length) != 0 || path[length] != '/' || strchr(name, '/') != NULL || name[0] == '.' ||
        !is_printable(path)) {
        return imd_error_set(error, "make sure that no foreign program answers in place of Arc's agent",
                             "the challenge names a file outside '%s'", folder);
    }
    if (whole < 5 || strcmp(path + whole - 4, ".key") != 0) {
        return imd_error_set(error, "make sure that no foreign program answers in place of Arc's agent",
                             "the challenge names a file that does not end in .key");
    }
    return 0;
}

static int read_key(const char *path, struct imd_buffer *out, struct imd_error *error) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    char bytes[IMD_ARC_KEY_MAX + 1];

    if (descriptor < 0) {
        return imd_error_set(error, "add the user rsyslogd runs as to the group himds", "cannot open '%s': %s", path,
                             strerror(errno));
    }
    ssize_t length = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) ? read(descriptor, bytes, sizeof bytes) : -1;
    close(descriptor);
    int result = 0;
    if (length <= 0 || length > IMD_ARC_KEY_MAX) {
        result = imd_error_set(error, "make sure that no foreign program answers in place of Arc's agent",
                               "'%s' is not a file of 1 to %d bytes", path, IMD_ARC_KEY_MAX);
    } else {
        while (length > 0 && isspace((unsigned char)bytes[length - 1])) length--;
        bytes[length] = '\0';
        if (strlen(bytes) != (size_t)length || !is_printable(bytes) || !imd_buffer_add_text(out, bytes))
            result = imd_error_set(error, "look at Arc's agent", "'%s' does not hold a line of text", path);
    }
    explicit_bzero(bytes, sizeof bytes);
    return result;
}

int imd_identity_call_prove(struct imd_identity_call *call, const char *www_authenticate, const char *folder,
                            struct imd_error *error) {
    char path[PATH_MAX];

    if (strncasecmp(www_authenticate, CHALLENGE, strlen(CHALLENGE)) != 0) {
        return imd_error_set(error, "look at Arc's agent", "HTTP 401 without the challenge that Arc's agent makes");
    }
    const char *value = www_authenticate + strlen(CHALLENGE);
    bool quoted = value[0] == '"';
    size_t length = quoted ? strcspn(++value, "\"") : strcspn(value, " \t,");
    if (length >= sizeof path) return imd_error_set(error, "look at Arc's agent", "the path of the challenge is too long");
    memcpy(path, value, length);
    path[length] = '\0';
    imd_buffer_clear(&call->headers[1]);
    if (check_path(path, folder, error) != 0) return -1;
    if (!imd_buffer_add_text(&call->headers[1], "Authorization: Basic ")) {
        return imd_error_set(error, "free memory", "no memory for a challenge");
    }
    return read_key(path, &call->headers[1], error);
}

/* --- errors --- */

/* Codes such as "invalid_request" or "identity_not_found" are for people here; the status decides. */
static void read_code(const char *body, size_t length, char *out, size_t size) {
    struct imd_json_value root = {body, length}, value;
    char text[64] = "";

    out[0] = '\0';
    if (length == 0 || !imd_json_valid(body, length, NULL)) return;
    while (root.length && isspace((unsigned char)*root.data)) root.data++, root.length--;
    if (!imd_json_member(root, "error", &value) || imd_json_string(value, text, sizeof text) <= 0) return;
    if (is_printable(text)) snprintf(out, size, " %s", text);
}

static bool is_passing(enum imd_identity_host host, int status) {
    return status == 429 || status == 410 || status >= 500 || (status == 404 && host == IMD_HOST_IMDS);
}

void imd_identity_judge(enum imd_identity_host host, const struct imd_response *response, const char *body, size_t length,
                        imd_time now, struct imd_judgement *judgement) {
    const char *name = hosts[host].name;
    char code[80];

    memset(judgement, 0, sizeof *judgement);
    judgement->retry_after = imd_answer_retry_after(response, now);
    read_code(body, length, code, sizeof code);
    if (response->failure != IMD_FAILURE_NONE) {
        imd_judgement_set(judgement, IMD_VERDICT_UNREACHABLE,
                          "check that this machine has a managed identity, and which environment it is",
                          "the managed identity's endpoint (%s) does not answer: %s", name, response->failure_text);
    } else if (is_passing(host, response->status)) {
        imd_judgement_set(judgement, response->status == 429 ? IMD_VERDICT_THROTTLED : IMD_VERDICT_SERVER,
                          "nothing; if it lasts, look at the identity of this machine",
                          "HTTP %d%s: the managed identity's endpoint (%s) cannot give a token now", response->status, code,
                          name);
    } else if (response->status >= 400) {
        imd_judgement_set(judgement, IMD_VERDICT_CREDENTIAL,
                          "assign the identity to this machine; if it has several, give the client id in managedIdentity",
                          "HTTP %d%s: the managed identity's endpoint (%s) refuses the token", response->status, code, name);
    } else {
        imd_judgement_set(judgement, IMD_VERDICT_BAD_ANSWER, "find out what answers at the managed identity's endpoint",
                          "HTTP %d with content type '%s': not an answer of the managed identity's endpoint (%s)",
                          response->status, response->content_type, name);
    }
}
