// SPDX-License-Identifier: Apache-2.0
// Reads addresses of Unix domain sockets; the system's bound on a path is the one of sockaddr_un.
#include "platform/unix_address.h"

#include <stddef.h>
#include <string.h>
#include <sys/un.h>

const char *unix_address_path(const char *address)
{
    size_t scheme = sizeof UNIX_SCHEME - 1;
    return strncmp(address, UNIX_SCHEME, scheme) == 0 ? address + scheme : NULL;
}

bool unix_path_is_good(const char *path)
{
    struct sockaddr_un any;
    return path[0] == '/' && strlen(path) < sizeof any.sun_path && strchr(path, ':') == NULL;
}
