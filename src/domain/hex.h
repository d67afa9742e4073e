// SPDX-License-Identifier: Apache-2.0
// Hexadecimal digits, read and written.
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
