// SPDX-License-Identifier: Apache-2.0
// Refuses what hides in a target: encoded slashes, dots and control bytes, empty and dot segments.
#include "platform/http/target.h"

#include "domain/hex.h"

#include <string.h>

// The byte of `%xy`, or -1. The NUL after the target ends a cut-off one.
static int decoded(const char *percent)
{
    int high = hex_value(percent[1]);
    int low = high < 0 ? -1 : hex_value(percent[2]);
    return low < 0 ? -1 : high * 16 + low;
}

static bool characters_are_fine(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\') {
            return false;
        }
        if (c == '%' && decoded(text + i) <= 0) {
            return false;
        }
    }
    return true;
}

static bool path_hides_nothing(const char *path, size_t length)
{
    const char *end = path + length;
    for (const char *at = memchr(path, '%', length); at != NULL;
         at = memchr(at + 1, '%', (size_t)(end - at - 1))) {
        int byte = decoded(at);
        if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\' || byte == '.') {
            return false;
        }
    }
    return true;
}

static bool segments_are_plain(const char *path, size_t length)
{
    const char *end = path + length;
    for (const char *at = path; at < end;) {
        const char *segment = at + 1;
        const char *slash = memchr(segment, '/', (size_t)(end - segment));
        const char *next = slash != NULL ? slash : end;
        size_t size = (size_t)(next - segment);
        bool dots = (size == 1 || size == 2) && strspn(segment, ".") >= size;
        if (dots || (size == 0 && slash != NULL)) {
            return false;
        }
        at = next;
    }
    return true;
}

bool target_split(char *target, size_t length, size_t *ret_query)
{
    if (length == 0 || target[0] != '/' || !characters_are_fine(target, length)) {
        return false;
    }
    char *question = memchr(target, '?', length);
    size_t path_length = question != NULL ? (size_t)(question - target) : length;
    if (!path_hides_nothing(target, path_length) || !segments_are_plain(target, path_length)) {
        return false;
    }
    *ret_query = length;
    if (question != NULL) {
        *question = '\0';
        *ret_query = path_length + 1;
    }
    return true;
}
