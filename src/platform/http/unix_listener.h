// SPDX-License-Identifier: Apache-2.0
// A listening Unix domain socket and its file, which only its owner and their group may open. The
// file outlives a process that is killed: then the next one that listens there replaces it.
// Internal to platform/http.
#pragma once

// Listens without blocking, with so many connections in the kernel's queue. -1 with errno set when
// it cannot: EADDRINUSE when somebody listens there, or the file is no socket.
int unix_listener_open(const char *path, int backlog);

// Stops listening and removes the file.
void unix_listener_close(int listener, const char *path);
