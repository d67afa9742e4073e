// SPDX-License-Identifier: Apache-2.0
// Emotion events, as the app sends them and as a line of the stream: whatever is accepted can be
// written, and is then read as the same event; and plain JSON is read as jansson would read it.
#include "fuzz.h"

#include "not_plain.h"

#include "events/emotion_json.h"
#include "platform/json.h"

#include <string.h>

static void expect_in_range(metric value)
{
    EXPECT(value >= 0 && value <= METRIC_ONE);
}

static void expect_same(const struct emotion_event *event)
{
    char line[EMOTION_LINE_MAX];
    const char *reason = NULL;
    struct emotion_event again;
    expect_in_range(event->positivity);
    expect_in_range(event->intensity);
    expect_in_range(event->stress_level);
    size_t length = emotion_to_line(event, "4bf92f3577b34da6a3ce929d0e0e4736", line);
    EXPECT(length < sizeof line && strlen(line) == length && strchr(line, '\n') == NULL);
    EXPECT(emotion_from_line(line, length, &again, &reason));
    EXPECT(uuid_equal(&again.event_id, &event->event_id));
    EXPECT(uuid_equal(&again.user_id, &event->user_id));
    EXPECT(again.occurred_at == event->occurred_at && strcmp(again.type, event->type) == 0);
    EXPECT(again.positivity == event->positivity && again.intensity == event->intensity &&
           again.stress_level == event->stress_level);
}

static bool is_same(const struct emotion_event *one, const struct emotion_event *other)
{
    return one->id_is_new == other->id_is_new &&
           (one->id_is_new || uuid_equal(&one->event_id, &other->event_id)) &&
           uuid_equal(&one->user_id, &other->user_id) && one->occurred_at == other->occurred_at &&
           strcmp(one->type, other->type) == 0 && one->positivity == other->positivity &&
           one->intensity == other->intensity && one->stress_level == other->stress_level;
}

static void expect_same_of_jansson(const char *text, size_t size, const struct event_window *window,
                                   const struct emotion_event *event)
{
    size_t length = 0;
    char *with = not_plain(text, size, &length);
    struct faults faults = {0};
    struct emotion_event other;
    char error[JSON_ERROR_SIZE] = "";
    if (with == NULL) {
        return;
    }
    EXPECT(emotion_from_request(with, length, window, &other, &faults, error) == EVENT_GOOD);
    EXPECT(is_same(event, &other));
    free(with);
}

// What a worker reads from a line, whoever wrote it: its two readers must agree about every text.
static void expect_line_as_of_jansson(const char *text, size_t size)
{
    size_t length = 0;
    const char *reason = NULL;
    const char *reason_of_jansson = NULL;
    struct emotion_event event = {0};
    struct emotion_event other = {0};
    const bool good = emotion_from_line(text, size, &event, &reason);
    char *with = not_plain(text, size, &length);
    EXPECT(good || reason != NULL);
    if (with == NULL) {
        return;
    }
    const bool good_of_jansson = emotion_from_line(with, length, &other, &reason_of_jansson);
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
    struct emotion_event event;
    char error[JSON_ERROR_SIZE] = "";
    enum event_read read = emotion_from_request(text, size, &window, &event, &faults, error);
    EXPECT((read == EVENT_FAULTY) == (faults.count > 0));
    EXPECT((read == EVENT_NOT_JSON) == (error[0] != '\0'));
    if (read == EVENT_GOOD) {
        expect_same(&event);
        expect_same_of_jansson(text, size, &window, &event);
    }
    const char *reason = NULL;
    if (emotion_from_line(text, size, &event, &reason)) {
        expect_same(&event);
    }
    expect_line_as_of_jansson(text, size);
    return 0;
}
