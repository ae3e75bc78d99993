/* SPDX-License-Identifier: Apache-2.0 */
/* Steps over runs of JSON bytes, many at a time: where the time of scanning goes.
 *
 * Each function returns the first byte from `at` on that is of another kind, or `end`; none reads at or past `end`.
 * The _portable forms serve machines without SSE2, the last bytes before `end`, and the tests as reference. */
#ifndef IMD_JSON_BYTES_H
#define IMD_JSON_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool imd_json_is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool imd_json_is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Nothing to look at inside a string: neither its end, an escape, a control character nor the start of UTF-8. */
static inline bool imd_json_is_plain(char c) {
    return c != '"' && c != '\\' && (signed char)c >= 0x20;
}

/* Each byte of a word that is `byte` makes the result other than 0. */
static inline uint64_t imd_json_word_has(uint64_t word, unsigned char byte) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t zeroes = word ^ (ones * byte);
    return (zeroes - ones) & ~zeroes & (ones << 7);
}

static inline const char *imd_json_skip_plain_portable(const char *at, const char *end) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        uint64_t special = (word | (word - ones * 0x20)) & (ones << 7);
        if (special | imd_json_word_has(word, '"') | imd_json_word_has(word, '\\')) break;
    }
    while (at < end && imd_json_is_plain(*at)) at++;
    return at;
}

static inline const char *imd_json_skip_text_portable(const char *at, const char *end) {
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        if (imd_json_word_has(word, '"') | imd_json_word_has(word, '\\')) break;
    }
    while (at < end && *at != '"' && *at != '\\') at++;
    return at;
}

static inline const char *imd_json_skip_space_portable(const char *at, const char *end) {
    while (at < end && imd_json_is_space(*at)) at++;
    return at;
}

/* Over plain bytes of a string (imd_json_is_plain()). */
static inline const char *imd_json_skip_plain(const char *at, const char *end) {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* As signed numbers, control characters and bytes from 0x80 on are both below 0x20. */
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask) return at + __builtin_ctz(mask);
    }
#endif
    return imd_json_skip_plain_portable(at, end);
}

/* Over everything but '"' and '\\', for strings that are known to be valid. */
static inline const char *imd_json_skip_text(const char *at, const char *end) {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        if (mask) return at + __builtin_ctz(mask);
    }
#endif
    return imd_json_skip_text_portable(at, end);
}

/* Over white space. */
static inline const char *imd_json_skip_space(const char *at, const char *end) {
    if (at == end || !imd_json_is_space(*at)) return at;
    at++;
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i line_ends =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
        __m128i blanks =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(line_ends, blanks)) ^ 0xffffu;
        if (mask) return at + __builtin_ctz(mask);
    }
#endif
    return imd_json_skip_space_portable(at, end);
}

#endif
