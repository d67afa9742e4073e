// SPDX-License-Identifier: Apache-2.0
// The log of a process: builds a line in memory and hands it to standard output in one write.
#include "platform/log.h"

#include "domain/timestamp.h"
#include "platform/buffer.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_LINE_MAX 8192 /* bytes; a longer line is cut at a field */

struct log {
    char *name;
    enum log_level least;
    enum log_format format;
};

struct log *log_open(const char *name, enum log_level least, enum log_format format)
{
    struct log *log = memory_zeroed(1, sizeof *log);
    log->name = memory_copy_text(name);
    log->least = least;
    log->format = format;
    return log;
}

void log_close(struct log **log)
{
    if (*log == NULL) {
        return;
    }
    free((*log)->name);
    free(*log);
    *log = NULL;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    return names[level];
}

// Escapes as JSON strings do, which in the text form keeps a value on its line and inside its
// quotes.
static void add_escaped(struct buffer *line, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\') {
            buffer_add_format(line, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            buffer_add_format(line, "\\u%04x", c);
        } else {
            buffer_add(line, at, 1);
        }
    }
}

static void add_quoted(struct buffer *line, const char *text)
{
    buffer_add(line, "\"", 1);
    add_escaped(line, text);
    buffer_add(line, "\"", 1);
}

static bool is_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') {
            return false;
        }
    }
    return *text != '\0';
}

static void add_text_field(struct buffer *line, const struct log_field *field)
{
    if (field->text == NULL) {
        buffer_add_format(line, " %s=%lld", field->key, (long long)field->number);
        return;
    }
    buffer_add_format(line, " %s=", field->key);
    if (is_plain(field->text)) {
        buffer_add_text(line, field->text);
    } else {
        add_quoted(line, field->text);
    }
}

static void add_json_field(struct buffer *line, const struct log_field *field)
{
    buffer_add_format(line, ",\"%s\":", field->key);
    if (field->text == NULL) {
        buffer_add_format(line, "%lld", (long long)field->number);
    } else {
        add_quoted(line, field->text);
    }
}

static void add_text_line(struct buffer *line, const struct log *log, const char *now,
                          enum log_level level, const char *message, const struct log_field *fields)
{
    buffer_add_format(line, "%s - %s - ", now, level_name(level));
    add_escaped(line, message);
    buffer_add_format(line, " process=%s", log->name);
    for (const struct log_field *field = fields; field->key != NULL; field++) {
        add_text_field(line, field);
    }
}

static void add_json_line(struct buffer *line, const struct log *log, const char *now,
                          enum log_level level, const char *message, const struct log_field *fields)
{
    buffer_add_format(line, "{\"timestamp\":\"%s\",\"level\":\"%s\",\"message\":", now,
                      level_name(level));
    add_quoted(line, message);
    buffer_add_text(line, ",\"process\":");
    add_quoted(line, log->name);
    for (const struct log_field *field = fields; field->key != NULL; field++) {
        add_json_field(line, field);
    }
    buffer_add_text(line, "}");
}

static void write_whole(const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, data, length);
        if (written < 0 && errno != EINTR) {
            return; /* nobody to tell */
        }
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        }
    }
}

void log_write(struct log *log, enum log_level level, const char *message,
               const struct log_field *fields)
{
    if (level < log->least) {
        return;
    }
    char now[TIMESTAMP_TEXT_SIZE];
    timestamp_format(clock_now(), now);
    struct buffer line = {.maximum = LOG_LINE_MAX};
    if (log->format == LOG_AS_JSON) {
        add_json_line(&line, log, now, level, message, fields);
    } else {
        add_text_line(&line, log, now, level, message, fields);
    }
    line.maximum = 0;
    buffer_add(&line, "\n", 1);
    write_whole(line.data, line.length);
    buffer_free(&line);
}
