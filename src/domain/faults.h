// SPDX-License-Identifier: Apache-2.0
// The list of what is wrong with an input: every fault, not only the first.
#pragma once

#include <stddef.h>

#define FAULTS_MAX 16 /* no input of ours has more fields; further faults are dropped */

struct fault {
    const char *field;   /* path in the input, such as emotionEvent.metrics.stress_level; static */
    const char *message; /* what must hold, such as "must be between 0 and 1"; static */
};

struct faults {
    size_t count;
    struct fault items[FAULTS_MAX];
};

// Empties the list. What is judged for every event begins with it: `= {0}` would clear each item
// too.
static inline void faults_clear(struct faults *faults)
{
    faults->count = 0;
}

// Adds one fault; both texts must outlive the list (string literals do).
void faults_add(struct faults *faults, const char *field, const char *message);
