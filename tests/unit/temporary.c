/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of a test's own, with the files it needs. */
#include "temporary.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void give_up(const char *what) {
    perror(what);
    abort();
}

const char *temporary_folder(void) {
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/tmp/imdefender-test-XXXXXX");
        if (mkdtemp(folder) == NULL) give_up(folder);
    }
    return folder;
}

const char *temporary_path(const char *name) {
    static char paths[16][TEMPORARY_PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 16];

    snprintf(path, TEMPORARY_PATH_MAX, "%s/%s", temporary_folder(), name);
    return path;
}

const char *temporary_write(const char *name, const char *bytes, size_t length) {
    const char *path = temporary_path(name);
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) give_up(path);
    if (chmod(path, 0600) != 0) give_up(path);
    return path;
}

const char *temporary_text(const char *name, const char *text) {
    return temporary_write(name, text, strlen(text));
}

void temporary_remove(void) {
    char path[TEMPORARY_PATH_MAX + sizeof folder];
    DIR *directory = folder[0] == '\0' ? NULL : opendir(folder);

    if (directory == NULL) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(path) != 0) rmdir(path);
    }
    closedir(directory);
    rmdir(folder);
    folder[0] = '\0';
}
