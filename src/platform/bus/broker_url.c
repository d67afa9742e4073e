// SPDX-License-Identifier: Apache-2.0
// Reading the broker's URLs as far as the client library leaves that to its user.
#include "platform/bus/broker_url.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PLAIN "nats://"
#define TLS "tls://"
#define USER_MAX 64

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " ");
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

// The length of the scheme, 0 when it is none of ours.
static size_t scheme_length(const char *server)
{
    if (begins_with(server, PLAIN)) {
        return sizeof PLAIN - 1;
    }
    return begins_with(server, TLS) ? sizeof TLS - 1 : 0;
}

bool broker_url_valid(const char *urls)
{
    for (const char *server = urls;; server++) {
        server = skip_spaces(server);
        const size_t scheme = scheme_length(server);
        if (scheme == 0 || strcspn(server + scheme, ", ") == 0) {
            return false;
        }
        server += strcspn(server, ",");
        if (*server == '\0') {
            return true;
        }
    }
}

bool broker_url_asks_for_tls(const char *urls)
{
    for (const char *server = urls;; server++) {
        server = skip_spaces(server);
        if (begins_with(server, TLS)) {
            return true;
        }
        server += strcspn(server, ",");
        if (*server == '\0') {
            return false;
        }
    }
}

void broker_url_inbox(const char *urls, char inbox[static BROKER_INBOX_SIZE])
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *server = skip_spaces(urls);
    server += scheme_length(server);
    const size_t whole = strcspn(server, ",");
    const size_t user = strspn(server, letters);
    const bool has_at = memchr(server, '@', whole) != NULL;
    if (has_at && user > 0 && user <= USER_MAX && (server[user] == ':' || server[user] == '@')) {
        snprintf(inbox, BROKER_INBOX_SIZE, "_INBOX.%.*s", (int)user, server);
    } else {
        snprintf(inbox, BROKER_INBOX_SIZE, "_INBOX");
    }
}
