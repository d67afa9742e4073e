// SPDX-License-Identifier: Apache-2.0
// The calls that the mobile app and the bank make, over plain HTTP through the gateway. One object
// for one thread. A call whose answer was lost is made again with the same event id, so that no
// event is counted twice.
#pragma once

#include "commands/demo_people.h"
#include "commands/demo_tally.h"
#include "domain/timestamp.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct demo_api;

struct demo_api_options {
    const char *url; /* of the gateway, without a final slash */
    const char *internal_key;
    struct demo_tally *tally; /* where every call is counted */
    const atomic_bool *stop;  /* when set, nothing is tried again */
};

// The options' texts must stay until demo_api_free.
struct demo_api *demo_api_new(const struct demo_api_options *options);
void demo_api_free(struct demo_api **api);

// Whether a gateway answers at the URL.
bool demo_api_answers(struct demo_api *api);

// Registers the person under a new email, and logs the person in. False when refused.
bool demo_api_register(struct demo_api *api, struct demo_person *person);
bool demo_api_log_in(struct demo_api *api, struct demo_person *person);

// Sends one event and counts its outcome in the person. True when it was acknowledged.
bool demo_api_send_emotion(struct demo_api *api, struct demo_person *person,
                           const struct demo_emotion *emotion, timestamp at);
bool demo_api_send_transaction(struct demo_api *api, struct demo_person *person, money_cents amount,
                               timestamp at);

// Asks for a credit analysis; the answer is in person->decision and person->offer.
bool demo_api_analyse(struct demo_api *api, struct demo_person *person);

// Accepts the person's offer, or asks again how far the acceptance is; sets person->offer. False
// when refused.
bool demo_api_accept(struct demo_api *api, struct demo_person *person);

void demo_pause_ms(int64_t milliseconds);
