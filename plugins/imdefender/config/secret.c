/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets from files. */
#include "secret.h"

#include <string.h>
#include "file.h"

static void strip_line_end(struct imd_buffer *secret) {
    if (secret->length == 0 || secret->data[secret->length - 1] != '\n') return;
    secret->length--;
    if (secret->length > 0 && secret->data[secret->length - 1] == '\r') secret->length--;
    secret->data[secret->length] = '\0';
}

int imd_secret_read(const char *path, size_t maximum, struct imd_buffer *out, struct imd_error *error) {
    imd_buffer_init(out, maximum < IMD_SECRET_MAX ? maximum : IMD_SECRET_MAX);
    if (imd_file_read(path, out, error) != 0) return -1;
    strip_line_end(out);
    if (out->length == 0) return imd_error_set(error, "write the secret into it", "secret file '%s' is empty", path);
    if (memchr(out->data, '\0', out->length) != NULL) {
        return imd_error_set(error, "write the secret as one line of text", "secret file '%s' holds a 0 byte", path);
    }
    return 0;
}

int imd_secret_probe(const char *path, size_t maximum, struct imd_error *error) {
    struct imd_buffer secret;
    int result = imd_secret_read(path, maximum, &secret, error);

    imd_buffer_wipe(&secret);
    return result;
}
