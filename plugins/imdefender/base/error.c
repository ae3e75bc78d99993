/* SPDX-License-Identifier: Apache-2.0 */
/* Making, placing and printing errors. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops the beginning of a UTF-8 sequence that was cut off at the end of the text. */
static void trim_sequence(char *text) {
    size_t length = strlen(text), start = length;

    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0) return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (length - (start - 1) < need) text[start - 1] = '\0';
}

static void copy_text(char *out, size_t size, const char *text) {
    size_t length = strnlen(text, size - 1);
    memcpy(out, text, length);
    out[length] = '\0';
    if (text[length] != '\0') trim_sequence(out);
}

int(imd_error_set)(struct imd_error *error, const char *remedy, const char *format, ...) {
    char what[sizeof error->what];
    char instruction[sizeof error->remedy];
    va_list arguments;

    if (error == NULL) return -1;
    /* Through local memory, since the arguments may be parts of the very error that is replaced. */
    va_start(arguments, format);
    int length = vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (length < 0) what[0] = '\0';
    if (length >= (int)sizeof what) trim_sequence(what);
    copy_text(instruction, sizeof instruction, remedy == NULL ? "" : remedy);
    memset(error, 0, sizeof *error);
    memcpy(error->what, what, strlen(what));
    memcpy(error->remedy, instruction, strlen(instruction));
    return -1;
}

bool imd_error_is_memory(const struct imd_error *error) {
    return strstr(error->what, "no memory") != NULL || strstr(error->what, "not enough memory") != NULL;
}

void imd_error_tenant(struct imd_error *error, const char *tenant) {
    if (error == NULL || tenant == NULL || error->tenant[0] != '\0') return;
    copy_text(error->tenant, sizeof error->tenant, tenant);
}

void imd_error_parameter(struct imd_error *error, const char *parameter) {
    if (error == NULL || parameter == NULL || error->parameter[0] != '\0') return;
    copy_text(error->parameter, sizeof error->parameter, parameter);
}

void imd_error_file(struct imd_error *error, const char *file, unsigned line) {
    if (error == NULL || file == NULL || error->file[0] != '\0') return;
    copy_text(error->file, sizeof error->file, file);
    error->line = line;
}

/* Appends a text, control characters as '?' (C1 controls in their UTF-8 form too), as far as there is room. */
static size_t append(char *out, size_t size, size_t at, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && at + 1 < size; p++) {
        if (*p == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F) {
            out[at++] = '?';
            p++;
        } else {
            out[at++] = *p < 0x20 || *p == 0x7F ? '?' : (char)*p;
        }
    }
    return at;
}

static size_t append_places(const struct imd_error *error, char *out, size_t size, size_t at) {
    const char *before = " (";

    if (error->tenant[0] != '\0') {
        at = append(out, size, append(out, size, append(out, size, at, before), "tenant "), error->tenant);
        before = ", ";
    }
    if (error->parameter[0] != '\0') {
        at = append(out, size, append(out, size, append(out, size, at, before), "parameter "), error->parameter);
        before = ", ";
    }
    if (error->file[0] != '\0') {
        at = append(out, size, append(out, size, at, before), error->file);
        before = ", ";
        if (error->line != 0) {
            char line[16];
            snprintf(line, sizeof line, ":%u", error->line);
            at = append(out, size, at, line);
        }
    }
    return before[0] == ',' ? append(out, size, at, ")") : at;
}

char *imd_error_print(const struct imd_error *error, const char *consequence, char *out, size_t size) {
    size_t at = 0;

    if (size == 0) return out;
    at = append(out, size, at, error->what[0] == '\0' ? "unknown error" : error->what);
    at = append_places(error, out, size, at);
    if (consequence != NULL && consequence[0] != '\0') {
        at = append(out, size, append(out, size, at, ": "), consequence);
        if (error->remedy[0] != '\0') at = append(out, size, append(out, size, at, "; "), error->remedy);
    } else if (error->remedy[0] != '\0') {
        at = append(out, size, append(out, size, at, ": "), error->remedy);
    }
    out[at] = '\0';
    if (at + 1 == size) trim_sequence(out);
    return out;
}
