// SPDX-License-Identifier: Apache-2.0
// UUIDs: their text and the layout of version 7. Pure functions of their arguments.
#include "domain/uuid.h"

#include "domain/hex.h"

#include <string.h>

#define UUID_TEXT_LENGTH (UUID_TEXT_SIZE - 1)

// Where the two digits of each byte stand in the text, and the hyphens between them.
static const uint8_t digits_at[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
static const uint8_t hyphens_at[4] = {8, 13, 18, 23};

static bool has_hyphens(const char *text)
{
    bool has = true;
    for (size_t i = 0; i < sizeof hyphens_at; i++) {
        has = has && text[hyphens_at[i]] == '-';
    }
    return has;
}

// Looks at every digit before it judges: what is random has no branch that a processor can foresee.
bool uuid_parse(const char *text, size_t length, struct uuid *ret)
{
    if (length != UUID_TEXT_LENGTH || !has_hyphens(text)) {
        return false;
    }
    struct uuid id;
    int all = 0; /* negative once a digit was none */
    for (size_t byte = 0; byte < sizeof id.bytes; byte++) {
        const char *digits = text + digits_at[byte];
        const int high = hex_value(digits[0]);
        const int low = hex_value(digits[1]);
        all |= high | low;
        id.bytes[byte] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    if (all < 0) {
        return false;
    }
    *ret = id;
    return true;
}

void uuid_format(const struct uuid *id, char text[static UUID_TEXT_SIZE])
{
    for (size_t byte = 0; byte < sizeof id->bytes; byte++) {
        hex_write(id->bytes[byte], text + digits_at[byte]);
    }
    for (size_t i = 0; i < sizeof hyphens_at; i++) {
        text[hyphens_at[i]] = '-';
    }
    text[UUID_TEXT_LENGTH] = '\0';
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
