// SPDX-License-Identifier: Apache-2.0
// Growing bytes: doubles its room, never beyond the maximum.
#include "platform/buffer.h"

#include "platform/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct buffer *buffer, size_t extra)
{
    size_t needed = buffer->length + extra;
    if (needed < buffer->length || (buffer->maximum > 0 && needed > buffer->maximum)) {
        return false;
    }
    if (needed < buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;
    while (capacity <= needed) {
        capacity *= 2;
    }
    buffer->data = memory_resize(buffer->data, capacity);
    buffer->capacity = capacity;
    return true;
}

bool buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
    if (!make_room(buffer, length)) {
        return false;
    }
    if (length > 0) {
        memcpy(buffer->data + buffer->length, bytes, length);
    }
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return true;
}

bool buffer_add_text(struct buffer *buffer, const char *text)
{
    return buffer_add(buffer, text, strlen(text));
}

bool buffer_add_number(struct buffer *buffer, size_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return buffer_add(buffer, digits + at, sizeof digits - at);
}

bool buffer_add_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !make_room(buffer, (size_t)length)) {
        return false;
    }
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
    return true;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

void buffer_recycle(struct buffer *buffer, size_t kept)
{
    if (buffer->capacity > kept) {
        buffer_free(buffer);
    } else {
        buffer_clear(buffer);
    }
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
}
