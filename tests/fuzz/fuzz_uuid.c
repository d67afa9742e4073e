// SPDX-License-Identifier: Apache-2.0
// Ids: what is read comes back from its text, and 16 bytes come back from theirs.
#include "fuzz.h"

#include "domain/uuid.h"

#include <string.h>

static void expect_same(const struct uuid *id)
{
    char written[UUID_TEXT_SIZE];
    struct uuid again;
    uuid_format(id, written);
    EXPECT(strlen(written) == sizeof written - 1);
    EXPECT(uuid_parse(written, strlen(written), &again));
    EXPECT(uuid_equal(id, &again) && uuid_compare(id, &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct uuid id;
    if (uuid_parse((const char *)data, size, &id)) {
        expect_same(&id);
    }
    if (size == sizeof id.bytes) {
        memcpy(id.bytes, data, size);
        expect_same(&id);
    }
    return 0;
}
