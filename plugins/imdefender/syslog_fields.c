/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert becomes in the fields of a syslog message. */
#include "syslog_fields.h"

#include <string.h>
#include <strings.h>

enum { LABEL_MAX = 63, HOSTNAME_MAX = 255 };

/* Not isalnum(): the locale must not decide what a host name is. */
static bool letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool label_valid(const char *label, size_t length) {
    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!letter_or_digit(label[i]) && label[i] != '-') {
            return false;
        }
    }
    return true;
}

bool imd_hostname_valid(const char *text) {
    if (strlen(text) > HOSTNAME_MAX) {
        return false;
    }
    for (;;) {
        size_t length = strcspn(text, ".");
        if (!label_valid(text, length)) {
            return false;
        }
        if (text[length] == '\0') {
            return true;
        }
        text += length + 1;
    }
}

const char *imd_hostname_choose(const char *tenant_name, const char *tenant_id) {
    return tenant_name != NULL && imd_hostname_valid(tenant_name) ? tenant_name : tenant_id;
}

int imd_severity_number(const char *severity) {
    static const struct {
        const char *name;
        int number;
    } known[] = {{"high", 2}, {"medium", 4}, {"low", 5}, {"informational", 6}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if ((*severity | 0x20) == *known[i].name && strcasecmp(severity, known[i].name) == 0) {
            return known[i].number;
        }
    }
    return 5;
}

/* Length of `text` cut to `maximum` bytes, without leaving part of a UTF-8 character at the end. */
static size_t cut_length(const char *text, size_t maximum) {
    size_t length = strnlen(text, maximum + 1);
    if (length <= maximum) {
        return length;
    }
    length = maximum;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
        length--;
    }
    return length;
}

/* What cannot stand in a value as it is. */
static bool needs_care(char c) {
    return c == '"' || c == '\\' || c == ']' || (unsigned char)c < 0x20 || c == 0x7f;
}

static bool add_escaped(struct imd_buffer *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        size_t run = i;
        while (i < length && !needs_care(text[i])) {
            i++;
        }
        if (!imd_buffer_add(out, text + run, i - run)) {
            return false;
        }
        if (i == length) {
            return true;
        }
        const bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        if ((!control && !imd_buffer_add_char(out, '\\')) || !imd_buffer_add_char(out, control ? '?' : text[i])) {
            return false;
        }
    }
    return true;
}

static bool add_parameter(struct imd_buffer *out, const char *name, const char *value) {
    size_t length = cut_length(value, IMD_STRUCTURED_VALUE_MAX);
    return imd_buffer_add_char(out, ' ') && imd_buffer_add_text(out, name) && imd_buffer_add_text(out, "=\"") &&
           add_escaped(out, value, length) && (value[length] == '\0' || imd_buffer_add_text(out, "...")) &&
           imd_buffer_add_char(out, '"');
}

bool imd_structured_data(struct imd_buffer *out, const struct imd_structured_values *values) {
    const size_t before = out->length;
    if (imd_buffer_add_text(out, "[" IMD_STRUCTURED_DATA_ID) && add_parameter(out, "tenantId", values->tenant_id) &&
        add_parameter(out, "tenantName", values->tenant_name) && add_parameter(out, "source", values->source) &&
        add_parameter(out, "id", values->id) && add_parameter(out, "severity", values->severity) &&
        add_parameter(out, "key", values->key) && imd_buffer_add_char(out, ']')) {
        return true;
    }
    if (out->data != NULL) {
        out->length = before;
        out->data[before] = '\0';
    }
    return false;
}
