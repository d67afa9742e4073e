// SPDX-License-Identifier: Apache-2.0
// What an email and a password of a new account must be. Texts are valid UTF-8; lengths are counted
// in characters (code points).
#pragma once

#include "domain/faults.h"

#define EMAIL_MIN 3
#define EMAIL_MAX 254
#define PASSWORD_MIN 8
#define PASSWORD_MAX 128

// One @ with something on both sides, no white space or control characters; letters of any script.
void account_check_email(const char *email, struct faults *faults);

void account_check_password(const char *password, struct faults *faults);
