// SPDX-License-Identifier: Apache-2.0
// Amounts: what is read comes back from its text, and the exact text of a JSON number is found.
#include "fuzz.h"

#include "domain/money.h"
#include "domain/transaction.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    money_cents amount = 0;
    if (money_parse(text, size, &amount) == MONEY_OK) {
        char written[MONEY_TEXT_SIZE];
        money_cents again = 0;
        money_format(amount, written);
        EXPECT(strlen(written) < sizeof written);
        EXPECT(money_parse(written, strlen(written), &again) == MONEY_OK);
        EXPECT(again == amount);
    }
    struct faults faults = {0};
    amount = transaction_amount(text, size, &faults);
    EXPECT(faults.count == 0 ? amount > 0 && amount <= TRANSACTION_AMOUNT_MAX : amount == 0);
    return 0;
}
