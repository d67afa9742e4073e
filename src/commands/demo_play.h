// SPDX-License-Identifier: Apache-2.0
// The demo's stages: a handful of threads, the players, each of which plays its own share of the
// people, while the calling thread shows the progress. Ctrl-C ends a stage early, and the demo goes
// on to its summary.
#pragma once

#include "commands/demo_people.h"
#include "commands/demo_tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct demo_options {
    const char *url;
    const char *internal_key;
    size_t users;
    int64_t seconds; /* of streaming */
    int64_t rate;    /* events a second, of all people together */
    int64_t days;    /* of the people's lives that the streaming stands for */
    uint64_t seed;
};

// What the demo is about; made and freed by command_demo.
struct demo {
    struct demo_options options;
    struct demo_person *people; /* options.users of them */
    struct demo_tally tally;    /* of the stages that are over */
    double streamed_seconds;    /* how long the streaming really took */
};

// Registers everybody and logs them in. The number of people ready for more.
size_t demo_play_registration(struct demo *demo);

// Streams events at the rate, for the time.
void demo_play_stream(struct demo *demo);

// Asks for everybody's analysis.
void demo_play_analyses(struct demo *demo);

// Accepts every offer and waits, with a deadline, until it is active.
void demo_play_acceptances(struct demo *demo);
