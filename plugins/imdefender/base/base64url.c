/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"

#include <stdint.h>

bool imd_base64url_add(struct imd_buffer *out, const void *bytes, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *from = bytes;

    if (length > SIZE_MAX / 2 || !imd_buffer_reserve(out, (length * 4 + 2) / 3)) return false;
    for (size_t i = 0; i < length; i += 3) {
        size_t rest = length - i;
        uint32_t group = (uint32_t)from[i] << 16;
        if (rest > 1) group |= (uint32_t)from[i + 1] << 8;
        if (rest > 2) group |= from[i + 2];
        size_t count = rest > 2 ? 4 : rest + 1;
        for (size_t k = 0; k < count; k++) imd_buffer_add_char(out, digits[group >> (18 - 6 * k) & 63]);
    }
    return true;
}

static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

size_t imd_base64url_decode(const char *text, size_t length, char *out) {
    uint32_t value = 0;
    unsigned bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < length && text[i] != '='; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0) return 0;
        value = value << 6 | (uint32_t)digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out[n++] = (char)(value >> bits);
    }
    return n;
}
