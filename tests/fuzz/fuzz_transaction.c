// SPDX-License-Identifier: Apache-2.0
// Transactions, as the bank sends them and as a line of the stream: whatever is accepted can be
// written, and is then read as the same event; and plain JSON is read as jansson would read it.
#include "fuzz.h"

#include "not_plain.h"

#include "events/transaction_json.h"
#include "platform/json.h"

#include <string.h>

static void expect_same(const struct transaction_event *event)
{
    char line[TRANSACTION_LINE_MAX];
    const char *reason = NULL;
    struct transaction_event again;
    EXPECT(event->amount > 0 && event->amount <= TRANSACTION_AMOUNT_MAX);
    size_t length = transaction_to_line(event, "4bf92f3577b34da6a3ce929d0e0e4736", line);
    EXPECT(length < sizeof line && strlen(line) == length && strchr(line, '\n') == NULL);
    EXPECT(transaction_from_line(line, length, &again, &reason));
    EXPECT(uuid_equal(&again.event_id, &event->event_id));
    EXPECT(uuid_equal(&again.user_id, &event->user_id));
    EXPECT(again.occurred_at == event->occurred_at && again.amount == event->amount);
}

static bool is_same(const struct transaction_event *one, const struct transaction_event *other)
{
    return uuid_equal(&one->event_id, &other->event_id) &&
           uuid_equal(&one->user_id, &other->user_id) && one->amount == other->amount &&
           one->occurred_at == other->occurred_at;
}

static void expect_same_of_jansson(const char *text, size_t size, const struct event_window *window,
                                   const struct transaction_event *event)
{
    size_t length = 0;
    char *with = not_plain(text, size, &length);
    struct faults faults = {0};
    struct transaction_event other = {0};
    char error[JSON_ERROR_SIZE] = "";
    if (with == NULL) {
        return;
    }
    EXPECT(transaction_from_request(with, length, window, &other, &faults, error) == EVENT_GOOD);
    EXPECT(uuid_equal(&event->user_id, &other.user_id) && event->amount == other.amount &&
           event->occurred_at == other.occurred_at);
    free(with);
}

// What a worker reads from a line, whoever wrote it: its two readers must agree about every text.
static void expect_line_as_of_jansson(const char *text, size_t size)
{
    size_t length = 0;
    const char *reason = NULL;
    const char *reason_of_jansson = NULL;
    struct transaction_event event = {0};
    struct transaction_event other = {0};
    const bool good = transaction_from_line(text, size, &event, &reason);
    char *with = not_plain(text, size, &length);
    EXPECT(good || reason != NULL);
    if (with == NULL) {
        return;
    }
    const bool good_of_jansson = transaction_from_line(with, length, &other, &reason_of_jansson);
    free(with);
    expect_same_verdict(good, reason, good_of_jansson, reason_of_jansson);
    EXPECT(!good || is_same(&event, &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const struct event_window window = {.now = INT64_C(1769904000000000),
                                        .max_ahead = INT64_C(300000000),
                                        .max_age = INT64_C(3024000000000)};
    struct faults faults = {0};
    struct transaction_event event = {0};
    char error[JSON_ERROR_SIZE] = "";
    enum event_read read = transaction_from_request(text, size, &window, &event, &faults, error);
    EXPECT((read == EVENT_FAULTY) == (faults.count > 0));
    EXPECT((read == EVENT_NOT_JSON) == (error[0] != '\0'));
    if (read == EVENT_GOOD) {
        expect_same(&event);
        expect_same_of_jansson(text, size, &window, &event);
    }
    const char *reason = NULL;
    if (transaction_from_line(text, size, &event, &reason)) {
        expect_same(&event);
    }
    expect_line_as_of_jansson(text, size);
    return 0;
}
