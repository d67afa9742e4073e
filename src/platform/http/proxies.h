// SPDX-License-Identifier: Apache-2.0
// Whose word about a client's address is believed: a list of addresses and networks, and `unix:`
// for whoever may open a Unix domain socket of ours.
#pragma once

#include <stdbool.h>

struct proxies;

#define ADDRESS_TEXT_SIZE 46 /* of an IPv6 address, with its NUL */

// Reads "127.0.0.0/8, ::1, unix:, ..."; "" is nobody. NULL when an entry is none of these.
struct proxies *proxies_new(const char *list);
void proxies_free(struct proxies **proxies);

// Whether the list has this address; what is no address never is.
bool proxies_have(const struct proxies *proxies, const char *address);
