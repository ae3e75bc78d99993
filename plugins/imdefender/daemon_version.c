/* SPDX-License-Identifier: Apache-2.0 */
/* Which release of rsyslog is running. See the header for why it is read from memory. */
#include "daemon_version.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>

/* `[origin software="rsyslogd" swVersion="8.2302.0" x-pid=...`: the message rsyslogd writes when it starts. */
static const char MARK[] = "software=\"rsyslogd\" swVersion=\"";

/* An image is read from end to end, over everything that lies in it: to the address sanitizer, if the image was built
 * with it, that looks like running over the end of each object. */
#define READS_ACROSS_OBJECTS __attribute__((no_sanitize("address")))

READS_ACROSS_OBJECTS static bool begins_with_mark(const char *at) {
    size_t i = 0;
    while (i < sizeof(MARK) - 1 && at[i] == MARK[i]) {
        i++;
    }
    return i == sizeof(MARK) - 1;
}

READS_ACROSS_OBJECTS static bool copy_version(const char *from, size_t available, char out[IMD_DAEMON_VERSION_MAX]) {
    size_t length = 0;
    while (length < available && length < IMD_DAEMON_VERSION_MAX - 1 && from[length] > ' ' && from[length] < 0x7f &&
           from[length] != '"') {
        out[length] = from[length];
        length++;
    }
    const bool whole = length > 0 && length < available && from[length] == '"';
    out[whole ? length : 0] = '\0';
    return whole;
}

bool imd_daemon_version_find(const void *image, size_t length, char out[IMD_DAEMON_VERSION_MAX]) {
    const char *const bytes = image;
    out[0] = '\0';
    for (size_t at = 0; at + sizeof(MARK) - 1 <= length; at++) {
        const size_t behind = at + sizeof(MARK) - 1;
        if (begins_with_mark(bytes + at) && copy_version(bytes + behind, length - behind, out)) {
            return true;
        }
    }
    return false;
}

struct search {
    uintptr_t address;
    char *out;
    bool found;
};

static bool holds_address(const struct dl_phdr_info *object, uintptr_t address) {
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && address - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz) {
            return true;
        }
    }
    return false;
}

/* Writable segments are left out: constants are not there, and other threads may be writing. */
static int search_object(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    struct search *search = context;
    if (!holds_address(object, search->address)) {
        return 0;
    }
    for (size_t i = 0; i < object->dlpi_phnum && !search->found; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) != 0 && (segment->p_flags & PF_W) == 0) {
            search->found = imd_daemon_version_find((const void *)(object->dlpi_addr + segment->p_vaddr),
                                                    segment->p_memsz, search->out);
        }
    }
    return 1;
}

bool imd_daemon_version_of(const void *address, char out[IMD_DAEMON_VERSION_MAX]) {
    struct search search = {.address = (uintptr_t)address, .out = out};
    out[0] = '\0';
    dl_iterate_phdr(search_object, &search);
    return search.found;
}
