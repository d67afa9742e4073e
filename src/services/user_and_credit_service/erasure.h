// SPDX-License-Identifier: Apache-2.0
// The erasure of a person after it was begun.
#pragma once

#include "services/user_and_credit_service/desk.h"

enum erasure_outcome {
    ERASED_NOW,
    ERASED_BEFORE,
    NO_SUCH_ACCOUNT,
    ERASURE_GOES_ON, /* there are so many rows that some are still to be deleted */
};

// Deletes a portion of what is very much, or all that is left with the account.
enum db_status erasure_continue(struct desk *desk, const char *person,
                                enum erasure_outcome *ret_outcome);
