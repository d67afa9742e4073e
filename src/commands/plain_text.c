// SPDX-License-Identifier: Apache-2.0
// Escapes C0 controls and DEL; the rest, UTF-8 among it, passes.
#include "commands/plain_text.h"

#include <stdbool.h>

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

void print_plain(FILE *to, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)data[i];
        if (is_control(byte)) {
            fprintf(to, "\\x%02x", byte);
        } else {
            fputc(byte, to);
        }
    }
}
