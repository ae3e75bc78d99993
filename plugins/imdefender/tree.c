/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent over validated bytes; the validation bounds the depth (IMD_JSON_DEPTH_MAX).
 *
 * Two things make it fast: strings without escapes go into the tree from where they lie, and the search for a member of
 * the same name, which libfastjson makes from front to back at every addition, is replaced by a hash of the names. */
#include "tree.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libfastjson/json.h>

#include "base/json.h"
#include "base/json_bytes.h"
#include "shared_text.h"

struct builder {
    const char *at;
    const char *end;
    bool failed; /* memory is short */
    unsigned depth;
    struct imd_shared_texts *texts; /* may be NULL */
    char *scratch;                  /* a decoded name or string, or a number with its 0 byte */
    size_t scratch_size;
    char scratch_space[512]; /* what `scratch` is until more is needed */
};

static struct fjson_object *build_value(struct builder *builder);

/* --- names of an object's members that may be there already --- */

#define NAMES_INLINE 128 /* a power of 2 */

/* Hashes of the names, 0 standing for an empty slot. Equal names always have equal hashes, upper and lower case
 * being the same, since libfastjson can be told to compare that way; other names hardly ever do. */
struct names {
    uint32_t *slots;
    size_t size, count;
    uint32_t inline_slots[NAMES_INLINE];
};

static void names_init(struct names *names) {
    names->slots = names->inline_slots;
    names->size = NAMES_INLINE;
    names->count = 0;
    memset(names->inline_slots, 0, sizeof(names->inline_slots));
}

static void names_free(struct names *names) {
    if (names->slots != names->inline_slots) free(names->slots);
}

/* Returns the slot that holds `hash`, or the empty one where it belongs. */
static uint32_t *find_slot(uint32_t *slots, size_t size, uint32_t hash) {
    size_t i = hash & (size - 1);
    while (slots[i] != 0 && slots[i] != hash) i = (i + 1) & (size - 1);
    return &slots[i];
}

static bool names_grow(struct names *names) {
    size_t size = names->size * 4;
    uint32_t *slots = calloc(size, sizeof(*slots));
    if (!slots) return false;
    for (size_t i = 0; i < names->size; i++)
        if (names->slots[i] != 0) *find_slot(slots, size, names->slots[i]) = names->slots[i];
    names_free(names);
    names->slots = slots;
    names->size = size;
    return true;
}

/* Adds a name by its hash. Returns whether one like it may be there already. */
static bool names_add(struct builder *builder, struct names *names, uint32_t hash) {
    if (names->count >= names->size / 2 && !names_grow(names)) {
        builder->failed = true;
        return false;
    }
    uint32_t *slot = find_slot(names->slots, names->size, hash);
    if (*slot == hash) return true;
    *slot = hash;
    names->count++;
    return false;
}

/* --- names that are kept for good --- */

#define KNOWN_SLOTS 2048 /* a power of 2 */
#define KNOWN_MAX 1000   /* names; any further one is copied into its object */
#define KNOWN_LENGTH 64

/* An API has some hundred names, which come again in each object: libfastjson need not copy and free them each time. */
struct known {
    uint32_t hash;
    size_t length;
    char name[]; /* with a 0 byte */
};

static struct {
    pthread_mutex_t lock; /* for adding */
    size_t count;
    struct known *slots[KNOWN_SLOTS]; /* atomic: never changed again once set */
} known_names = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The slot that holds the name, or an empty one where it belongs. */
static struct known **find_known(const char *name, size_t length, uint32_t hash) {
    for (size_t i = hash & (KNOWN_SLOTS - 1);; i = (i + 1) & (KNOWN_SLOTS - 1)) {
        const struct known *known = __atomic_load_n(&known_names.slots[i], __ATOMIC_ACQUIRE);
        if (!known || (known->hash == hash && known->length == length && memcmp(known->name, name, length) == 0))
            return &known_names.slots[i];
    }
}

static struct known *make_known(const char *name, size_t length, uint32_t hash) {
    struct known *known = malloc(sizeof(*known) + length + 1);
    if (!known) return NULL;
    known->hash = hash;
    known->length = length;
    memcpy(known->name, name, length);
    known->name[length] = '\0';
    return known;
}

/* A name that lives for ever, or NULL. */
static const char *know_name(const char *name, size_t length, uint32_t hash) {
    if (length > KNOWN_LENGTH) return NULL;
    struct known **slot = find_known(name, length, hash), *known = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (known) return known->name;
    if (__atomic_load_n(&known_names.count, __ATOMIC_RELAXED) >= KNOWN_MAX) return NULL;
    pthread_mutex_lock(&known_names.lock);
    slot = find_known(name, length, hash); /* it may have come meanwhile */
    if (!*slot && known_names.count < KNOWN_MAX) {
        __atomic_store_n(slot, make_known(name, length, hash), __ATOMIC_RELEASE);
        if (*slot) __atomic_store_n(&known_names.count, known_names.count + 1, __ATOMIC_RELAXED);
    }
    known = *slot;
    pthread_mutex_unlock(&known_names.lock);
    return known ? known->name : NULL;
}

/* --- tokens --- */

static struct fjson_object *made(struct builder *builder, struct fjson_object *object) {
    if (!object) builder->failed = true;
    return object;
}

static void skip_space(struct builder *builder) {
    if (builder->at < builder->end && imd_json_is_space(*builder->at))
        builder->at = imd_json_skip_space(builder->at, builder->end);
}

/* Moves over `c` if it is next. */
static bool take(struct builder *builder, char c) {
    skip_space(builder);
    if (builder->at == builder->end || *builder->at != c) return false;
    builder->at++;
    return true;
}

static bool reserve_scratch(struct builder *builder, size_t size) {
    if (size <= builder->scratch_size) return true;
    char *larger = malloc(size);
    if (!larger) {
        builder->failed = true;
        return false;
    }
    if (builder->scratch != builder->scratch_space) free(builder->scratch);
    builder->scratch = larger;
    builder->scratch_size = size;
    return true;
}

struct text {
    const char *data; /* NULL when memory is short */
    size_t length;
};

/* Reads a string behind its opening quote. Without escapes the text lies in the JSON itself, else in the scratch. */
static struct text read_string(struct builder *builder) {
    const char *from = builder->at, *at = imd_json_skip_text(from, builder->end);
    bool escapes = at < builder->end && *at == '\\';
    while (at < builder->end && *at == '\\')
        at = builder->end - at < 2 ? builder->end : imd_json_skip_text(at + 2, builder->end);
    builder->at = at < builder->end ? at + 1 : at;
    struct text text = {.data = from, .length = (size_t)(at - from)};
    if (!escapes) return text;
    text.data = NULL;
    if (!reserve_scratch(builder, text.length + 1)) return text;
    text.length = imd_json_unescape(from, at, builder->scratch, true);
    text.data = builder->scratch;
    return text;
}

static struct fjson_object *build_string(struct builder *builder) {
    struct text text = read_string(builder);
    return made(builder, text.data ? imd_shared_text(builder->texts, text.data, text.length) : NULL);
}

/* Clamped to 64 bits, as the tokener does. */
static int64_t read_integer(const char *at, const char *end) {
    bool negative = at < end && *at == '-';
    int64_t sum = 0; /* below zero, where there is room for one more number */
    for (at += negative; at < end; at++)
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *at - '0', &sum))
            return negative ? INT64_MIN : INT64_MAX;
    if (negative) return sum;
    return sum == INT64_MIN ? INT64_MAX : -sum;
}

static struct fjson_object *build_double(struct builder *builder, const char *from, size_t length) {
    if (!reserve_scratch(builder, length + 1)) return NULL;
    memcpy(builder->scratch, from, length);
    builder->scratch[length] = '\0';
    /* Whatever the process's locale has as its decimal point. Newly made, but glibc allocates nothing for "C". */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) {
        builder->failed = true;
        return NULL;
    }
    double number = strtod_l(builder->scratch, NULL, c_locale);
    freelocale(c_locale);
    return made(builder, fjson_object_new_double_s(number, builder->scratch));
}

static struct fjson_object *build_number(struct builder *builder) {
    const char *from = builder->at, *at = from;
    bool integer = true;
    for (; at < builder->end; at++) {
        if (imd_json_is_digit(*at) || *at == '-') continue;
        if (*at != '.' && *at != 'e' && *at != 'E' && *at != '+') break;
        integer = false;
    }
    builder->at = at;
    if (!integer) return build_double(builder, from, (size_t)(at - from));
    return made(builder, fjson_object_new_int64(read_integer(from, at)));
}

/* --- arrays and objects --- */

static struct fjson_object *new_array(struct builder *builder) {
    struct fjson_object *array = made(builder, fjson_object_new_array());
    if (array && !fjson_object_get_array(array)) {
        /* libfastjson hands out an array without its list when memory is short between the two, and crashes when
         * such a one is put; it consists of this one allocation. */
        free(array);
        builder->failed = true;
        return NULL;
    }
    return array;
}

/* Returns `container`, or NULL and frees it if something in it failed. */
static struct fjson_object *finish(struct builder *builder, struct fjson_object *container) {
    builder->depth--;
    if (!builder->failed) return container;
    fjson_object_put(container);
    return NULL;
}

static struct fjson_object *build_array(struct builder *builder) {
    struct fjson_object *array = new_array(builder);
    if (!array) return NULL;
    builder->depth++;
    while (!builder->failed && builder->at < builder->end && !take(builder, ']')) {
        struct fjson_object *element = build_value(builder);
        if (!builder->failed && fjson_object_array_add(array, element) != 0) {
            fjson_object_put(element);
            builder->failed = true;
        }
        take(builder, ',');
    }
    return finish(builder, array);
}

/* A member's name, in the heap if `space` is too small. */
struct name {
    char *text; /* with its 0 byte */
    size_t length;
    uint32_t hash;
    char space[128];
};

/* Adds a member, taking `value` over. */
static void add_member(struct builder *builder, struct fjson_object *object, const struct name *name, bool maybe_there,
                       struct fjson_object *value) {
    const char *known = know_name(name->text, name->length, name->hash);
    unsigned options = (maybe_there ? 0 : FJSON_OBJECT_ADD_KEY_IS_NEW) | (known ? FJSON_OBJECT_KEY_IS_CONSTANT : 0);
    errno = 0;
    fjson_object_object_add_ex(object, known ? known : name->text, value, options);
    if (errno != ENOMEM) return;
    /* It returns nothing. Either it had no room for the member or none for its name; in both cases it does not see the
     * value when the object is freed. */
    fjson_object_put(value);
    builder->failed = true;
}

/* Reads a name behind its opening quote, and the colon; the scratch is for the value. False when memory is short. */
static bool read_name(struct builder *builder, struct name *name) {
    struct text text = read_string(builder);
    name->text = !text.data || text.length < sizeof(name->space) ? name->space : malloc(text.length + 1);
    if (!text.data || !name->text) {
        builder->failed = true;
        return false;
    }
    memcpy(name->text, text.data, text.length);
    name->text[text.length] = '\0';
    name->length = memchr(name->text, '\0', text.length) ? strlen(name->text) : text.length;
    name->hash = imd_text_hash(name->text, name->length);
    take(builder, ':');
    return true;
}

static void free_name(struct name *name) {
    if (name->text != name->space) free(name->text);
}

/* Reads a member behind its name's opening quote. */
static void build_member(struct builder *builder, struct fjson_object *object, struct names *names) {
    struct name name;
    if (!read_name(builder, &name)) return;
    bool maybe_there = names_add(builder, names, name.hash);
    struct fjson_object *value = builder->failed ? NULL : build_value(builder);
    if (!builder->failed) add_member(builder, object, &name, maybe_there, value);
    free_name(&name);
}

static struct fjson_object *build_object(struct builder *builder) {
    struct fjson_object *object = made(builder, fjson_object_new_object());
    if (!object) return NULL;
    struct names names;
    names_init(&names);
    builder->depth++;
    while (!builder->failed && take(builder, '"')) {
        build_member(builder, object, &names);
        take(builder, ',');
    }
    take(builder, '}');
    names_free(&names);
    return finish(builder, object);
}

static struct fjson_object *build_literal(struct builder *builder, size_t length, fjson_bool truth) {
    builder->at = (size_t)(builder->end - builder->at) < length ? builder->end : builder->at + length;
    return made(builder, fjson_object_new_boolean(truth));
}

/* NULL for null, and when it failed. */
static struct fjson_object *build_value(struct builder *builder) {
    skip_space(builder);
    if (builder->at == builder->end) return NULL;
    switch (*builder->at) {
        case '"':
            builder->at++;
            return build_string(builder);
        case '{':
        case '[':
            if (builder->depth == IMD_JSON_DEPTH_MAX) break; /* not what was validated */
            return *builder->at++ == '{' ? build_object(builder) : build_array(builder);
        case 't':
            return build_literal(builder, 4, 1);
        case 'f':
            return build_literal(builder, 5, 0);
        case 'n':
            builder->at = builder->end - builder->at < 4 ? builder->end : builder->at + 4;
            return NULL;
        case '-':
        case '0' ... '9':
            return build_number(builder);
        default:
            break;
    }
    builder->failed = true;
    return NULL;
}

/* --- summary --- */

static bool only_strings(struct imd_json_value array) {
    char first = *imd_json_skip_space(array.data + 1, array.data + array.length - 1);
    if (first == '{' || first == '[') return false; /* without going through all that is in it */
    struct imd_json_value name, element;
    for (size_t position = 0; imd_json_next(array, &position, &name, &element);)
        if (*element.data != '"') return false;
    return true;
}

/* Scalars and arrays of strings are for the summary: NULL. Else returns what follows the value at builder->at. */
static const char *behind_nested(const struct builder *builder, struct imd_json_value largest) {
    const char *at = builder->at;
    if (at == builder->end || (*at != '{' && *at != '[')) return NULL;
    const char *behind = at == largest.data ? at + largest.length : imd_json_behind(at, builder->end);
    struct imd_json_value value = {.data = at, .length = (size_t)(behind - at)};
    return *at == '[' && only_strings(value) ? NULL : behind;
}

/* Reads a member behind its name's opening quote. The last one of a name counts, also if it is not for the summary. */
static void build_summary_member(struct builder *builder, struct fjson_object *object, struct names *names,
                                 struct imd_json_value largest) {
    struct name name;
    if (!read_name(builder, &name)) return;
    bool maybe_there = names_add(builder, names, name.hash);
    skip_space(builder);
    const char *behind = behind_nested(builder, largest);
    if (behind) {
        builder->at = behind;
        if (maybe_there) fjson_object_object_del(object, name.text);
    } else if (!builder->failed) {
        struct fjson_object *value = build_value(builder);
        if (!builder->failed) add_member(builder, object, &name, maybe_there, value);
    }
    free_name(&name);
}

static struct fjson_object *build_summary(struct builder *builder, struct imd_json_value largest) {
    struct fjson_object *object = made(builder, fjson_object_new_object());
    if (!object) return NULL;
    struct names names;
    names_init(&names);
    builder->at++;
    builder->depth++;
    while (!builder->failed && take(builder, '"')) {
        build_summary_member(builder, object, &names, largest);
        take(builder, ',');
    }
    names_free(&names);
    return finish(builder, object);
}

struct fjson_object *imd_tree_build(const char *json, size_t length, enum imd_parse_json mode,
                                    struct imd_json_value largest, struct imd_shared_texts *texts) {
    if (mode == IMD_PARSE_JSON_OFF) return fjson_object_new_object();
    struct builder builder = {.at = json, .end = json + length, .failed = false, .depth = 0, .texts = texts};
    builder.scratch = builder.scratch_space;
    builder.scratch_size = sizeof(builder.scratch_space);
    int saved_errno = errno;
    if (length >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0) builder.at += 3;
    skip_space(&builder);
    struct fjson_object *tree;
    if (mode == IMD_PARSE_JSON_SUMMARY && builder.at < builder.end && *builder.at == '{')
        tree = build_summary(&builder, largest);
    else
        tree = build_value(&builder);
    if (builder.scratch != builder.scratch_space) free(builder.scratch);
    errno = saved_errno;
    return tree;
}
