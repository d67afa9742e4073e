// SPDX-License-Identifier: Apache-2.0
// What makes a transaction's amount acceptable.
#include "domain/transaction.h"

static const char *amount_fault(enum money_fault fault, bool negative, money_cents amount)
{
    if (fault == MONEY_NOT_A_NUMBER) {
        return "must be a number";
    }
    if (fault == MONEY_TOO_MANY_DECIMALS) {
        return "must have at most 2 decimals";
    }
    if (fault == MONEY_OUT_OF_RANGE) {
        return negative ? "must be greater than 0" : "must be at most 99999999.99";
    }
    if (amount <= 0) {
        return "must be greater than 0";
    }
    return amount > TRANSACTION_AMOUNT_MAX ? "must be at most 99999999.99" : NULL;
}

money_cents transaction_amount(const char *text, size_t length, struct faults *faults)
{
    money_cents amount = 0;
    enum money_fault fault = money_parse(text, length, &amount);
    const char *message = amount_fault(fault, length > 0 && *text == '-', amount);
    if (message != NULL) {
        faults_add(faults, "amount", message);
        return 0;
    }
    return amount;
}
