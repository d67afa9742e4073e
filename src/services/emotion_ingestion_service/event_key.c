// SPDX-License-Identifier: Apache-2.0
// What is compared, also with what other replicas saw (shared_keys.c), is the event as a line of
// the stream, without its time and its trace.
#include "services/emotion_ingestion_service/event_key.h"

#include "platform/ids.h"

#include <string.h>

bool event_key_name(struct ingestion *ingestion, enum key_kind kind, const char *key,
                    struct emotion_event *event, struct faults *faults)
{
    event->event_id = ids_from_key(&event->user_id, key, strlen(key));
    struct emotion_event felt = *event;
    felt.occurred_at = 0;
    char content[EMOTION_LINE_MAX];
    size_t length = emotion_to_line(&felt, "", content);
    return ingestion_key_agrees(ingestion, kind, &event->event_id, content, length, faults);
}
