// SPDX-License-Identifier: Apache-2.0
// The address of a Redis server: redis://[:password@]host:port[/database]. Pure.
#pragma once

#include <stdbool.h>

#define CACHE_HOST_MAX 255
#define CACHE_PASSWORD_MAX 255 /* bytes, decoded */
#define CACHE_DATABASE_MAX 65535

struct cache_address {
    char host[CACHE_HOST_MAX + 1]; /* of an IPv6 address without its brackets */
    int port;
    int database;
    char password[CACHE_PASSWORD_MAX + 1]; /* "": none */
};

// Reads a URL strictly (RFC 3986); the password may be percent-encoded, NUL excepted. Sets *ret
// only on success.
bool cache_url_parse(const char *url, struct cache_address *ret);
