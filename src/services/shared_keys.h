// SPDX-License-Identifier: Apache-2.0
// What idempotency keys were used for, among all replicas of a service: each remembers what went
// through it and what the others told it. They tell each other over the broker, in hashes under a
// secret that they share, about when what a key names is acknowledged. Advisory: nothing is kept or
// waited for, of two uses at the same moment through two replicas neither may see the other, and
// all but the latest tens of thousands are forgotten.
#pragma once

#include "domain/uuid.h"
#include "services/service.h"

#include <stdbool.h>
#include <stddef.h>

struct shared_keys; /* what is remembered: one in a process, for all of its loops */
struct key_teller;  /* of one loop: what went through it and was not told yet */

// What a key stands for.
enum key_kind {
    KEY_OF_EVENT,
    KEY_OF_LINE, /* of a batch: these are many, and remembered apart */
};

// For what is published to `subject`. Processes with the same text in the setting `secret`
// understand each other.
struct shared_keys *shared_keys_new(const struct service_environment *environment,
                                    const char *subject, enum setting secret);

// After its tellers.
void shared_keys_free(struct shared_keys **keys);

// The calls of a teller are its loop's.
struct key_teller *key_teller_new(struct shared_keys *keys, const struct service_loop *on);

// Tells what is new for a last time, and frees; while the broker is still connected.
void key_teller_free(struct key_teller **teller);

// Whether the id that a key led to stands for the content that it stood for before. One that is new
// is remembered, and will be told to the others.
bool key_teller_agrees(struct key_teller *teller, enum key_kind kind, const struct uuid *id,
                       const void *content, size_t length);

// Tells the others what is new, if anything. At once, or under load a few milliseconds after they
// were told the last time.
void key_teller_tell(struct key_teller *teller);
