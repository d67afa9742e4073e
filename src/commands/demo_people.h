// SPDX-License-Identifier: Apache-2.0
// The people whom the demo plays: how each of them feels and spends, and what became of them. Pure
// functions of a seed; nothing here knows how an event is sent.
#pragma once

#include "domain/money.h"
#include "domain/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A small random generator (splitmix64), so that a seed gives the same people everywhere.
struct demo_random {
    uint64_t state;
};

double demo_random_share(struct demo_random *random); /* 0 <= x < 1 */
size_t demo_random_below(struct demo_random *random, size_t bound);

enum temperament { CALM, ORDINARY, STRAINED };

enum offer_progress { OFFER_NONE, OFFER_OPEN, OFFER_ACCEPTED, OFFER_IS_ACTIVE };

// What an analysis answered, as far as the demo shows it.
struct demo_decision {
    bool answered;
    bool approved;
    double score;
    char offer_id[UUID_TEXT_SIZE];
    char limit[MONEY_TEXT_SIZE];
    char interest[16]; /* percent a year */
    char credit_type[64];
    char reason[640]; /* of a denial */
};

// Events of one kind that were sent for a person.
struct demo_sent {
    uint64_t acknowledged; /* answered 202 */
    uint64_t unknown;      /* never answered: stored or not */
    uint64_t refused;      /* answered 4xx: certainly not stored */
};

struct demo_person {
    struct demo_random random;
    enum temperament temperament;
    bool consents; /* to the use of emotional data */
    double strain; /* the mood now: 0 at ease .. 1 at the limit */
    double typical_cents;

    bool registered;
    char id[UUID_TEXT_SIZE];
    char email[96];
    char password[33];
    char *token;
    int64_t token_ends_ms; /* on the monotonic clock */

    struct demo_sent emotions;
    struct demo_sent transactions;
    struct demo_decision decision;
    enum offer_progress offer;
};

struct demo_emotion {
    const char *type; /* static text */
    double positivity, intensity, stress;
};

// The person number `index` of the world that `seed` makes. Every mix of temperaments and consents
// stands among the first few, so that a small demo shows them all.
void demo_person_init(struct demo_person *person, uint64_t seed, size_t index);
void demo_person_release(struct demo_person *person);

// calm, ordinary or strained; static text.
const char *demo_temperament_name(enum temperament temperament);

// Lets the mood drift a step and says what the person feels.
struct demo_emotion demo_person_feels(struct demo_person *person);

// True when the person's next event is a payment rather than an emotion: about one in five.
bool demo_person_pays_next(struct demo_person *person);

// The amount of a payment.
money_cents demo_person_pays(struct demo_person *person);
