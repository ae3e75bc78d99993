/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of JSON that lies validated in memory. */
#include "json.h"

#include <stdlib.h>
#include <string.h>
#include "json_bytes.h"
#include "json_scanner.h"

bool imd_json_valid(const char *json, size_t length, const char **problem) {
    struct imd_json_scanner scanner;
    imd_json_scanner_init(&scanner);
    const char *at = json;
    enum imd_json_event event = length > 0 ? imd_json_scan(&scanner, &at, json + length) : IMD_JSON_MORE;
    if (event == IMD_JSON_MORE && imd_json_scanner_complete(&scanner)) return true;
    if (problem) {
        if (event == IMD_JSON_MALFORMED)
            *problem = scanner.problem;
        else
            *problem = length == 0 ? "it is empty" : "it ends too early";
    }
    return false;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end) {
    for (at++; (at = imd_json_skip_text(at, end)) < end; at += 2) {
        if (*at == '"') return at + 1;
        if (end - at < 2) break;
    }
    return end;
}

/* Where the way over a container is. */
struct place {
    const char *at;
    size_t depth;
    bool in_string, escaped; /* `escaped`: the byte at `at` follows a backslash that counts */
};

#ifdef __SSE2__
/* Bit i stands for byte i of a block. */
struct block {
    uint64_t quotes, backslashes, opens, closes;
};

static struct block look_at_block(const char *at) {
    struct block block = {.quotes = 0};
    for (unsigned i = 0; i < 64; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20)); /* '[' becomes '{', and ']' becomes '}' */
        block.quotes |= (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))) << i;
        block.backslashes |= (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))) << i;
        block.opens |= (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{'))) << i;
        block.closes |= (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, _mm_set1_epi8('}'))) << i;
    }
    return block;
}

/* The bytes behind backslashes that count. */
static uint64_t find_escaped(uint64_t backslashes, bool *escaped) {
    uint64_t found = *escaped;
    *escaped = false;
    for (backslashes &= ~found; backslashes;) {
        int i = __builtin_ctzll(backslashes);
        *escaped = i == 63;
        if (i == 63) break;
        found |= UINT64_C(2) << i;
        backslashes &= ~(UINT64_C(3) << i);
    }
    return found;
}

/* From each quote to before the next one. */
static uint64_t find_strings(uint64_t quotes, bool *in_string) {
    for (unsigned shift = 1; shift < 64; shift *= 2) quotes ^= quotes << shift;
    if (*in_string) quotes = ~quotes;
    *in_string = quotes >> 63;
    return quotes;
}

/* Moves over 64 bytes; true if the container ends there, and `at` is behind it then. */
static bool skip_block(struct place *place) {
    struct block block = look_at_block(place->at);
    block.quotes &= ~find_escaped(block.backslashes, &place->escaped);
    uint64_t strings = find_strings(block.quotes, &place->in_string);
    for (uint64_t both = (block.opens | block.closes) & ~strings; both; both &= both - 1) {
        if (block.opens & both & -both) {
            place->depth++;
        } else if (--place->depth == 0) {
            place->at += __builtin_ctzll(both) + 1;
            return true;
        }
    }
    place->at += 64;
    return false;
}
#endif

/* From a container's opening bracket to behind its closing one. */
static const char *skip_container(const char *at, const char *end) {
    struct place place = {.at = at};
#ifdef __SSE2__
    while (end - place.at >= 64)
        if (skip_block(&place)) return place.at;
#endif
    if (place.escaped && place.at < end) place.at++;
    if (place.in_string) place.at = skip_string(place.at - 1, end);
    while (place.at < end) {
        switch (*place.at) {
            case '"':
                place.at = skip_string(place.at, end);
                continue;
            case '{':
            case '[':
                place.depth++;
                break;
            case '}':
            case ']':
                if (--place.depth == 0) return place.at + 1;
                break;
            default:
                break;
        }
        place.at++;
    }
    return end;
}

const char *imd_json_behind(const char *at, const char *end) {
    if (at == end) return end;
    if (*at == '"') return skip_string(at, end);
    if (*at == '{' || *at == '[') return skip_container(at, end);
    while (at < end && *at != ',' && *at != '}' && *at != ']' && !imd_json_is_space(*at)) at++;
    return at;
}

/* To the first byte of the value, past white space and a byte order mark. */
static const char *begin(struct imd_json_value value) {
    const char *at = value.data, *end = at + value.length;
    if (value.length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
    return imd_json_skip_space(at, end);
}

bool imd_json_next(struct imd_json_value container, size_t *position, struct imd_json_value *name,
                   struct imd_json_value *value) {
    return imd_json_next_known(container, position, (struct imd_json_value){.data = NULL}, name, value);
}

bool imd_json_next_known(struct imd_json_value container, size_t *position, struct imd_json_value known,
                         struct imd_json_value *name, struct imd_json_value *value) {
    if (container.length == 0) return false;
    const char *end = container.data + container.length;
    const char *first = begin(container);
    if (first == end || (*first != '{' && *first != '[')) return false;
    const char *at = imd_json_skip_space(*position > 0 ? container.data + *position : first + 1, end);
    if (at < end && *at == ',') at = imd_json_skip_space(at + 1, end);
    if (at == end || *at == '}' || *at == ']') return false;
    name->data = at;
    name->length = 0;
    if (*first == '{') {
        const char *behind = skip_string(at, end);
        if (*at != '"' || behind - at < 2) return false;
        name->data = at + 1;
        name->length = (size_t)(behind - at) - 2;
        at = imd_json_skip_space(behind, end);
        if (at == end || *at != ':') return false;
        at = imd_json_skip_space(at + 1, end);
    }
    value->data = at;
    at = at == known.data ? at + known.length : imd_json_behind(at, end);
    value->length = (size_t)(at - value->data);
    *position = (size_t)(at - container.data);
    return value->length > 0;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of "\uXXXX" at `at`, or -1 if there is none. */
static long code_unit(const char *at, const char *end) {
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
    long unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static char *put_utf8(char *out, unsigned long code) {
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xe0 | code >> 12);
        } else {
            *out++ = (char)(0xf0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

#define REPLACEMENT 0xfffd

/* Resolves one escape at *at and moves *at behind it. */
static char *put_escape(char *out, const char **at, const char *end, bool keep_nul) {
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    long unit = code_unit(*at, end);
    if (unit < 0) {
        char c = end - *at > 1 ? (*at)[1] : '\\';
        const char *letter = c ? strchr(letters, c) : NULL;
        *at += end - *at > 1 ? 2 : 1;
        *out++ = letter ? meanings[letter - letters] : c;
        return out;
    }
    *at += 6;
    if (unit == 0 && !keep_nul) return put_utf8(out, REPLACEMENT);
    if (unit < 0xd800 || unit > 0xdfff) return put_utf8(out, (unsigned long)unit);
    long low = unit < 0xdc00 ? code_unit(*at, end) : -1;
    if (low < 0xdc00 || low > 0xdfff) return put_utf8(out, REPLACEMENT);
    *at += 6;
    return put_utf8(out, 0x10000ul + ((unsigned long)(unit - 0xd800) << 10) + (unsigned long)(low - 0xdc00));
}

size_t imd_json_unescape(const char *from, const char *end, char *out, bool keep_nul) {
    char *start = out;
    while (from < end) {
        const char *escape = memchr(from, '\\', (size_t)(end - from));
        size_t run = (size_t)((escape ? escape : end) - from);
        memcpy(out, from, run);
        out += run;
        from += run;
        if (escape) out = put_escape(out, &from, end, keep_nul);
    }
    return (size_t)(out - start);
}

bool imd_json_name_is(struct imd_json_value name, const char *text) {
    size_t length = strlen(text);
    if (!memchr(name.data, '\\', name.length)) return name.length == length && memcmp(name.data, text, length) == 0;
    /* Resolved piece by piece, so that no name needs memory. */
    const char *at = name.data, *end = at + name.length;
    while (at < end) {
        char piece[4];
        const char *piece_end = piece + 1;
        if (*at == '\\')
            piece_end = put_escape(piece, &at, end, true);
        else
            piece[0] = *at++;
        size_t piece_length = (size_t)(piece_end - piece);
        if (piece_length > length || memcmp(piece, text, piece_length) != 0) return false;
        text += piece_length;
        length -= piece_length;
    }
    return length == 0;
}

bool imd_json_member(struct imd_json_value object, const char *name, struct imd_json_value *value) {
    if (object.length == 0) return false;
    const char *first = begin(object);
    if (first == object.data + object.length || *first != '{') return false;
    bool found = false;
    size_t position = 0;
    struct imd_json_value this_name, this_value;
    while (imd_json_next(object, &position, &this_name, &this_value)) {
        if (!imd_json_name_is(this_name, name)) continue;
        *value = this_value;
        found = true;
    }
    return found;
}

static bool is_string(struct imd_json_value value) {
    return value.length >= 2 && value.data[0] == '"';
}

long imd_json_string(struct imd_json_value value, char *out, size_t size) {
    if (size == 0) return -1;
    *out = '\0';
    if (!is_string(value)) return -1;
    const char *from = value.data + 1, *end = value.data + value.length - 1;
    if ((size_t)(end - from) < size) { /* resolving never makes it longer */
        size_t length = imd_json_unescape(from, end, out, false);
        out[length] = '\0';
        return (long)length;
    }
    if ((size_t)(end - from) / 6 >= size) return -1; /* nor to less than a sixth */
    char *copy = imd_json_string_dup(value);
    size_t length = copy ? strlen(copy) : size;
    bool fits = length < size;
    if (fits) memcpy(out, copy, length + 1);
    free(copy);
    return fits ? (long)length : -1;
}

char *imd_json_string_dup(struct imd_json_value value) {
    if (!is_string(value)) return NULL;
    char *out = malloc(value.length);
    if (!out) return NULL;
    out[imd_json_unescape(value.data + 1, value.data + value.length - 1, out, false)] = '\0';
    return out;
}

bool imd_json_integer(struct imd_json_value value, int64_t *number) {
    const char *at = value.data, *end = at + value.length;
    if (is_string(value)) {
        at++;
        end--;
    }
    bool negative = at < end && *at == '-';
    if (negative) at++;
    if (at == end) return false;
    /* Summed up below zero, where there is room for one more number. */
    int64_t sum = 0;
    for (; at < end; at++) {
        if (!imd_json_is_digit(*at)) return false;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *at - '0', &sum)) return false;
    }
    if (!negative && sum == INT64_MIN) return false;
    *number = negative ? sum : -sum;
    return true;
}

bool imd_json_is_null(struct imd_json_value value) {
    return value.length == 4 && memcmp(value.data, "null", 4) == 0;
}
