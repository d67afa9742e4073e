// SPDX-License-Identifier: Apache-2.0
// Messages taken apart into lines, and handled: every line lies inside its message, none holds a
// newline, and a poisoned one is found without its neighbours.
#include "fuzz.h"

#include "platform/bus/lines.h"

#include <string.h>

#define POISON '!' /* the first byte of a line that the handler cannot take */

struct store {
    size_t handled;
};

static enum handled take(void *arg, struct event_line *lines, size_t count)
{
    struct store *store = arg;
    for (size_t i = 0; i < count; i++) {
        if (lines[i].data[0] == POISON) {
            return HANDLED_POISONED;
        }
    }
    store->handled += count;
    return HANDLED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *message = (const char *)data + 1;
    const char *end = message + size - 1;
    struct line_list list = {0};
    struct store store = {0};
    EXPECT(lines_split(&list, message, size - 1) == list.count);
    const char *before = message;
    for (size_t i = 0; i < list.count; i++) {
        const struct event_line *line = &list.items[i];
        if (line->length == 0) {
            EXPECT(list.count == 1); // the whole message is without a line
            continue;
        }
        EXPECT(line->data >= before && line->data + line->length <= end);
        EXPECT(memchr(line->data, '\n', line->length) == NULL);
        before = line->data + line->length;
    }
    size_t batch = (size_t)data[0] + 1;
    EXPECT(lines_handle(take, &store, list.items, list.count, batch) == HANDLED);
    size_t rejected = 0;
    for (size_t i = 0; i < list.count; i++) {
        EXPECT((list.items[i].rejected != NULL) == (list.items[i].data[0] == POISON));
        rejected += list.items[i].rejected != NULL;
    }
    EXPECT(store.handled + rejected == list.count);
    lines_free(&list);
    return 0;
}
