// SPDX-License-Identifier: Apache-2.0
// An array in the order of the people's ids: these are few, and looked up often.
#include "platform/auth/revocations.h"

#include "platform/auth/token.h"
#include "platform/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct revocation {
    struct uuid person;
    timestamp until;
};

struct revocations {
    pthread_mutex_t lock;
    atomic_size_t count; /* changes under `lock`; read without it to see whether there is anybody */
    struct revocation *items;
};

struct revocations *revocations_new(void)
{
    struct revocations *revocations = memory_zeroed(1, sizeof *revocations);
    pthread_mutex_init(&revocations->lock, NULL);
    return revocations;
}

void revocations_free(struct revocations **revocations)
{
    if (*revocations == NULL) {
        return;
    }
    pthread_mutex_destroy(&(*revocations)->lock);
    free((*revocations)->items);
    free(*revocations);
    *revocations = NULL;
}

static int compare_people(const void *left, const void *right)
{
    const struct revocation *a = left;
    const struct revocation *b = right;
    return uuid_compare(&a->person, &b->person);
}

static struct revocation *find(const struct revocations *revocations, size_t count,
                               const struct uuid *person)
{
    const struct revocation wanted = {.person = *person};
    return count == 0 ? NULL
                      : bsearch(&wanted, revocations->items, count, sizeof wanted, compare_people);
}

static size_t forget_old(struct revocations *revocations, size_t count, timestamp now)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (revocations->items[i].until > now) {
            revocations->items[kept++] = revocations->items[i];
        }
    }
    return kept;
}

void revocations_add(struct revocations *revocations, const struct uuid *people, size_t count,
                     timestamp now)
{
    const timestamp until = now + TOKEN_LASTS_MAX * MICROSECONDS_A_SECOND;
    pthread_mutex_lock(&revocations->lock);
    const size_t before = forget_old(revocations, atomic_load(&revocations->count), now);
    revocations->items =
        memory_resize(revocations->items, (before + count) * sizeof *revocations->items);
    size_t after = before;
    for (size_t i = 0; i < count; i++) {
        struct revocation *held = find(revocations, before, &people[i]);
        struct revocation *place = held != NULL ? held : &revocations->items[after++];
        *place = (struct revocation){.person = people[i], .until = until};
    }
    qsort(revocations->items, after, sizeof *revocations->items, compare_people);
    atomic_store(&revocations->count, after);
    pthread_mutex_unlock(&revocations->lock);
}

bool revocations_hold(struct revocations *revocations, const struct uuid *person, timestamp now)
{
    if (atomic_load(&revocations->count) == 0) {
        return false;
    }
    pthread_mutex_lock(&revocations->lock);
    const struct revocation *held = find(revocations, atomic_load(&revocations->count), person);
    const bool holds = held != NULL && held->until > now;
    pthread_mutex_unlock(&revocations->lock);
    return holds;
}
