// SPDX-License-Identifier: Apache-2.0
// People whose tokens count no longer although they have not run out. Who is added is held for as
// long as a token that was issued until then can last. From any thread.
#pragma once

#include "domain/timestamp.h"
#include "domain/uuid.h"

#include <stdbool.h>
#include <stddef.h>

struct revocations;
struct revocations *revocations_new(void);
void revocations_free(struct revocations **revocations);

// Whoever is held already is held anew; those whose time is over are forgotten.
void revocations_add(struct revocations *revocations, const struct uuid *people, size_t count,
                     timestamp now);

// Whether the person's tokens are revoked. Cheap while there is nobody.
bool revocations_hold(struct revocations *revocations, const struct uuid *person, timestamp now);
