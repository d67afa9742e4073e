// SPDX-License-Identifier: Apache-2.0
// A small table of subjects, each of which belongs to one stream.
#include "platform/bus/sequences.h"

#include "platform/bus/subjects.h"
#include "platform/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 16 /* further ones are not watched */
#define SUBJECT_SIZE 96

struct watched {
    char subject[SUBJECT_SIZE];
    bool unseen; /* declared, and nobody looked at its stream yet */
    bool distrusted;
    uint64_t highest;
};

struct sequences {
    pthread_mutex_t lock;
    struct watched items[SUBJECTS_MAX];
    uint32_t count;
    atomic_bool went_back;
    struct log *log;
    struct counter *counter;
};

struct sequences *sequences_new(struct log *log, struct metrics *metrics)
{
    struct sequences *sequences = memory_zeroed(1, sizeof *sequences);
    pthread_mutex_init(&sequences->lock, NULL);
    sequences->log = log;
    sequences->counter = metrics_counter(metrics, "ecs_stream_sequence_went_back_total", NULL,
                                         "Times a stream lost messages it had acknowledged.");
    return sequences;
}

void sequences_free(struct sequences **sequences)
{
    if (*sequences != NULL) {
        pthread_mutex_destroy(&(*sequences)->lock);
        free(*sequences);
        *sequences = NULL;
    }
}

static uint32_t find_or_add(struct sequences *sequences, const char *subject)
{
    uint32_t slot = 0;
    while (slot < sequences->count && strcmp(sequences->items[slot].subject, subject) != 0) {
        slot++;
    }
    if (slot == sequences->count && slot < SUBJECTS_MAX && strlen(subject) < SUBJECT_SIZE) {
        snprintf(sequences->items[slot].subject, SUBJECT_SIZE, "%s", subject);
        sequences->count++;
    }
    return slot < sequences->count ? slot : SUBJECTS_MAX;
}

void sequences_declare(struct sequences *sequences, const char *subject)
{
    pthread_mutex_lock(&sequences->lock);
    const uint32_t known = sequences->count;
    const uint32_t slot = find_or_add(sequences, subject);
    if (slot == known && slot < SUBJECTS_MAX) {
        sequences->items[slot].unseen = true;
    }
    pthread_mutex_unlock(&sequences->lock);
}

bool sequences_is_used(struct sequences *sequences, const char *subject)
{
    bool used = false;
    pthread_mutex_lock(&sequences->lock);
    for (uint32_t i = 0; i < sequences->count; i++) {
        used = used || subject_is_of(sequences->items[i].subject, subject);
    }
    pthread_mutex_unlock(&sequences->lock);
    return used;
}

void sequences_looked_at(struct sequences *sequences, const char *subject, bool whole)
{
    pthread_mutex_lock(&sequences->lock);
    for (uint32_t i = 0; i < sequences->count; i++) {
        struct watched *watched = &sequences->items[i];
        if (subject_is_of(watched->subject, subject)) {
            watched->unseen = false;
            watched->distrusted = watched->distrusted && !whole;
        }
    }
    pthread_mutex_unlock(&sequences->lock);
}

struct sequence_mark sequences_mark(struct sequences *sequences, const char *subject)
{
    pthread_mutex_lock(&sequences->lock);
    struct sequence_mark mark = {.slot = find_or_add(sequences, subject)};
    if (mark.slot < SUBJECTS_MAX) {
        mark.highest = sequences->items[mark.slot].highest;
        mark.distrusted =
            sequences->items[mark.slot].distrusted || sequences->items[mark.slot].unseen;
    }
    pthread_mutex_unlock(&sequences->lock);
    return mark;
}

static void alarm(struct sequences *sequences, const char *subject, uint64_t highest, uint64_t now)
{
    atomic_store(&sequences->went_back, true);
    counter_add(sequences->counter, 1);
    log_error(sequences->log, "stream lost messages it had acknowledged",
              LOG_TEXT("subject", subject), LOG_NUMBER("highest_acknowledged", highest),
              LOG_NUMBER("now_at", now));
}

bool sequences_seen(struct sequences *sequences, struct sequence_mark mark, uint64_t sequence)
{
    pthread_mutex_lock(&sequences->lock);
    if (mark.slot >= sequences->count) {
        pthread_mutex_unlock(&sequences->lock);
        return true;
    }
    struct watched *watched = &sequences->items[mark.slot];
    // Other messages sent before the loss was seen carry the same mark: one alarm for all of them.
    const bool back = sequence <= mark.highest && watched->highest >= mark.highest;
    if (back || sequence > watched->highest) {
        watched->highest = sequence;
    }
    watched->distrusted = watched->distrusted || back;
    pthread_mutex_unlock(&sequences->lock);
    if (back) {
        alarm(sequences, watched->subject, mark.highest, sequence);
    }
    return sequence > mark.highest;
}

void sequences_lost(struct sequences *sequences, const char *subject, uint64_t highest,
                    uint64_t last)
{
    bool trusted = false;
    pthread_mutex_lock(&sequences->lock);
    const uint32_t slot = find_or_add(sequences, subject);
    if (slot < SUBJECTS_MAX) {
        trusted = !sequences->items[slot].distrusted;
        sequences->items[slot].distrusted = true;
    }
    pthread_mutex_unlock(&sequences->lock);
    if (trusted) {
        alarm(sequences, subject, highest, last);
    }
}

bool sequences_went_back(const struct sequences *sequences)
{
    return atomic_load(&sequences->went_back);
}
