// SPDX-License-Identifier: Apache-2.0
// A run of bytes that somebody else owns.
#pragma once

#include <stddef.h>

struct span {
    const char *data; /* not NUL-terminated */
    size_t length;
};
