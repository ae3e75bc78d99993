/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert becomes in the fields of a syslog message (RFC 5424). Pure functions, no rsyslog header: unit-tested
 * alone. */
#ifndef IMD_SYSLOG_FIELDS_H
#define IMD_SYSLOG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buffer.h"

#define IMD_APP_NAME "imdefender"
#define IMD_SYSLOG_TAG "imdefender:"
#define IMD_MSGID_HEALTH "health"

/* 32473 is the enterprise number for examples and documentation (RFC 5612). */
#define IMD_STRUCTURED_DATA_ID "imdefender@32473"

/* Bytes of one value before escaping. rsyslog before 8.2606 keeps the length of structured data in 16 bits: six values,
 * each escaped to at most twice its size, stay far below that. The uncut values are in the message's metadata. */
#define IMD_STRUCTURED_VALUE_MAX 1024
#define IMD_STRUCTURED_DATA_MAX (16u << 10)

/* Whether `text` is a host name after RFC 1123: labels of letters, digits and inner hyphens, each of 1 to 63 bytes,
 * joined by dots, 255 bytes at most (the limit of RFC 5424's HOSTNAME too). */
bool imd_hostname_valid(const char *text);

/* HOSTNAME of a tenant's messages: its name where that is a host name, else its id. `tenant_name` may be NULL. */
const char *imd_hostname_choose(const char *tenant_name, const char *tenant_id);

/* Syslog severity of an alert: high 2, medium 4, low 5, informational 6, anything else 5. Case does not matter. */
int imd_severity_number(const char *severity);

struct imd_structured_values {
    const char *tenant_id, *tenant_name, *source, *id, *severity, *key; /* none is NULL */
};

/* Adds "[imdefender@32473 tenantId=\"...\" ...]", values escaped after RFC 5424 section 6.3.3. A value longer than
 * IMD_STRUCTURED_VALUE_MAX is cut between two characters and ends with "..."; control characters become '?', since a
 * line feed would break transports that frame by lines. Returns false, and leaves `out` as it was, when it is full. */
bool imd_structured_data(struct imd_buffer *out, const struct imd_structured_values *values);

#endif
