/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of a managed identity: the endpoint on this machine that gives them out, in the four environments that have one
 * (learn.microsoft.com/entra/identity/managed-identities-azure-resources; Azure Arc and Service Fabric likewise).
 *
 * No I/O but the reading of Arc's challenge file. */
#ifndef IMD_MANAGED_IDENTITY_H
#define IMD_MANAGED_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/error.h"
#include "answer.h"
#include "transport.h"

#define IMD_ARC_FOLDER "/var/opt/azcmagent/tokens" /* where Arc's agent puts the files of its challenges */
#define IMD_ARC_AGENT "/var/opt/azcmagent/bin/himds"
#define IMD_ARC_KEY_MAX 4096 /* bytes of such a file */

enum imd_identity_host {
    IMD_HOST_IMDS,           /* a virtual machine: the instance metadata service */
    IMD_HOST_APP_SERVICE,    /* App Service, Functions, Container Apps, Automation */
    IMD_HOST_SERVICE_FABRIC,
    IMD_HOST_ARC             /* a machine outside Azure with Arc's agent */
};

/* What tells the environments apart; members are NULL where a variable is not set. */
struct imd_identity_environment {
    const char *endpoint;         /* IDENTITY_ENDPOINT */
    const char *header;           /* IDENTITY_HEADER: a secret */
    const char *thumbprint;       /* IDENTITY_SERVER_THUMBPRINT */
    const char *imds_endpoint;    /* IMDS_ENDPOINT */
    const char *imds_authority;   /* AZURE_POD_IDENTITY_AUTHORITY_HOST: another host for the instance metadata service */
    const char *arc_folder;       /* IMD_ARC_FOLDER */
    bool has_arc_agent;
};

/* Reads the environment of this process. */
void imd_identity_environment_read(struct imd_identity_environment *environment);

/* "virtual machine (IMDS)", ... for people. */
enum imd_identity_host imd_identity_host_of(const struct imd_identity_environment *environment);
const char *imd_identity_host_name(enum imd_identity_host host);

/* One request for a token. All buffers are made here and wiped by imd_identity_call_wipe(). */
struct imd_identity_call {
    enum imd_identity_host host;
    struct imd_buffer url;
    struct imd_buffer headers[2]; /* the first is always there; "" if not used */
    const char *thumbprint;       /* of the certificate the server has to show, NULL: any that is trusted */
};

/* Prepares the request for a token for `resource` (an App ID URI). `identity` is "system" or a client id. Refused: an
 * endpoint that would be reached in clear text outside this machine, and what the environment cannot do. */
int imd_identity_call_make(struct imd_identity_call *call, const struct imd_identity_environment *environment,
                           const char *identity, const char *resource, struct imd_error *error);

/* Answers Arc's 401: reads the file that its header WWW-Authenticate names, and adds it to the request as proof that this
 * process may read it. Refused: a path outside `folder`, another suffix than .key, a link, a file that is too large. */
int imd_identity_call_prove(struct imd_identity_call *call, const char *www_authenticate, const char *folder,
                            struct imd_error *error);

void imd_identity_call_wipe(struct imd_identity_call *call);

/* Judges an answer that is not a token. */
void imd_identity_judge(enum imd_identity_host host, const struct imd_response *response, const char *body, size_t length,
                        imd_time now, struct imd_judgement *judgement);

#endif
