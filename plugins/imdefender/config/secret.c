/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets from files, from systemd's credentials and from the environment. */
#include "secret.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "file.h"

#define CREDENTIAL "credential:"
#define ENVIRONMENT "env:"
#define NAME_MAX_LENGTH 255

/* The text behind a prefix, NULL if it begins otherwise. */
static const char *behind(const char *text, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* A name of a single file or variable: no slash, no leading dot. */
static bool is_name(const char *text) {
    size_t length = strlen(text);

    if (length == 0 || length > NAME_MAX_LENGTH || text[0] == '.') return false;
    for (const char *c = text; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("_-.@+", *c) == NULL) return false;
    }
    return true;
}

bool imd_secret_is_place(const char *text) {
    const char *name = behind(text, CREDENTIAL);

    if (name == NULL) name = behind(text, ENVIRONMENT);
    return name != NULL ? is_name(name) : text[0] == '/';
}

/* The path of the file a place stands for; NULL, and an error, if there is none. */
static const char *path_of(const char *place, char *out, size_t size, struct imd_error *error) {
    const char *name = behind(place, CREDENTIAL);
    const char *directory = getenv("CREDENTIALS_DIRECTORY");

    if (name == NULL) return place;
    if (directory == NULL || directory[0] != '/') {
        imd_error_set(error, "add LoadCredential= to the unit of rsyslog and let systemd start it",
                      "'%s' cannot be found: systemd gave this process no credentials", place);
        return NULL;
    }
    if ((size_t)snprintf(out, size, "%s/%s", directory, name) >= size) {
        imd_error_set(error, NULL, "the path of '%s' is too long", place);
        return NULL;
    }
    return out;
}

static int read_environment(const char *name, struct imd_buffer *out, struct imd_error *error) {
    const char *value = getenv(name);

    if (value == NULL) {
        return imd_error_set(error, "set it for the service of rsyslog, or name a file",
                             "there is no environment variable '%s'", name);
    }
    if (imd_buffer_add_text(out, value)) return 0;
    return imd_error_set(error, "check that it is the right one", "environment variable '%s' is larger than %zu bytes",
                         name, out->maximum);
}

static void strip_line_end(struct imd_buffer *secret) {
    if (secret->length == 0 || secret->data[secret->length - 1] != '\n') return;
    secret->length--;
    if (secret->length > 0 && secret->data[secret->length - 1] == '\r') secret->length--;
    secret->data[secret->length] = '\0';
}

/* Editors put one before the text (Windows' Notepad among them), where nobody sees it. */
static void strip_byte_order_mark(struct imd_buffer *secret) {
    if (secret->length < 3 || memcmp(secret->data, "\xEF\xBB\xBF", 3) != 0) return;
    secret->length -= 3;
    memmove(secret->data, secret->data + 3, secret->length + 1);
}

static int read_place(const char *place, enum imd_secret_guard guard, struct imd_buffer *out, struct imd_error *error) {
    char path[PATH_MAX];
    const char *name = behind(place, ENVIRONMENT);

    if (name != NULL) return read_environment(name, out, error);
    const char *file = path_of(place, path, sizeof path, error);
    if (file == NULL) return -1;
    return guard == IMD_SECRET_PRIVATE ? imd_file_read_private(file, out, error) : imd_file_read(file, out, error);
}

int imd_secret_read(const char *place, enum imd_secret_guard guard, size_t maximum, struct imd_buffer *out,
                    struct imd_error *error) {
    imd_buffer_init_secret(out, maximum < IMD_SECRET_MAX ? maximum : IMD_SECRET_MAX);
    if (read_place(place, guard, out, error) != 0) return -1;
    strip_line_end(out);
    strip_byte_order_mark(out);
    if (out->length == 0) return imd_error_set(error, "write the secret into it", "secret file '%s' is empty", place);
    if (memchr(out->data, '\0', out->length) != NULL) {
        return imd_error_set(error, "write the secret as one line of text", "secret file '%s' holds a 0 byte", place);
    }
    return 0;
}

int imd_secret_probe(const char *place, enum imd_secret_guard guard, size_t maximum, struct imd_error *error) {
    struct imd_buffer secret;
    int result = imd_secret_read(place, guard, maximum, &secret, error);

    imd_buffer_wipe(&secret);
    return result;
}

bool imd_secret_is_for_group(const char *place) {
    char path[PATH_MAX];
    struct stat status;
    const char *file = behind(place, ENVIRONMENT) != NULL ? NULL : path_of(place, path, sizeof path, NULL);

    return file != NULL && stat(file, &status) == 0 && (status.st_mode & S_IRGRP) != 0;
}
