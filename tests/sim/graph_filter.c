/* SPDX-License-Identifier: Apache-2.0 */
/* OData $filter: a parser by recursive descent and its evaluation. */
#include "graph_filter.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph_time.h"

#define GRAPH_FILTER_DEPTH 100

enum kind { OR, AND, EQ, NE, GT, GE, LT, LE };

struct graph_filter {
    enum kind kind;
    struct graph_filter *left, *right; /* OR, AND */
    int property;                      /* the rest */
    int type;
    char *text; /* NULL: null */
    int64_t time;
};

struct parser {
    const struct graph_source *source;
    const char *at;
    struct graph_buffer *problem;
    unsigned depth;
};

void graph_filter_free(struct graph_filter *filter) {
    if (filter != NULL) {
        graph_filter_free(filter->left);
        graph_filter_free(filter->right);
        free(filter->text);
        free(filter);
    }
}

static void *refuse(struct parser *parser, const char *what, const char *detail, size_t length) {
    if (parser->problem->length == 0) {
        graph_buffer_print(parser->problem, "Invalid filter clause: %s '%.*s'.", what, (int)length, detail);
    }
    return NULL;
}

static void skip_space(struct parser *parser) {
    while (*parser->at == ' ' || *parser->at == '\t') {
        parser->at++;
    }
}

/* The word (identifier, number or time) that begins here. */
static size_t word_length(const struct parser *parser) {
    return strcspn(parser->at, " \t()',");
}

static bool take_word(struct parser *parser, const char *word) {
    skip_space(parser);
    size_t length = word_length(parser);
    if (length != strlen(word) || memcmp(parser->at, word, length) != 0) {
        return false;
    }
    parser->at += length;
    return true;
}

static char *read_string(struct parser *parser) {
    struct graph_buffer text = {0};
    graph_buffer_text(&text, "");
    for (parser->at++; *parser->at != '\0'; parser->at++) {
        if (*parser->at == '\'') {
            if (parser->at[1] != '\'') {
                parser->at++;
                return text.bytes;
            }
            parser->at++;
        }
        graph_buffer_add(&text, parser->at, 1);
    }
    graph_buffer_free(&text);
    return refuse(parser, "unterminated string literal", "", 0);
}

static bool is_member(const char *const *members, const char *text) {
    for (; *members != NULL; members++) {
        if (strcmp(*members, text) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_quoted(struct parser *parser, struct graph_filter *node, const struct graph_property *property) {
    node->text = read_string(parser);
    if (node->text == NULL) {
        return false;
    }
    if (property->type == GRAPH_TIME || property->type == GRAPH_NUMBER) {
        refuse(parser, "a binary operator with incompatible types was detected, Edm.DateTimeOffset and Edm.String",
               node->text, strlen(node->text));
        return false;
    }
    if (property->type == GRAPH_ENUM && !is_member(property->values, node->text)) {
        refuse(parser, "the string is not a valid enumeration type constant", node->text, strlen(node->text));
        return false;
    }
    return true;
}

static bool read_literal(struct parser *parser, struct graph_filter *node) {
    const struct graph_property *property = &parser->source->properties[node->property];
    skip_space(parser);
    node->type = property->type;
    if (*parser->at == '\'') {
        return read_quoted(parser, node, property);
    }
    size_t length = word_length(parser);
    const char *word = parser->at;
    parser->at += length;
    if (length == 4 && memcmp(word, "null", 4) == 0) {
        if (node->kind != EQ && node->kind != NE) {
            refuse(parser, "only eq and ne take", word, length);
            return false;
        }
        return true;
    }
    if (property->type == GRAPH_TIME && graph_time_parse(word, length, &node->time)) {
        node->text = graph_copy(word, length);
        return true;
    }
    if (property->type == GRAPH_NUMBER && strspn(word, "0123456789") >= length) {
        node->text = graph_copy(word, length);
        return true;
    }
    refuse(parser, "unrecognized literal", word, length);
    return false;
}

static struct graph_filter *read_comparison(struct parser *parser) {
    static const char *const names[] = {"eq", "ne", "gt", "ge", "lt", "le"};
    size_t length = word_length(parser);
    const char *word = parser->at;
    struct graph_filter *node = graph_alloc(sizeof *node);
    parser->at += length;
    node->property = graph_source_property(parser->source, word, length);
    if (node->property < 0) {
        graph_filter_free(node);
        return refuse(parser, "filtering is not supported on", word, length);
    }
    bool known = false;
    for (int i = 0; i < 6 && !known; i++) {
        known = take_word(parser, names[i]);
        node->kind = known ? (enum kind)(EQ + i) : EQ;
    }
    bool orders = node->kind != EQ && node->kind != NE;
    if (!known || (orders && parser->source->properties[node->property].type != GRAPH_TIME)) {
        graph_filter_free(node);
        return refuse(parser, "unsupported operator on", word, length);
    }
    if (!read_literal(parser, node)) {
        graph_filter_free(node);
        return NULL;
    }
    return node;
}

static struct graph_filter *read_or(struct parser *parser);

static struct graph_filter *read_primary(struct parser *parser) {
    skip_space(parser);
    if (*parser->at != '(') {
        return read_comparison(parser);
    }
    if (++parser->depth > GRAPH_FILTER_DEPTH) {
        return refuse(parser, "nested too deeply", "", 0);
    }
    parser->at++;
    struct graph_filter *node = read_or(parser);
    skip_space(parser);
    if (node != NULL && *parser->at != ')') {
        graph_filter_free(node);
        return refuse(parser, "')' expected at", parser->at, strlen(parser->at));
    }
    parser->at += node != NULL ? 1 : 0;
    parser->depth--;
    return node;
}

static struct graph_filter *join(enum kind kind, struct graph_filter *left, struct graph_filter *right) {
    if (right == NULL) {
        graph_filter_free(left);
        return NULL;
    }
    struct graph_filter *node = graph_alloc(sizeof *node);
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static struct graph_filter *read_and(struct parser *parser) {
    struct graph_filter *node = read_primary(parser);
    while (node != NULL && take_word(parser, "and")) {
        node = join(AND, node, read_primary(parser));
    }
    return node;
}

static struct graph_filter *read_or(struct parser *parser) {
    struct graph_filter *node = read_and(parser);
    while (node != NULL && take_word(parser, "or")) {
        node = join(OR, node, read_and(parser));
    }
    return node;
}

struct graph_filter *graph_filter_parse(const struct graph_source *source, const char *text,
                                        struct graph_buffer *problem) {
    struct parser parser = {source, text, problem, 0};
    struct graph_filter *filter = read_or(&parser);
    skip_space(&parser);
    if (filter != NULL && *parser.at != '\0') {
        graph_filter_free(filter);
        return refuse(&parser, "syntax error at", parser.at, strlen(parser.at));
    }
    return filter;
}

static bool compare(const struct graph_filter *filter, const struct graph_version *version) {
    const char *text = version->values[filter->property].text;
    if (text == NULL || filter->text == NULL) {
        bool both = text == NULL && filter->text == NULL;
        return filter->kind == EQ ? both : filter->kind == NE && !both;
    }
    if (filter->type != GRAPH_TIME) {
        bool same = strcasecmp(text, filter->text) == 0;
        return filter->kind == EQ ? same : !same;
    }
    int64_t left = version->values[filter->property].time, right = filter->time;
    switch (filter->kind) {
        case EQ:
            return left == right;
        case NE:
            return left != right;
        case GT:
            return left > right;
        case GE:
            return left >= right;
        case LT:
            return left < right;
        default:
            return left <= right;
    }
}

bool graph_filter_matches(const struct graph_filter *filter, const struct graph_version *version) {
    if (filter->kind == OR) {
        return graph_filter_matches(filter->left, version) || graph_filter_matches(filter->right, version);
    }
    if (filter->kind == AND) {
        return graph_filter_matches(filter->left, version) && graph_filter_matches(filter->right, version);
    }
    return compare(filter, version);
}
