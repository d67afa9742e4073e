// SPDX-License-Identifier: Apache-2.0
// Instants: what is read comes back from its text, and its day holds it.
#include "fuzz.h"

#include "domain/timestamp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    timestamp at = 0;
    if (timestamp_parse((const char *)data, size, &at)) {
        char written[TIMESTAMP_TEXT_SIZE];
        timestamp again = 0;
        timestamp_format(at, written);
        EXPECT(strlen(written) == sizeof written - 1);
        EXPECT(timestamp_parse(written, strlen(written), &again));
        EXPECT(again == at);
        timestamp midnight = timestamp_day(at) * MICROSECONDS_A_DAY;
        EXPECT(midnight <= at && at - midnight < MICROSECONDS_A_DAY);
    }
    if (size == sizeof at) {
        char written[TIMESTAMP_TEXT_SIZE];
        memcpy(&at, data, sizeof at);
        timestamp_format(at, written);
        EXPECT(timestamp_parse(written, strlen(written), &at));
    }
    return 0;
}
