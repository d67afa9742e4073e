// SPDX-License-Identifier: Apache-2.0
// Bytes that a service answers. The first byte of an input says how the rest is cut, and whether
// the request was a HEAD: however the bytes arrive, the parser must say the same. An answer that
// passes has a status, values without line ends, and a body within the limit.
#include "fuzz.h"

#include "platform/http/response.h"

#include <string.h>

#define BODY_MAX 2048

struct outcome {
    size_t complete;
    bool broken;
    size_t bytes;
};

static void expect_sound(const struct response *response)
{
    struct response_parts parts = response_parts(response);
    EXPECT(parts.status >= 200 && parts.status <= 599);
    EXPECT(strpbrk(parts.content_type, "\r\n") == NULL && strlen(parts.content_type) < 128);
    for (size_t i = 0; i < HTTP_PASSED_ON; i++) {
        const char *value = parts.passed_on[i];
        EXPECT(value == NULL || (strpbrk(value, "\r\n") == NULL && strlen(value) < 32));
    }
    EXPECT(parts.body->length <= BODY_MAX);
    EXPECT(response_fault(response) == NULL);
}

static void count(struct response *response, struct outcome *outcome)
{
    struct response_parts parts = response_parts(response);
    expect_sound(response);
    outcome->complete++;
    outcome->bytes += parts.body->length + strlen(parts.content_type) + (size_t)parts.status +
                      response_stays(response);
}

// Feeds everything in pieces of `piece` bytes, 0 for one piece, until the end or a fault, one
// answer after the other. The pieces are copies, so that reading beyond one is seen.
static struct outcome feed(const char *data, size_t size, size_t piece, bool is_to_head)
{
    struct response *response = response_new();
    struct outcome outcome = {0};
    response_expect(response, is_to_head, BODY_MAX);
    for (size_t at = 0; at < size && !outcome.broken;) {
        size_t length = piece == 0 || piece > size - at ? size - at : piece;
        char *copy = malloc(length);
        EXPECT(copy != NULL);
        memcpy(copy, data + at, length);
        size_t used = 0;
        enum response_outcome fed = response_feed(response, copy, length, &used);
        free(copy);
        EXPECT(used <= length && (fed != RESPONSE_MORE || used == length));
        EXPECT(fed != RESPONSE_COMPLETE || used > 0);
        if (fed == RESPONSE_COMPLETE) {
            count(response, &outcome);
            response_expect(response, is_to_head, BODY_MAX);
        }
        outcome.broken = fed == RESPONSE_BROKEN;
        at += used;
    }
    if (!outcome.broken && response_end(response) == RESPONSE_COMPLETE) {
        EXPECT(!response_stays(response));
        count(response, &outcome);
    }
    response_free(&response);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    bool is_to_head = data[0] >= 0x80;
    struct outcome whole = feed(bytes, size - 1, 0, is_to_head);
    struct outcome cut = feed(bytes, size - 1, (size_t)data[0] % 64 + 1, is_to_head);
    EXPECT(whole.complete == cut.complete && whole.bytes == cut.bytes);
    EXPECT(whole.broken == cut.broken);
    return 0;
}
