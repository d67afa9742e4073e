// SPDX-License-Identifier: Apache-2.0
// Addresses of both kinds as 16 bytes, those of IPv4 as IPv6 maps them, so that one comparison of
// leading bits does for all.
#include "platform/http/proxies.h"

#include "platform/memory.h"
#include "platform/unix_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 64
#define ADDRESS_BYTES 16
#define ADDRESS_BITS 128L
#define IPV4_BITS 32L

struct network {
    unsigned char bytes[ADDRESS_BYTES];
    long bits; /* leading ones that count */
};

struct proxies {
    bool unix_peers;
    size_t count;
    struct network networks[ENTRIES_MAX];
};

static bool read_address(const char *text, unsigned char bytes[static ADDRESS_BYTES],
                         long *ret_bits)
{
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    *ret_bits = ADDRESS_BITS;
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        return true;
    }
    *ret_bits = IPV4_BITS;
    memcpy(bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, bytes + sizeof mapped) == 1;
}

// `text` is cut at its slash.
static bool read_network(char *text, struct network *ret)
{
    char *slash = strchr(text, '/');
    long all = 0;
    if (slash != NULL) {
        *slash = '\0';
    }
    if (!read_address(text, ret->bytes, &all)) {
        return false;
    }
    ret->bits = ADDRESS_BITS;
    if (slash == NULL) {
        return true;
    }
    char *end = NULL;
    long bits = strtol(slash + 1, &end, 10);
    if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > all) {
        return false;
    }
    ret->bits = ADDRESS_BITS - all + bits;
    return true;
}

static bool add_entry(struct proxies *proxies, char *text)
{
    if (strcmp(text, UNIX_SCHEME) == 0) {
        proxies->unix_peers = true;
        return true;
    }
    return proxies->count < ENTRIES_MAX && read_network(text, &proxies->networks[proxies->count++]);
}

struct proxies *proxies_new(const char *list)
{
    struct proxies *proxies = memory_zeroed(1, sizeof *proxies);
    char *copy = memory_copy_text(list);
    char *rest = NULL;
    bool good = true;
    for (char *entry = strtok_r(copy, ", ", &rest); entry != NULL && good;
         entry = strtok_r(NULL, ", ", &rest)) {
        good = add_entry(proxies, entry);
    }
    free(copy);
    if (!good) {
        proxies_free(&proxies);
    }
    return proxies;
}

void proxies_free(struct proxies **proxies)
{
    free(*proxies);
    *proxies = NULL;
}

static bool contains(const struct network *network, const unsigned char *bytes)
{
    size_t whole = (size_t)network->bits / 8;
    unsigned rest = (unsigned)network->bits % 8;
    return memcmp(network->bytes, bytes, whole) == 0 &&
           (rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

bool proxies_have(const struct proxies *proxies, const char *address)
{
    unsigned char bytes[ADDRESS_BYTES];
    long bits = 0;
    if (proxies == NULL) {
        return false;
    }
    if (strcmp(address, UNIX_SCHEME) == 0) {
        return proxies->unix_peers;
    }
    if (!read_address(address, bytes, &bits)) {
        return false;
    }
    for (size_t i = 0; i < proxies->count; i++) {
        if (contains(&proxies->networks[i], bytes)) {
            return true;
        }
    }
    return false;
}
