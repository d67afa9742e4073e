// SPDX-License-Identifier: Apache-2.0
// What a person sends to register and to log in, read from JSON and checked.
#pragma once

#include "domain/faults.h"
#include "platform/json.h"

#include <stdbool.h>
#include <stddef.h>

struct credentials {
    const char *email; /* owned by the JSON it was read from, as the password */
    const char *password;
    size_t password_length; /* bytes */
    bool emotional_data;    /* the consent given with a registration */
};

// Reads the body of a registration; everything that is wrong goes to `faults`.
void credentials_for_registration(const json_t *body, struct credentials *ret,
                                  struct faults *faults);

// Reads the body of a login: two texts. Whether they could ever fit is not said here, so that all
// wrong credentials are answered alike.
void credentials_for_login(const json_t *body, struct credentials *ret, struct faults *faults);
