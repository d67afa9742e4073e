// SPDX-License-Identifier: Apache-2.0
// The moves of a credit offer. An offer stands up to and including the instant it expires at.
#include "domain/offer.h"

#include <stddef.h>
#include <string.h>

static const char *const status_names[] = {
    [OFFER_OFFERED] = "offered",
    [OFFER_ACTIVE] = "active",
    [OFFER_EXPIRED] = "expired",
    [OFFER_SUPERSEDED] = "superseded",
};

enum acceptance offer_accept(const struct offer_state *offer, timestamp now)
{
    switch (offer->status) {
    case OFFER_ACTIVE:
        return ACCEPT_ACTIVE;
    case OFFER_EXPIRED:
        return ACCEPT_EXPIRED;
    case OFFER_SUPERSEDED:
        return ACCEPT_SUPERSEDED;
    case OFFER_OFFERED:
        break;
    }
    if (offer->accepted) {
        return ACCEPT_PENDING;
    }
    return now <= offer->expires_at ? ACCEPT_NOW : ACCEPT_EXPIRED;
}

enum activation offer_activate(const struct offer_state *offer)
{
    if (offer->status == OFFER_ACTIVE) {
        return ACTIVATE_DONE_BEFORE;
    }
    bool accepted_in_time = offer->accepted && offer->accepted_at <= offer->expires_at;
    return offer->status == OFFER_OFFERED && accepted_in_time ? ACTIVATE_NOW : ACTIVATE_REFUSED;
}

const char *offer_status_name(enum offer_status status)
{
    return status_names[status];
}

bool offer_status_parse(const char *text, enum offer_status *ret)
{
    for (size_t i = 0; i < sizeof status_names / sizeof *status_names; i++) {
        if (strcmp(text, status_names[i]) == 0) {
            *ret = (enum offer_status)i;
            return true;
        }
    }
    return false;
}
