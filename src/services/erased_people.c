// SPDX-License-Identifier: Apache-2.0
// A message is up to a thousand ids of sixteen bytes, one behind the other.
#include "services/erased_people.h"

#include "platform/clock.h"

#include <string.h>

#define SUBJECT "erased-people"
#define PEOPLE_A_MESSAGE 1000

static void hear(void *arg, const char *data, size_t length)
{
    struct revocations *revocations = arg;
    struct uuid people[PEOPLE_A_MESSAGE];
    const size_t count = length / sizeof *people;
    if (count > 0 && count <= PEOPLE_A_MESSAGE) {
        memcpy(people, data, count * sizeof *people);
        revocations_add(revocations, people, count, clock_now());
    }
}

struct bus_listener *erased_people_listen(struct bus *bus, struct revocations *revocations)
{
    return bus_listen(bus, SUBJECT, hear, revocations);
}

void erased_people_tell(struct bus *bus, const struct uuid *people, size_t count)
{
    for (size_t from = 0; from < count; from += PEOPLE_A_MESSAGE) {
        const size_t left = count - from;
        const size_t now = left < PEOPLE_A_MESSAGE ? left : PEOPLE_A_MESSAGE;
        bus_tell(bus, SUBJECT, people + from, now * sizeof *people);
    }
}
