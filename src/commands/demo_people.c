// SPDX-License-Identifier: Apache-2.0
// A person's mood is pulled back to where the temperament is at home, and pushed about at random;
// what is felt and reported follows from it.
#include "commands/demo_people.h"

#include <stdlib.h>

#define PULL_HOME 0.15
#define PUSH 0.24
#define PAYMENTS 0.2 /* share of the events */

static uint64_t random_next(struct demo_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double demo_random_share(struct demo_random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

size_t demo_random_below(struct demo_random *random, size_t bound)
{
    return (size_t)(demo_random_share(random) * (double)bound);
}

// Somewhere between -width / 2 and width / 2.
static double around_zero(struct demo_random *random, double width)
{
    return (demo_random_share(random) - 0.5) * width;
}

static double within_0_and_1(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static double home_of(enum temperament temperament)
{
    static const double home[] = {[CALM] = 0.18, [ORDINARY] = 0.40, [STRAINED] = 0.74};
    return home[temperament];
}

void demo_person_init(struct demo_person *person, uint64_t seed, size_t index)
{
    static const enum temperament mix[] = {CALM, ORDINARY, STRAINED, ORDINARY};
    *person = (struct demo_person){
        .random = {seed ^ ((uint64_t)index + 1) * UINT64_C(0xd1342543de82ef95)},
        .temperament = mix[index % 4],
        .consents = index % 5 != 4,
    };
    person->strain = home_of(person->temperament);
    person->typical_cents = 1500 + 12000 * demo_random_share(&person->random);
}

void demo_person_release(struct demo_person *person)
{
    free(person->token);
    person->token = NULL;
}

const char *demo_temperament_name(enum temperament temperament)
{
    static const char *const names[] = {
        [CALM] = "calm", [ORDINARY] = "ordinary", [STRAINED] = "strained"};
    return names[temperament];
}

static const char *emotion_type(const struct demo_emotion *emotion)
{
    if (emotion->stress >= 0.7) {
        return emotion->intensity >= 0.6 ? "anger" : "worry";
    }
    if (emotion->positivity >= 0.65) {
        return emotion->intensity >= 0.5 ? "joy" : "calm";
    }
    return emotion->positivity < 0.4 ? "sadness" : "interest";
}

struct demo_emotion demo_person_feels(struct demo_person *person)
{
    struct demo_random *random = &person->random;
    double pull = PULL_HOME * (home_of(person->temperament) - person->strain);
    person->strain = within_0_and_1(person->strain + pull + around_zero(random, PUSH));
    struct demo_emotion emotion = {
        .positivity = within_0_and_1(0.95 - 0.8 * person->strain + around_zero(random, 0.2)),
        .intensity = within_0_and_1(0.2 + 0.4 * person->strain + 0.4 * demo_random_share(random)),
        .stress = within_0_and_1(person->strain + around_zero(random, 0.15)),
    };
    emotion.type = emotion_type(&emotion);
    return emotion;
}

bool demo_person_pays_next(struct demo_person *person)
{
    return demo_random_share(&person->random) < PAYMENTS;
}

money_cents demo_person_pays(struct demo_person *person)
{
    double share = demo_random_share(&person->random);
    return 1 + (money_cents)(person->typical_cents * (0.2 + 2.4 * share * share));
}
