// SPDX-License-Identifier: Apache-2.0
// What the broker's URLs say: nats://[user[:password]@]host:port, or tls:// for TLS; several
// separated by commas. Pure.
#pragma once

#include <stdbool.h>

// True when every server has a scheme that is known and a host.
bool broker_url_valid(const char *urls);

// True when any of the servers is to be reached by TLS; all of them are then.
bool broker_url_asks_for_tls(const char *urls);

#define BROKER_INBOX_SIZE 80

// The beginning of the subjects on which the user of the first URL receives answers:
// `_INBOX.<user>`, so that the broker can keep one user from reading what another was sent; plain
// `_INBOX` without a user, or with one that is no part of a subject ([A-Za-z0-9_-], 64 at most).
void broker_url_inbox(const char *urls, char inbox[static BROKER_INBOX_SIZE]);
