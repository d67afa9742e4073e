// SPDX-License-Identifier: Apache-2.0
// Hexadecimal digits, read and written: one at a time, or eight, which is several times as fast a
// digit. Eight stand in a word as in the text, the first in its lowest byte.
#pragma once

#include <stdint.h>

// The value of a digit of either case, -1 for any other character.
static inline int hex_value(char digit)
{
    static const int8_t values_and_one[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return values_and_one[(unsigned char)digit] - 1;
}

// Writes a byte as two lower-case digits, without a NUL.
static inline void hex_write(uint8_t byte, char *text)
{
    static const char digits[] = "0123456789abcdef";
    text[0] = digits[byte >> 4];
    text[1] = digits[byte & 0xf];
}

#define HEX_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

// The four bytes that eight digits of either case name, the first in the lowest byte. Clears bits
// of *good, HEX_EACH(0x80) at first, for characters that are no digits.
static inline uint32_t hex_read_eight(uint64_t digits, uint64_t *good)
{
    // In a sum of two bytes below 0x80 the highest bit says whether it reached 0x80.
    const uint64_t low = digits & HEX_EACH(0x7f);
    const uint64_t lower_case = low | HEX_EACH(0x20);
    const uint64_t numeral = (low + HEX_EACH(0x80 - '0')) & ~(low + HEX_EACH(0x7f - '9'));
    const uint64_t letter =
        (lower_case + HEX_EACH(0x80 - 'a')) & ~(lower_case + HEX_EACH(0x7f - 'f'));
    *good &= (numeral | letter) & ~digits;
    const uint64_t is_letter = letter >> 7 & HEX_EACH(1);
    uint64_t value = (low & HEX_EACH(0x0f)) + 9 * is_letter;
    value = (value << 4 | value >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    value = (value | value >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(value | value >> 16);
}

// The eight lower-case digits of four bytes, the first in the lowest byte.
static inline uint64_t hex_write_eight(uint32_t bytes)
{
    uint64_t value = bytes;
    value = (value | value << 16) & UINT64_C(0x0000ffff0000ffff);
    value = (value | value << 8) & UINT64_C(0x00ff00ff00ff00ff);
    value = (value >> 4 | value << 8) & HEX_EACH(0x0f);
    const uint64_t is_letter = (value + HEX_EACH(6)) >> 4 & HEX_EACH(1);
    return value + HEX_EACH('0') + is_letter * ('a' - '0' - 10);
}
