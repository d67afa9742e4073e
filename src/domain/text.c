// SPDX-License-Identifier: Apache-2.0
// Reading UTF-8 that was checked before (RFC 3629 section 3).
#include "domain/text.h"

uint32_t text_next_character(const char **at)
{
    const unsigned char *bytes = (const unsigned char *)*at;
    if (bytes[0] < 0x80) {
        *at += bytes[0] != 0;
        return bytes[0];
    }
    size_t length = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    uint32_t character = bytes[0] & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        character = character << 6 | (bytes[i] & 0x3FU);
    }
    *at += length;
    return character;
}

size_t text_count_characters(const char *text)
{
    size_t count = 0;
    while (text_next_character(&text) != 0) {
        count++;
    }
    return count;
}

static bool is_control(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7F && c < 0xA0);
}

bool text_has_control(const char *text)
{
    for (uint32_t c = text_next_character(&text); c != 0; c = text_next_character(&text)) {
        if (is_control(c)) {
            return true;
        }
    }
    return false;
}
