// SPDX-License-Identifier: Apache-2.0
// A transaction of a bank account: what it holds and when it is acceptable.
#pragma once

#include "domain/faults.h"
#include "domain/money.h"
#include "domain/timestamp.h"
#include "domain/uuid.h"

#define TRANSACTION_AMOUNT_MAX INT64_C(9999999999) /* 99999999.99, numeric(10,2) */
#define IDEMPOTENCY_KEY_MAX 255                    /* characters */

struct transaction_event {
    struct uuid event_id;
    struct uuid user_id;
    money_cents amount;
    timestamp occurred_at;
};

// Reads the text of the JSON number `amount`: above zero, at most 99999999.99, at most two
// decimals. Adds what is wrong to `faults`; answers zero then.
money_cents transaction_amount(const char *text, size_t length, struct faults *faults);
