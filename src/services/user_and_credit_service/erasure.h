// SPDX-License-Identifier: Apache-2.0
// The erasure of a person after it was begun.
#pragma once

#include "services/user_and_credit_service/desk.h"

// Deletes a portion of what is very much, or all that is left with the account.
enum db_status erasure_continue(struct desk *desk, const char *person);
