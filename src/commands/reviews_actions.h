// SPDX-License-Identifier: Apache-2.0
// What `ecs reviews` does, each on the database that it was given; one line on standard error and
// EXIT_FAILURE when something is amiss. See reviews.c for the command line.
#pragma once

#include "platform/db/db.h"

#include <stdbool.h>

// What the command line asked for; texts are the command line's.
struct review_choice {
    const char *decision; /* a UUID; NULL with list */
    bool all;             /* list those that are resolved, too */
    bool json;
    const char *reviewer;
    const char *explanation;
    const char *credit_limit; /* these four with an overturned decision: the offer */
    const char *interest_rate;
    const char *credit_type;
    const char *days;
};

typedef int review_action(struct db *db, const struct review_choice *choice);

review_action reviews_list;
review_action reviews_show;
review_action reviews_uphold;
review_action reviews_overturn;
