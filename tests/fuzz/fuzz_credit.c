// SPDX-License-Identifier: Apache-2.0
// What the activation reads of an accepted offer, and strings put into JSON by hand.
#include "fuzz.h"

#include "events/credit_json.h"
#include "platform/json.h"

#include <string.h>

static void expect_json_string(const char *text, size_t length)
{
    char quoted[128];
    char error[JSON_ERROR_SIZE];
    size_t written = json_quote(text, length, quoted, sizeof quoted);
    EXPECT(written >= 2 && written < sizeof quoted && strlen(quoted) == written);
    json_t *value = json_read(quoted, written, error);
    // A NUL is JSON, and refused by the strict reader.
    EXPECT(json_is_string(value) || strstr(quoted, "\\u0000") != NULL);
    json_release(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct uuid offer = {{0}};
    struct uuid person = {{0}};
    const char *reason = NULL;
    if (!accepted_offer_from_json(text, size, &offer, &person, &reason)) {
        EXPECT(reason != NULL);
    }
    expect_json_string(text, size);
    return 0;
}
