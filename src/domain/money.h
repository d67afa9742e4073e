// SPDX-License-Identifier: Apache-2.0
// Amounts of money as whole cents, read from and written to decimal text; never a binary float.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t money_cents;

#define MONEY_TEXT_SIZE 24

enum money_fault {
    MONEY_OK,
    MONEY_NOT_A_NUMBER,
    MONEY_TOO_MANY_DECIMALS, /* more than two decimals that are not zero */
    MONEY_OUT_OF_RANGE,      /* does not fit numeric(15,2) */
};

// Reads the text of a JSON number (RFC 8259 section 6, exponents included: `1e2` is 100.00).
// Sets *ret only when it answers MONEY_OK.
enum money_fault money_parse(const char *text, size_t length, money_cents *ret);

// Writes `1234.50` and a NUL; a negative amount begins with `-`.
void money_format(money_cents amount, char text[static MONEY_TEXT_SIZE]);
