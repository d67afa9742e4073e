// SPDX-License-Identifier: Apache-2.0
// The settings of settings.def, read from the environment or from the file that NAME_FILE names,
// and checked row by row.
#include "platform/config.h"

#include "platform/memory.h"
#include "platform/unix_address.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 8192 /* bytes of one value */

enum kind { SECRET, SECRET_URL, URL, ADDRESS, FILE_PATH, TEXT, NUMBER, DECIMAL, CHOICE };
#define KIND_SECRET SECRET
#define KIND_SECRET_URL SECRET_URL
#define KIND_URL URL
#define KIND_ADDRESS ADDRESS
#define KIND_FILE FILE_PATH
#define KIND_TEXT TEXT
#define KIND_NUMBER NUMBER
#define KIND_DECIMAL DECIMAL
#define KIND_CHOICE CHOICE

// One row of the table.
struct row {
    const char *name;
    enum kind kind;
    const char *fallback;
    double minimum;
    double maximum;
    const char *unit; /* of a CHOICE: its words, separated by | */
    const char *meaning;
};

static const struct row rows[SETTING_COUNT] = {
#define SETTING(name, kind, ...) {#name, KIND_##kind, __VA_ARGS__},
#include "platform/settings.def"
#undef SETTING
};

enum origin { FROM_NOWHERE, FROM_DEFAULT, FROM_ENVIRONMENT, FROM_FILE };

struct value {
    char *text; /* NULL: none */
    int64_t number;
    double decimal;
    enum origin origin;
};

struct config {
    struct value values[SETTING_COUNT];
};

#define fail(error, ...) (snprintf((error), CONFIG_ERROR_SIZE, __VA_ARGS__), false)

// ---- reading

static bool read_file(const struct row *row, const char *path, char **ret_text,
                      char error[static CONFIG_ERROR_SIZE])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fail(error, "%s_FILE: cannot read %s: %s", row->name, path, strerror(errno));
    }
    char text[VALUE_MAX + 1];
    size_t length = fread(text, 1, sizeof text, file);
    bool good = !ferror(file) && length <= VALUE_MAX;
    fclose(file);
    if (good && length > 0 && text[length - 1] == '\n') {
        length--;
    }
    if (good) {
        *ret_text = memory_copy(text, length);
    }
    explicit_bzero(text, sizeof text);
    return good || fail(error, "%s_FILE: %s cannot be read or is larger than %d bytes", row->name,
                        path, VALUE_MAX);
}

static bool read_value(const struct row *row, struct value *value,
                       char error[static CONFIG_ERROR_SIZE])
{
    char file_name[128];
    snprintf(file_name, sizeof file_name, "%s_FILE", row->name);
    const char *text = getenv(row->name);
    const char *path = getenv(file_name);
    if (text != NULL && path != NULL) {
        return fail(error, "%s and %s are both set: set one of them", row->name, file_name);
    }
    if (path != NULL) {
        value->origin = FROM_FILE;
        return read_file(row, path, &value->text, error);
    }
    if (text != NULL && text[0] != '\0') {
        value->origin = FROM_ENVIRONMENT;
        value->text = memory_copy_text(text);
    } else if (row->fallback != NULL) {
        value->origin = FROM_DEFAULT;
        value->text = memory_copy_text(row->fallback);
    }
    return true;
}

// ---- checking

static bool check_number(const struct row *row, struct value *value,
                         char error[static CONFIG_ERROR_SIZE])
{
    char *end = NULL;
    errno = 0;
    value->number = strtoll(value->text, &end, 10);
    if (errno != 0 || end == value->text || *end != '\0' || (double)value->number < row->minimum ||
        (double)value->number > row->maximum) {
        return fail(error, "%s must be a whole number between %.0f and %.0f %s", row->name,
                    row->minimum, row->maximum, row->unit);
    }
    return true;
}

static bool check_decimal(const struct row *row, struct value *value,
                          char error[static CONFIG_ERROR_SIZE])
{
    char *end = NULL;
    value->decimal = strtod(value->text, &end);
    if (end == value->text || *end != '\0' || !isfinite(value->decimal) ||
        value->decimal < row->minimum || value->decimal > row->maximum) {
        return fail(error, "%s must be a number between %g and %g", row->name, row->minimum,
                    row->maximum);
    }
    return true;
}

static bool check_choice(const struct row *row, const struct value *value,
                         char error[static CONFIG_ERROR_SIZE])
{
    size_t length = strlen(value->text);
    for (const char *word = row->unit; word != NULL;) {
        const char *bar = strchr(word, '|');
        size_t word_length = bar != NULL ? (size_t)(bar - word) : strlen(word);
        if (word_length == length && strncmp(word, value->text, length) == 0) {
            return true;
        }
        word = bar != NULL ? bar + 1 : NULL;
    }
    return fail(error, "%s must be one of %s", row->name, row->unit);
}

static bool check_unix_path(const struct row *row, const char *path,
                            char error[static CONFIG_ERROR_SIZE])
{
    return unix_path_is_good(path) ||
           fail(error,
                "%s: after unix: must come an absolute path without colons, of 107 bytes at most",
                row->name);
}

static bool check_address(const struct row *row, const struct value *value,
                          char error[static CONFIG_ERROR_SIZE])
{
    const char *colon = strrchr(value->text, ':');
    char *end = NULL;
    long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
    bool good = colon != NULL && colon != value->text && end != colon + 1 && *end == '\0' &&
                port >= 0 && port <= 65535;
    if (value->text[0] != '\0' && !good) {
        return fail(error, "%s must be host:port, such as 127.0.0.1:9999, or unix:/path",
                    row->name);
    }
    return true;
}

static bool check_url(const struct row *row, const struct value *value,
                      char error[static CONFIG_ERROR_SIZE])
{
    if (strncmp(value->text, "http://", 7) != 0 && strncmp(value->text, "https://", 8) != 0) {
        return fail(error, "%s must begin with http://, https:// or unix:", row->name);
    }
    return true;
}

static bool check_secret(const struct row *row, const struct value *value,
                         char error[static CONFIG_ERROR_SIZE])
{
    double length = (double)strlen(value->text);
    if (length < row->minimum || length > row->maximum) {
        return fail(error, "%s must have between %.0f and %.0f %s", row->name, row->minimum,
                    row->maximum, row->unit);
    }
    return true;
}

static bool check_value(const struct row *row, struct value *value,
                        char error[static CONFIG_ERROR_SIZE])
{
    const char *path = unix_address_path(value->text);
    switch (row->kind) {
    case NUMBER:
        return check_number(row, value, error);
    case DECIMAL:
        return check_decimal(row, value, error);
    case CHOICE:
        return check_choice(row, value, error);
    case ADDRESS:
        return path != NULL ? check_unix_path(row, path, error) : check_address(row, value, error);
    case URL:
        return path != NULL ? check_unix_path(row, path, error) : check_url(row, value, error);
    case SECRET:
        return check_secret(row, value, error);
    case SECRET_URL:
    case FILE_PATH:
    case TEXT:
        break; /* judged by whoever opens it */
    }
    return true;
}

struct config *config_load(char error[static CONFIG_ERROR_SIZE])
{
    struct config *config = memory_zeroed(1, sizeof *config);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        struct value *value = &config->values[i];
        if (!read_value(&rows[i], value, error) ||
            (value->text != NULL && !check_value(&rows[i], value, error))) {
            config_free(&config);
            return NULL;
        }
    }
    return config;
}

void config_free(struct config **config)
{
    if (*config == NULL) {
        return;
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char *text = (*config)->values[i].text;
        if (text != NULL) {
            explicit_bzero(text, strlen(text));
            free(text);
        }
    }
    free(*config);
    *config = NULL;
}

// ---- asking

bool config_require(const struct config *config, enum setting setting,
                    char error[static CONFIG_ERROR_SIZE])
{
    const char *text = config->values[setting].text;
    if (text == NULL || text[0] == '\0') {
        return fail(error, "%s is not set: %s", rows[setting].name, rows[setting].meaning);
    }
    return true;
}

const char *config_name(enum setting setting)
{
    return rows[setting].name;
}

const char *config_text(const struct config *config, enum setting setting)
{
    const char *text = config->values[setting].text;
    return text != NULL ? text : "";
}

int64_t config_number(const struct config *config, enum setting setting)
{
    return config->values[setting].number;
}

double config_decimal(const struct config *config, enum setting setting)
{
    return config->values[setting].decimal;
}

bool config_is_set(const struct config *config, enum setting setting)
{
    enum origin origin = config->values[setting].origin;
    return origin == FROM_ENVIRONMENT || origin == FROM_FILE;
}

// ---- showing

static void print_value(const struct row *row, const struct value *value, FILE *to)
{
    if (value->text == NULL || value->text[0] == '\0') {
        fputs("(none)", to);
    } else if (row->kind == SECRET || row->kind == SECRET_URL) {
        fputs("********", to);
    } else {
        fputs(value->text, to);
    }
}

void config_print(const struct config *config, FILE *to)
{
    static const char *const origins[] = {"not set", "default", "environment", "file"};
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct row *row = &rows[i];
        const struct value *value = &config->values[i];
        const char *unit = row->unit;
        fprintf(to, "%s=", row->name);
        print_value(row, value, to);
        fprintf(to, "\n    %s%s%s%s; from: %s\n", row->meaning, unit[0] != '\0' ? " [" : "", unit,
                unit[0] != '\0' ? "]" : "", origins[value->origin]);
    }
}
