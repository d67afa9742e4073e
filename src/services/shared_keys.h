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

struct shared_keys;

// What a key stands for.
enum key_kind {
    KEY_OF_EVENT,
    KEY_OF_LINE, /* of a batch: these are many, and remembered apart */
};

// For what is published to `subject`. Processes with the same text in the setting `secret`
// understand each other.
struct shared_keys *shared_keys_new(const struct service_environment *environment,
                                    const char *subject, enum setting secret);

// Tells what is new for a last time, and frees; while the broker is still connected.
void shared_keys_free(struct shared_keys **keys);

// Whether the id that a key led to stands for the content that it stood for before. One that is new
// is remembered, and told to the others. On one thread.
bool shared_keys_agree(struct shared_keys *keys, enum key_kind kind, const struct uuid *id,
                       const void *content, size_t length);

// Tells the others what is new, if anything; on the same thread. At once, or under load a few
// milliseconds after they were told the last time.
void shared_keys_tell(struct shared_keys *keys);
