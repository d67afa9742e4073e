// SPDX-License-Identifier: Apache-2.0
// How a Unix domain socket is written in settings and URLs: `unix:/run/ecs/gateway.sock`.
#pragma once

#include <stdbool.h>

// What such an address begins with; alone it stands for whoever is at the other end of one.
#define UNIX_SCHEME "unix:"

// The path in such an address, a place in its text; NULL when the address is of another kind.
const char *unix_address_path(const char *address);

// Whether a socket can have this path: absolute, within the system's 107 bytes, and without the
// colon after which a URL goes on.
bool unix_path_is_good(const char *path);
