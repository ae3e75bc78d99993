/* SPDX-License-Identifier: Apache-2.0 */
/* The table of parameters as rsyslog's configuration parser wants it. */
#include "parameter_block.h"

#include <stdlib.h>

#include "parserif.h"

extern int yylineno; /* of rsyslog's parser; newer releases declare it where they use it */

enum { ROWS_MAX = 64 };

struct block {
    struct cnfparamblk block;
    struct cnfparamdescr descriptions[ROWS_MAX];
    const struct imd_parameter *parameters[ROWS_MAX];
};

struct imd_config_place imd_config_place_now(void) {
    return (struct imd_config_place){.file = cnfcurrfn, .line = yylineno > 0 ? (unsigned)yylineno : 0};
}

static void build(struct block *block, unsigned scope) {
    unsigned short count = 0;
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL && count < ROWS_MAX; row++) {
        if ((row->scope & scope) != 0) {
            block->descriptions[count] =
                (struct cnfparamdescr){row->name, row->type == IMD_TYPE_CHOICES ? eCmdHdlrArray : eCmdHdlrString, 0};
            block->parameters[count++] = row;
        }
    }
    block->block = (struct cnfparamblk){CNFPARAMBLK_VERSION, count, block->descriptions};
}

/* Texts of one value; all are to be freed by free_texts(). */
static char **new_texts(const struct cnfparamvals *value, bool array, size_t *count) {
    *count = array ? (size_t)value->val.d.ar->nmemb : 1;
    char **texts = calloc(*count + 1, sizeof(*texts));
    for (size_t i = 0; texts != NULL && i < *count; i++) {
        texts[i] = es_str2cstr(array ? value->val.d.ar->arr[i] : value->val.d.estr, NULL);
    }
    return texts;
}

static bool complete(char *const *texts, size_t count) {
    for (size_t i = 0; texts != NULL && i < count; i++) {
        if (texts[i] == NULL) {
            return false;
        }
    }
    return texts != NULL;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts != NULL && i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

static bool take_value(const struct block *block, unsigned short index, const struct cnfparamvals *value,
                       const struct imd_parameter_reader *reader) {
    size_t count = 0;
    char **texts = new_texts(value, block->descriptions[index].type == eCmdHdlrArray, &count);
    const bool whole = complete(texts, count);
    if (whole) {
        reader->take(reader->context, block->parameters[index], (const char *const *)texts, count);
    }
    free_texts(texts, count);
    return whole;
}

/* rsyslog would report what nobody has used, but start the object nevertheless; and it knows no "did you mean". */
static bool take_unknown(struct nvlst *list, unsigned scope, const struct imd_parameter_reader *reader) {
    for (; list != NULL; list = list->next) {
        if (list->bUsed) {
            continue;
        }
        char *name = es_str2cstr(list->name, NULL);
        if (name == NULL) {
            return false;
        }
        reader->take_unknown(reader->context, name, imd_parameter_nearest(name, scope));
        list->bUsed = 1;
        free(name);
    }
    return true;
}

bool imd_parameter_block_read(struct nvlst *list, unsigned scope, const struct imd_parameter_reader *reader) {
    struct block block;
    build(&block, scope);
    struct cnfparamvals *values = nvlstGetParams(list, &block.block, NULL);
    if (values == NULL) {
        return false;
    }
    bool read = true;
    for (unsigned short i = 0; read && i < block.block.nParams; i++) {
        read = !values[i].bUsed || take_value(&block, i, &values[i], reader);
    }
    read = read && take_unknown(list, scope, reader);
    if (!read) {
        LogError(0, RS_RET_OUT_OF_MEMORY, "imdefender: no memory to read the configuration");
    }
    cnfparamvalsDestruct(values, &block.block);
    return read;
}
