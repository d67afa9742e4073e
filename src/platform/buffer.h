// SPDX-License-Identifier: Apache-2.0
// A growing run of bytes with a maximum, always followed by a NUL. `struct buffer b = {0}` is an
// empty one without a bound; buffer_free gives its memory back and makes it empty again.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* NULL while nothing was ever added */
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes; 0: no bound */
};

// Adds bytes; false, and nothing added, when that would pass the maximum.
bool buffer_add(struct buffer *buffer, const void *bytes, size_t length);
bool buffer_add_text(struct buffer *buffer, const char *text);
bool buffer_add_number(struct buffer *buffer, size_t number); /* in decimal */
bool buffer_add_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Forgets the content, keeps the memory.
void buffer_clear(struct buffer *buffer);

// Forgets the content, and gives the memory back when it is more than `kept` bytes.
void buffer_recycle(struct buffer *buffer, size_t kept);

void buffer_free(struct buffer *buffer);
