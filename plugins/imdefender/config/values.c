/* SPDX-License-Identifier: Apache-2.0 */
/* Values of parameters from text. */
#include "values.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Reads digits; *end points behind them. */
static bool read_number(const char *text, int64_t *number, const char **end) {
    int64_t value = 0;

    if (!is_digit(*text)) return false;
    for (; is_digit(*text); text++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *text - '0', &value))
            return false;
    }
    *number = value;
    *end = text;
    return true;
}

/* A number and at most one of the letters, each of which stands for a factor. */
static bool read_scaled(const char *text, const char *letters, const int64_t factors[], int64_t *number) {
    const char *unit;
    int64_t value;

    if (!read_number(text, &value, &unit)) return false;
    if (*unit != '\0') {
        const char *letter = strchr(letters, lower(*unit));
        if (letter == NULL || unit[1] != '\0' || __builtin_mul_overflow(value, factors[letter - letters], &value)) {
            return false;
        }
    }
    *number = value;
    return true;
}

bool imd_value_duration(const char *text, int64_t *seconds) {
    static const int64_t factors[] = {1, 60, 3600, 86400};
    return read_scaled(text, "smhd", factors, seconds);
}

bool imd_value_size(const char *text, int64_t *bytes) {
    static const int64_t factors[] = {1 << 10, 1 << 20, 1 << 30};
    return read_scaled(text, "kmg", factors, bytes);
}

bool imd_value_integer(const char *text, int64_t *number) {
    const char *end;
    int64_t value;

    if (!read_number(*text == '-' ? text + 1 : text, &value, &end) || *end != '\0') return false;
    *number = *text == '-' ? -value : value;
    return true;
}

bool imd_value_guid(const char *text, char *out) {
    char guid[37];

    for (int i = 0; i < 36; i++) {
        char c = lower(text[i]);
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !(is_digit(c) || (c >= 'a' && c <= 'f'))) return false;
        guid[i] = c;
    }
    if (text[36] != '\0') return false;
    guid[36] = '\0';
    memcpy(out, guid, sizeof guid);
    return true;
}

/* Labels of letters, digits and inner hyphens. An underscore occurs in names of internal hosts. */
static bool is_host_name(const char *text, size_t length, unsigned *labels) {
    size_t in_label = 0;

    *labels = 0;
    if (length == 0 || length > 253) return false;
    for (size_t i = 0; i <= length; i++) {
        if (i == length || text[i] == '.') {
            if (in_label == 0 || in_label > 63 || text[i - 1] == '-' || text[i - in_label] == '-') return false;
            in_label = 0;
            (*labels)++;
        } else if (is_letter(text[i]) || is_digit(text[i]) || text[i] == '-' || text[i] == '_') {
            in_label++;
        } else {
            return false;
        }
    }
    return true;
}

bool imd_value_domain(const char *text) {
    unsigned labels;

    if (!is_host_name(text, strlen(text), &labels) || labels < 2 || strchr(text, '_') != NULL) return false;
    for (const char *p = strrchr(text, '.') + 1; *p != '\0'; p++) {
        if (!is_digit(*p)) return true; /* a last label of digits alone would be an IP address */
    }
    return false;
}

static bool read_port(const char *text, const char *end) {
    unsigned port = 0;

    if (text == end || end - text > 5) return false;
    for (; text < end; text++) {
        if (!is_digit(*text)) return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    return port >= 1 && port <= 65535;
}

/* The host of an authority without user information, brackets of an IPv6 address taken off. */
struct host {
    char name[254];
    bool is_ipv6;
};

static bool read_host(const char *text, const char *end, struct host *host) {
    const char *name = text, *name_end, *port = NULL;
    struct in6_addr address;
    unsigned labels;

    host->is_ipv6 = text < end && *text == '[';
    if (host->is_ipv6) {
        name_end = memchr(text, ']', (size_t)(end - text));
        if (name_end == NULL) return false;
        name++;
        if (name_end + 1 != end) port = name_end + 1;
    } else {
        port = memchr(text, ':', (size_t)(end - text));
        name_end = port == NULL ? end : port;
    }
    size_t length = (size_t)(name_end - name);
    if (length == 0 || length >= sizeof host->name) return false;
    memcpy(host->name, name, length);
    host->name[length] = '\0';
    if (port != NULL && (*port != ':' || !read_port(port + 1, end))) return false;
    return host->is_ipv6 ? inet_pton(AF_INET6, host->name, &address) == 1 : is_host_name(host->name, length, &labels);
}

static bool is_loopback(const struct host *host) {
    unsigned char bytes[16];

    if (host->is_ipv6)
        return inet_pton(AF_INET6, host->name, bytes) == 1 && IN6_IS_ADDR_LOOPBACK((struct in6_addr *)bytes);
    if (inet_pton(AF_INET, host->name, bytes) == 1) return bytes[0] == 127;
    return strcasecmp(host->name, "localhost") == 0;
}

static bool refuse(const char **problem, const char *why) {
    *problem = why;
    return false;
}

/* A character that no URL may hold unencoded, or that parsers disagree about. */
static bool has_odd_character(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7F || strchr("\\\"<>^`{|}", *text) != NULL)
            return true;
    }
    return false;
}

/* What URLs of both kinds must fulfil behind their scheme. */
static bool check_authority(const char *authority, const char *end, struct host *host, const char **problem) {
    if (memchr(authority, '@', (size_t)(end - authority)) != NULL) {
        return refuse(problem, "a user name or password in a URL is not accepted");
    }
    if (!read_host(authority, end, host)) return refuse(problem, "its host or port is malformed");
    return true;
}

bool imd_value_url(const char *text, size_t *length, const char **problem) {
    struct host host;
    bool is_https = strncasecmp(text, "https://", 8) == 0;

    if (!is_https && strncasecmp(text, "http://", 7) != 0) return refuse(problem, "it does not begin with https://");
    const char *authority = text + (is_https ? 8 : 7);
    const char *end = authority + strcspn(authority, "/?#");
    if (!check_authority(authority, end, &host, problem)) return false;
    if (has_odd_character(text)) return refuse(problem, "it holds a character that is not allowed in a URL");
    if (strpbrk(end, "?#") != NULL) return refuse(problem, "a query or fragment is not accepted");
    if (strchr(end, '@') != NULL) return refuse(problem, "'@' is not accepted");
    if (!is_https && !is_loopback(&host)) {
        return refuse(problem,
                      "http:// is accepted for loopback addresses only, since tokens would be sent in clear text");
    }
    size_t size = strlen(text);
    while (text + size > end && text[size - 1] == '/') size--;
    *length = size;
    return true;
}

bool imd_value_proxy(const char *text, size_t *length, const char **problem) {
    static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h", NULL};
    const char *authority = strstr(text, "://");
    struct host host;

    if (authority != NULL) {
        char scheme[8];
        size_t size = (size_t)(authority - text);
        if (size >= sizeof scheme) return refuse(problem, "its scheme is unknown");
        memcpy(scheme, text, size);
        scheme[size] = '\0';
        if (imd_value_choice(scheme, schemes) < 0) return refuse(problem, "its scheme is unknown");
        authority += 3;
    } else {
        authority = text;
    }
    const char *end = authority + strcspn(authority, "/?#");
    if (!check_authority(authority, end, &host, problem)) return false;
    if (strspn(end, "/") != strlen(end)) return refuse(problem, "a path is not accepted");
    *length = (size_t)(end - text);
    return true;
}

bool imd_value_facility(const char *text, int *facility) {
    static const char *const names[] = {"kern",   "user",   "mail",   "daemon",   "auth",   "syslog", "lpr",
                                        "news",   "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",
                                        "alert",  "clock",  "local0", "local1",   "local2", "local3", "local4",
                                        "local5", "local6", "local7", NULL};
    int64_t number = imd_value_choice(text, names);

    if (number < 0 && (!imd_value_integer(text, &number) || number < 0 || number > 23)) return false;
    *facility = (int)number;
    return true;
}

/* Length of the UTF-8 sequence at the text, 0 if it is malformed (RFC 3629: no overlong forms, no surrogates). */
static size_t sequence_length(const unsigned char *p) {
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4 || (p[1] & 0xC0) != 0x80) return 0;
    if (p[0] < 0xE0) return 2;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[2] & 0xC0) != 0x80) return 0;
    if (p[0] < 0xF0) return 3;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F) || (p[3] & 0xC0) != 0x80) return 0;
    return 4;
}

bool imd_value_clean(const char *text) {
    const unsigned char *p = (const unsigned char *)text;

    while (*p != '\0') {
        size_t length = sequence_length(p);
        if (length == 0 || *p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] < 0xA0)) return false;
        p += length;
    }
    return true;
}

int imd_value_choice(const char *text, const char *const *choices) {
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcasecmp(text, choices[i]) == 0) return i;
    }
    return -1;
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

unsigned imd_value_distance(const char *a, const char *b) {
    unsigned rows[3][64]; /* distances of the beginnings of `a` to all beginnings of `b`: row before last, last, this */
    size_t length_a = strnlen(a, 63), length_b = strnlen(b, 63);
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= length_b; j++) before[j] = last[j] = (unsigned)j;
    for (size_t i = 1; i <= length_a; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= length_b; j++) {
            unsigned differ = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = least(last[j - 1] + differ, least(last[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[length_b];
}
