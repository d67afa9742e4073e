// SPDX-License-Identifier: Apache-2.0
// Reads emails, passwords and first consents out of JSON; the strict reader lets only valid UTF-8
// without NUL through.
#include "services/user_and_credit_service/credentials.h"

#include "domain/account.h"

#include <string.h>

static const char *read_text(const json_t *body, const char *field, struct faults *faults)
{
    const json_t *value = json_object_get(body, field);
    if (!json_is_string(value)) {
        faults_add(faults, field, value == NULL ? "is required" : "must be a string");
    }
    return json_string_value(value);
}

// Absent means no consent: it is never assumed.
static bool read_consent(const json_t *body, struct faults *faults)
{
    const json_t *consents = json_object_get(body, "consents");
    if (consents == NULL) {
        return false;
    }
    if (!json_is_object(consents)) {
        faults_add(faults, "consents", "must be an object");
        return false;
    }
    const json_t *emotional_data = json_object_get(consents, "emotional_data");
    if (emotional_data != NULL && !json_is_boolean(emotional_data)) {
        faults_add(faults, "consents.emotional_data", "must be true or false");
    }
    return json_is_true(emotional_data);
}

static void read_texts(const json_t *body, struct credentials *ret, struct faults *faults)
{
    ret->email = read_text(body, "email", faults);
    ret->password = read_text(body, "password", faults);
    ret->password_length = ret->password != NULL ? strlen(ret->password) : 0;
}

void credentials_for_registration(const json_t *body, struct credentials *ret,
                                  struct faults *faults)
{
    read_texts(body, ret, faults);
    if (ret->email != NULL) {
        account_check_email(ret->email, faults);
    }
    if (ret->password != NULL) {
        account_check_password(ret->password, faults);
    }
    ret->emotional_data = read_consent(body, faults);
}

void credentials_for_login(const json_t *body, struct credentials *ret, struct faults *faults)
{
    read_texts(body, ret, faults);
    ret->emotional_data = false;
}
