// SPDX-License-Identifier: Apache-2.0
// The life of a credit offer: offered, accepted, active, or ended; every move is decided here.
#pragma once

#include "domain/timestamp.h"

#include <stdbool.h>

enum offer_status { OFFER_OFFERED, OFFER_ACTIVE, OFFER_EXPIRED, OFFER_SUPERSEDED };

struct offer_state {
    enum offer_status status;
    bool accepted;         /* accepted_at is set */
    timestamp accepted_at; /* when accepted */
    timestamp expires_at;
};

enum acceptance { ACCEPT_NOW, ACCEPT_PENDING, ACCEPT_ACTIVE, ACCEPT_EXPIRED, ACCEPT_SUPERSEDED };
enum activation { ACTIVATE_NOW, ACTIVATE_DONE_BEFORE, ACTIVATE_REFUSED };

// What accepting the offer at `now` leads to. An acceptance in time stands, also when the
// activation comes only after the offer's end.
enum acceptance offer_accept(const struct offer_state *offer, timestamp now);

// What the activation of an acceptance leads to: state and expiry are judged again, the expiry as
// of the moment of acceptance.
enum activation offer_activate(const struct offer_state *offer);

// offered, active, expired or superseded as stored; false from the parser for any other text.
const char *offer_status_name(enum offer_status status);
bool offer_status_parse(const char *text, enum offer_status *ret);
