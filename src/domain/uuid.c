// SPDX-License-Identifier: Apache-2.0
// UUIDs: their text and the layout of version 7. Pure functions of their arguments.
#include "domain/uuid.h"

#include <string.h>

#define UUID_TEXT_LENGTH (UUID_TEXT_SIZE - 1)

// The bytes before which the text has a hyphen.
static bool hyphen_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

bool uuid_parse(const char *text, size_t length, struct uuid *ret)
{
    if (length != UUID_TEXT_LENGTH) {
        return false;
    }
    struct uuid id;
    for (size_t byte = 0; byte < sizeof id.bytes; byte++) {
        if (hyphen_before(byte) && *text++ != '-') {
            return false;
        }
        int high = digit_value(*text++);
        int low = digit_value(*text++);
        if (high < 0 || low < 0) {
            return false;
        }
        id.bytes[byte] = (uint8_t)(high << 4 | low);
    }
    *ret = id;
    return true;
}

void uuid_format(const struct uuid *id, char text[static UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t byte = 0; byte < sizeof id->bytes; byte++) {
        if (hyphen_before(byte)) {
            *text++ = '-';
        }
        *text++ = digits[id->bytes[byte] >> 4];
        *text++ = digits[id->bytes[byte] & 0xf];
    }
    *text = '\0';
}

struct uuid uuid_v7(uint64_t unix_ms, const uint8_t random[static 10])
{
    struct uuid id;
    for (size_t byte = 0; byte < 6; byte++) {
        id.bytes[byte] = (uint8_t)(unix_ms >> (8 * (5 - byte)));
    }
    memcpy(id.bytes + 6, random, 10);
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return uuid_compare(a, b) == 0;
}
