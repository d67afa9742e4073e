// SPDX-License-Identifier: Apache-2.0
// The address of the cache: every part of one that is accepted lies within its bounds.
#include "fuzz.h"

#include "platform/cache/url.h"
#include "platform/memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *url = memory_copy(data, size);
    struct cache_address address;
    if (cache_url_parse(url, &address)) {
        EXPECT(strlen(address.host) > 0 && strlen(address.host) <= CACHE_HOST_MAX);
        EXPECT(address.port > 0 && address.port <= 65535);
        EXPECT(address.database >= 0 && address.database <= CACHE_DATABASE_MAX);
        EXPECT(memchr(address.password, '\0', sizeof address.password) != NULL);
    }
    free(url);
    return 0;
}
