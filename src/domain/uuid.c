// SPDX-License-Identifier: Apache-2.0
// UUIDs: their text and the layout of version 7. Pure functions of their arguments.
#include "domain/uuid.h"

#include "domain/hex.h"

#include <endian.h>
#include <string.h>

#define UUID_TEXT_LENGTH (UUID_TEXT_SIZE - 1)

// Between eight, four, four, four and twelve digits.
static const uint8_t hyphens_at[4] = {8, 13, 18, 23};

static bool has_hyphens(const char *text)
{
    bool has = true;
    for (size_t i = 0; i < sizeof hyphens_at; i++) {
        has = has && text[hyphens_at[i]] == '-';
    }
    return has;
}

// Four bytes as a word, the first in its lowest.
static uint32_t load(const void *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return le32toh(word);
}

static void store(uint32_t word, void *to)
{
    word = htole32(word);
    memcpy(to, &word, sizeof word);
}

// Where each four digits stand in the text: two times four are four bytes of the id.
static const uint8_t fours_at[8] = {0, 4, 9, 14, 19, 24, 28, 32};

// Looks at every digit before it judges: what is random has no branch that a processor can foresee.
bool uuid_parse(const char *text, size_t length, struct uuid *ret)
{
    if (length != UUID_TEXT_LENGTH || !has_hyphens(text)) {
        return false;
    }
    struct uuid id;
    uint64_t good = HEX_EACH(0x80);
    for (size_t word = 0; word < 4; word++) {
        const uint64_t first = load(text + fours_at[2 * word]);
        const uint64_t second = load(text + fours_at[2 * word + 1]);
        store(hex_read_eight(first | second << 32, &good), id.bytes + 4 * word);
    }
    if (good != HEX_EACH(0x80)) {
        return false;
    }
    *ret = id;
    return true;
}

void uuid_format(const struct uuid *id, char text[static UUID_TEXT_SIZE])
{
    for (size_t word = 0; word < 4; word++) {
        const uint64_t digits = hex_write_eight(load(id->bytes + 4 * word));
        store((uint32_t)digits, text + fours_at[2 * word]);
        store((uint32_t)(digits >> 32), text + fours_at[2 * word + 1]);
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
