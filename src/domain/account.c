// SPDX-License-Identifier: Apache-2.0
// Checks of emails and passwords, character by character.
#include "domain/account.h"

#include "domain/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// White space and control characters of Unicode, and the marks that turn the writing direction.
static bool is_space_or_control(uint32_t c)
{
    return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
           (c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF;
}

static bool has_space_or_control(const char *text)
{
    for (uint32_t c = text_next_character(&text); c != 0; c = text_next_character(&text)) {
        if (is_space_or_control(c)) {
            return true;
        }
    }
    return false;
}

void account_check_email(const char *email, struct faults *faults)
{
    size_t length = text_count_characters(email);
    if (length < EMAIL_MIN || length > EMAIL_MAX) {
        faults_add(faults, "email", "must be 3 to 254 characters");
    }
    if (has_space_or_control(email)) {
        faults_add(faults, "email", "must not contain spaces or control characters");
    }
    const char *at = strchr(email, '@');
    if (at == NULL || at == email || at[1] == '\0' || strchr(at + 1, '@') != NULL) {
        faults_add(faults, "email", "must have one @ with something before and after it");
    }
}

void account_check_password(const char *password, struct faults *faults)
{
    size_t length = text_count_characters(password);
    if (length < PASSWORD_MIN || length > PASSWORD_MAX) {
        faults_add(faults, "password", "must be 8 to 128 characters");
    }
}
