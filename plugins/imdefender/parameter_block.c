/* SPDX-License-Identifier: Apache-2.0 */
/* The table of parameters as rsyslog's configuration parser wants it. */
#include "parameter_block.h"

#include <stdlib.h>

#include "parserif.h"

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
            block->descriptions[count] = (struct cnfparamdescr){
                row->name, row->type == IMD_TYPE_CHOICES ? eCmdHdlrArray : eCmdHdlrString, 0};
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

bool imd_parameter_block_read(struct nvlst *list, unsigned scope,
                              void (*each)(void *context, const struct imd_parameter *parameter,
                                           const char *const values[], size_t count),
                              void *context) {
    struct block block;
    build(&block, scope);
    struct cnfparamvals *values = nvlstGetParams(list, &block.block, NULL);
    bool read = values != NULL;
    for (unsigned short i = 0; read && i < block.block.nParams; i++) {
        if (!values[i].bUsed) {
            continue;
        }
        size_t count = 0;
        char **texts = new_texts(&values[i], block.descriptions[i].type == eCmdHdlrArray, &count);
        read = complete(texts, count);
        if (read) {
            each(context, block.parameters[i], (const char *const *)texts, count);
        } else {
            LogError(0, RS_RET_OUT_OF_MEMORY, "imdefender: no memory to read the configuration");
        }
        free_texts(texts, count);
    }
    if (values != NULL) {
        cnfparamvalsDestruct(values, &block.block);
    }
    return read;
}
