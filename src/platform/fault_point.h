// SPDX-License-Identifier: Apache-2.0
// Places where tests make a process fail: before and after each step that others can see. Compiled
// only with the build option `fault_points`; a release has none of it, and no setting turns it on.
//
// ECS_FAULTS is the plan: "seed=7,after_commit=exit@3,before_ack=error:0.1,before_send=delay:0.01".
// A point's action is `exit` (the process ends with 137, as after kill -9), `error` (the step fails
// as it can fail by itself) or `delay` (a tenth of a second); `@N` does it at the Nth time, `:P`
// with that chance each time. To the file ECS_FAULTS_REPORT a process adds, at its end, a line
// "name reached fired" for each point.
#pragma once

// The comment says what `error` means there; nothing where there is none.
#define FAULT_POINTS(POINT)                                                                        \
    POINT(before_publish)       /* refused: the broker is away */                                  \
    POINT(after_publish)        /* stored, and the acknowledgement lost */                         \
    POINT(before_group_publish) /* the same for a message of the group commit */                   \
    POINT(after_group_publish)                                                                     \
    POINT(before_ack) /* not sent: delivered again */                                              \
    POINT(after_ack)                                                                               \
    POINT(before_commit)      /* the connection breaks: rolled back */                             \
    POINT(after_commit)       /* the connection breaks: committed, and nobody was told */          \
    POINT(before_cache_write) /* the connection breaks */                                          \
    POINT(after_cache_write)  /* the same, after the cache did it */                               \
    POINT(before_send)        /* 503 in place of the answer */                                     \
    POINT(after_send)

#ifdef ECS_FAULT_POINTS

#include <stdbool.h>

enum fault_point {
#define POINT(name) FAULT_##name,
    FAULT_POINTS(POINT)
#undef POINT
        FAULT_POINT_COUNT,
};

// Counts that the point was reached, and does what the plan says; true when the step is to fail.
// Any thread. A plan that cannot be read ends the process with one line.
bool fault_point_fires(enum fault_point point);

#define fault_fires(name) fault_point_fires(FAULT_##name)

#else

#define fault_fires(name) false

#endif
