// SPDX-License-Identifier: Apache-2.0
// Structured log to standard output, one line an event. A line is written with one write(2), so
// lines of several threads and processes never mix. Values are escaped: nothing that came from
// outside can forge a line. Callers never pass secrets, tokens or a person's emotions.
#pragma once

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_AS_TEXT, LOG_AS_JSON };

struct log_field {
    const char *key;  /* NULL ends the list */
    const char *text; /* NULL: the number counts */
    int64_t number;
};

struct log;

// Opens the log of a process; `name` stands in every line. The caller closes it last of all.
struct log *log_open(const char *name, enum log_level least, enum log_format format);
void log_close(struct log **log);

// Writes one line. `fields` ends with a key of NULL. Safe from every thread.
void log_write(struct log *log, enum log_level level, const char *message,
               const struct log_field *fields);

#define LOG_TEXT(key, value)                                                                       \
    {                                                                                              \
        (key), (value), 0                                                                          \
    }
#define LOG_NUMBER(key, value)                                                                     \
    {                                                                                              \
        (key), NULL, (int64_t)(value)                                                              \
    }

// log_info(log, "offer activated", LOG_TEXT("offer_id", id), LOG_NUMBER("tries", 1));
#define log_at(log, level, message, ...)                                                           \
    log_write((log), (level), (message), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(log, ...) log_at((log), LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...) log_at((log), LOG_INFO, __VA_ARGS__)
#define log_warning(log, ...) log_at((log), LOG_WARNING, __VA_ARGS__)
#define log_error(log, ...) log_at((log), LOG_ERROR, __VA_ARGS__)
