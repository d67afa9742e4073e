// SPDX-License-Identifier: Apache-2.0
// JetStream's answers to a publish, which are read by hand: whatever is taken for an
// acknowledgement holds a sequence.
#include "fuzz.h"

#include "platform/bus/pub_ack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pub_ack ack = {0};
    if (pub_ack_read((const char *)data, size, &ack) == BUS_OK) {
        EXPECT(ack.sequence > 0);
    }
    return 0;
}
