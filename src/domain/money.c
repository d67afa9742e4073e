// SPDX-License-Identifier: Apache-2.0
// Money from and to decimal text, digit by digit: exact whatever the exponent, in time that grows
// with the text alone.
#include "domain/money.h"

#define CENT_PLACES 15                        /* digits of numeric(15,2) */
#define EXPONENT_LIMIT INT64_C(1000000000000) /* beyond every place a text in memory can have */

// The parts of a number's text.
struct number {
    bool negative;
    const char *whole; /* digits before the point */
    size_t whole_length;
    const char *fraction; /* digits after it */
    size_t fraction_length;
    int64_t exponent; /* held at +-EXPONENT_LIMIT */
};

static size_t count_digits(const char *text, const char *end)
{
    const char *at = text;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return (size_t)(at - text);
}

static int64_t exponent_value(const char *digits, size_t length)
{
    int64_t value = 0;
    for (size_t i = 0; i < length && value < EXPONENT_LIMIT; i++) {
        value = value * 10 + (digits[i] - '0');
    }
    return value < EXPONENT_LIMIT ? value : EXPONENT_LIMIT;
}

// The exponent from its `e` to the end of the text. False when it is not one.
static bool split_exponent(const char *text, const char *end, int64_t *ret)
{
    if (text == end) {
        *ret = 0;
        return true;
    }
    if (*text != 'e' && *text != 'E') {
        return false;
    }
    text++;
    bool negative = text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+')) {
        text++;
    }
    size_t digits = count_digits(text, end);
    int64_t value = exponent_value(text, digits);
    *ret = negative ? -value : value;
    return digits > 0 && text + digits == end;
}

// Takes a number apart by the grammar of RFC 8259 section 6.
static bool split_number(const char *text, size_t length, struct number *ret)
{
    const char *end = text + length;
    *ret = (struct number){.negative = length > 0 && *text == '-'};
    ret->whole = text + (ret->negative ? 1 : 0);
    ret->whole_length = count_digits(ret->whole, end);
    if (ret->whole_length == 0 || (ret->whole_length > 1 && *ret->whole == '0')) {
        return false;
    }
    const char *rest = ret->whole + ret->whole_length;
    if (rest < end && *rest == '.') {
        ret->fraction = rest + 1;
        ret->fraction_length = count_digits(ret->fraction, end);
        if (ret->fraction_length == 0) {
            return false;
        }
        rest = ret->fraction + ret->fraction_length;
    }
    return split_exponent(rest, end, &ret->exponent);
}

// Adds digits to the cents; the first of them counts 10^place cents.
static enum money_fault add_digits(const char *digits, size_t length, int64_t place,
                                   money_cents *cents)
{
    static const money_cents powers[CENT_PLACES] = {
        1,           10,           100,           1000,           10000,
        100000,      1000000,      10000000,      100000000,      1000000000,
        10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
    };
    for (size_t i = 0; i < length; i++, place--) {
        if (digits[i] == '0') {
            continue;
        }
        if (place >= CENT_PLACES) {
            return MONEY_OUT_OF_RANGE;
        }
        if (place < 0) {
            return MONEY_TOO_MANY_DECIMALS;
        }
        *cents += (digits[i] - '0') * powers[place];
    }
    return MONEY_OK;
}

enum money_fault money_parse(const char *text, size_t length, money_cents *ret)
{
    struct number number;
    if (!split_number(text, length, &number)) {
        return MONEY_NOT_A_NUMBER;
    }
    money_cents cents = 0;
    int64_t units_place = number.exponent + 2;
    enum money_fault fault = add_digits(number.whole, number.whole_length,
                                        units_place + (int64_t)number.whole_length - 1, &cents);
    if (fault == MONEY_OK) {
        fault = add_digits(number.fraction, number.fraction_length, units_place - 1, &cents);
    }
    if (fault == MONEY_OK) {
        *ret = number.negative ? -cents : cents;
    }
    return fault;
}

void money_format(money_cents amount, char text[static MONEY_TEXT_SIZE])
{
    char backwards[MONEY_TEXT_SIZE];
    size_t length = 0;
    uint64_t rest = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
    for (int place = 0; place < 3 || rest > 0; place++) {
        if (place == 2) {
            backwards[length++] = '.';
        }
        backwards[length++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (amount < 0) {
        backwards[length++] = '-';
    }
    while (length > 0) {
        *text++ = backwards[--length];
    }
    *text = '\0';
}
