/* SPDX-License-Identifier: Apache-2.0 */
/* imdefenderctl: looks at what imdefender is told and what it remembers. It talks to no network. */
#include "imdefenderctl.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int count, char **arguments);
} commands[] = {{"parameters", ctl_parameters}, {"tenants", ctl_tenants}, {"status", ctl_status}};

static const char help[] =
    "Usage: imdefenderctl COMMAND [OPTION]...\n"
    "Looks at the configuration and the state of the rsyslog input module imdefender.\n"
    "\n"
    "Commands:\n"
    "  parameters [--format=text|markdown|json]\n"
    "                   print all parameters with type, default, unit, range and example\n"
    "  tenants FILE [--set NAME=VALUE]... [--json]\n"
    "                   read and check a tenants file as the module does; --set gives a\n"
    "                   parameter that stands in input() (an array: values with commas)\n"
    "  status --state-file FILE [--json]\n"
    "                   print what the state file knows of each feed; rsyslogd may be running\n"
    "  --help           print this text\n"
    "  --version        print the version\n"
    "\n"
    "Exit status:\n"
    "  0  done\n"
    "  1  it could not be done, or the file has an error (told on standard error)\n"
    "  2  the command line is wrong\n";

int ctl_usage(const char *format, ...) {
    va_list arguments;

    fputs("imdefenderctl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\nTry 'imdefenderctl --help'.\n", stderr);
    return CTL_USAGE;
}

int ctl_fail(const struct imd_error *error) {
    char text[2048];

    fprintf(stderr, "imdefenderctl: %s\n", imd_error_print(error, NULL, text, sizeof text));
    return CTL_FAILED;
}

int ctl_print_json(struct json_object *value) {
    int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;

    if (value == NULL) {
        fputs("imdefenderctl: not enough memory\n", stderr);
        return CTL_FAILED;
    }
    puts(json_object_to_json_string_ext(value, flags));
    json_object_put(value);
    return CTL_OK;
}

void ctl_add_text(struct json_object *object, const char *name, const char *text) {
    json_object_object_add(object, name, text == NULL ? NULL : json_object_new_string(text));
}

static int run(int count, char **arguments) {
    if (count < 2) return ctl_usage("a command is missing");
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) {
        fputs(help, stdout);
        return CTL_OK;
    }
    if (strcmp(arguments[1], "--version") == 0 || strcmp(arguments[1], "-V") == 0) {
        puts("imdefenderctl " IMD_VERSION);
        return CTL_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(arguments[1], commands[i].name) == 0) return commands[i].run(count - 1, arguments + 1);
    }
    return ctl_usage("unknown command '%s'", arguments[1]);
}

int main(int count, char **arguments) {
    setlocale(LC_CTYPE, "");
    int status = run(count, arguments);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("imdefenderctl: standard output");
        return CTL_FAILED;
    }
    return status;
}
