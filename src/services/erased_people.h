// SPDX-License-Identifier: Apache-2.0
// Who was erased while a token may still be good: user-and-credit-service tells it, over and over
// as long as that can be, and the services that check tokens hear it. What is told is kept nowhere;
// who starts later hears it with the next time.
#pragma once

#include "platform/auth/revocations.h"
#include "platform/bus/bus.h"

#include <stdbool.h>
#include <stddef.h>

// Revokes the tokens of whoever is told of, until the listener is closed (bus_listener_close).
struct bus_listener *erased_people_listen(struct bus *bus, struct revocations *revocations);

// Tells the other processes; while the broker is away, nobody.
void erased_people_tell(struct bus *bus, const struct uuid *people, size_t count);
