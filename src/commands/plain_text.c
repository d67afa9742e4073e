// SPDX-License-Identifier: Apache-2.0
// What steers a terminal, or turns the direction in which it writes: C0 and C1 controls, DEL, and
// the marks of Unicode for bidirectional text (UAX 9, section 2). The rest, UTF-8 among it, passes.
#include "commands/plain_text.h"

#include <stdbool.h>

static bool is_between(unsigned char byte, unsigned char first, unsigned char last)
{
    return byte >= first && byte <= last;
}

// How many of the bytes are one such character; 0: none is.
static size_t harmful(const unsigned char *bytes, size_t left)
{
    if (bytes[0] < 0x20 || bytes[0] == 0x7F) {
        return 1;
    }
    if (left >= 2 && bytes[0] == 0xC2 && is_between(bytes[1], 0x80, 0x9F)) {
        return 2;
    }
    const bool marks = left >= 3 && bytes[0] == 0xE2 &&
                       ((bytes[1] == 0x80 && is_between(bytes[2], 0x8E, 0x8F)) ||
                        (bytes[1] == 0x80 && is_between(bytes[2], 0xAA, 0xAE)) ||
                        (bytes[1] == 0x81 && is_between(bytes[2], 0xA6, 0xA9)));
    return marks ? 3 : 0;
}

void print_plain(FILE *to, const char *data, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t escaped = 0; // bytes of a harmful character that are still to come
    for (size_t i = 0; i < length; i++) {
        if (escaped == 0) {
            escaped = harmful(bytes + i, length - i);
        }
        if (escaped > 0) {
            fprintf(to, "\\x%02x", bytes[i]);
            escaped--;
        } else {
            fputc(bytes[i], to);
        }
    }
}
