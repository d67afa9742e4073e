// SPDX-License-Identifier: Apache-2.0
// A message is the kind in a byte and up to a thousand uses, each of two hashes of eight bytes.
#include "services/shared_keys.h"

#include "platform/auth/seal.h"
#include "platform/memory.h"
#include "platform/used_keys.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS (KEY_OF_LINE + 1)
#define KEYS_REMEMBERED 32768 /* of a kind; three quarters of a megabyte */
#define USES_A_MESSAGE 1000
#define PAUSE_MS 5 /* between messages: one costs the broker as much as many events */
#define SUBJECT_SIZE 128

// What the replicas' common secret is derived for. Another number when anything else is hashed for
// an event than before: replicas of two versions must not take it for misuse.
#define PURPOSE "used keys 1"

_Static_assert(USED_KEYS_SECRET_SIZE <= SEAL_KEY_SIZE, "a derived key holds a secret");

struct shared_keys {
    char subject[SUBJECT_SIZE];
    struct bus_listener *listener;
    struct counter *heard;
    pthread_mutex_t lock;
    struct used_keys *used[KINDS]; /* under `lock` */
};

struct news {
    size_t length; /* of the message; 1: nothing is new */
    unsigned char message[1 + USES_A_MESSAGE * sizeof(struct key_use)];
};

struct key_teller {
    struct shared_keys *keys;
    struct service_loop on;
    struct loop_timer *pause; /* NULL: whatever is new may be told at once */
    struct news news[KINDS];
};

// ---- what is remembered

static enum key_news note(struct shared_keys *keys, enum key_kind kind, const struct key_use *use)
{
    pthread_mutex_lock(&keys->lock);
    const enum key_news news = used_keys_note(keys->used[kind], use);
    pthread_mutex_unlock(&keys->lock);
    return news;
}

// What this process told over another of its connections comes back, and is no news.
static void hear(void *arg, const char *data, size_t length)
{
    struct shared_keys *keys = arg;
    if (length == 0 || (unsigned char)data[0] >= KINDS) {
        return; /* a later version's */
    }
    struct key_use use;
    for (size_t at = 1; at + sizeof use <= length; at += sizeof use) {
        memcpy(&use, data + at, sizeof use);
        if (note(keys, (enum key_kind)data[0], &use) == KEY_IS_NEW) {
            counter_add(keys->heard, 1);
        }
    }
}

struct shared_keys *shared_keys_new(const struct service_environment *environment,
                                    const char *subject, enum setting secret)
{
    struct shared_keys *keys = memory_zeroed(1, sizeof *keys);
    const char *text = config_text(environment->config, secret);
    struct seal derived = seal_for(PURPOSE, text, strlen(text));
    for (size_t kind = 0; kind < KINDS; kind++) {
        keys->used[kind] = used_keys_new(KEYS_REMEMBERED, derived.key);
    }
    explicit_bzero(&derived, sizeof derived);
    pthread_mutex_init(&keys->lock, NULL);
    snprintf(keys->subject, sizeof keys->subject, "used-keys.%s", subject);
    char labels[SUBJECT_SIZE];
    snprintf(labels, sizeof labels, "subject=\"%s\"", subject);
    keys->heard = metrics_counter(environment->metrics, "ecs_used_keys_heard_total", labels,
                                  "Idempotency keys that were first heard of from other replicas.");
    keys->listener = bus_listen(environment->bus, keys->subject, hear, keys);
    return keys;
}

void shared_keys_free(struct shared_keys **keys)
{
    struct shared_keys *freed = *keys;
    if (freed == NULL) {
        return;
    }
    *keys = NULL;
    bus_listener_close(&freed->listener);
    for (size_t kind = 0; kind < KINDS; kind++) {
        used_keys_free(&freed->used[kind]);
    }
    pthread_mutex_destroy(&freed->lock);
    free(freed);
}

// ---- what is told

// True when something was told.
static bool tell_now(struct key_teller *teller)
{
    bool told = false;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct news *news = &teller->news[kind];
        if (news->length > 1 &&
            bus_tell(teller->on.bus, teller->keys->subject, news->message, news->length)) {
            news->length = 1;
            told = true;
        }
    }
    return told;
}

static void end_pause(void *arg)
{
    struct key_teller *teller = arg;
    loop_timer_free(&teller->pause);
    key_teller_tell(teller);
}

void key_teller_tell(struct key_teller *teller)
{
    if (teller->pause == NULL && tell_now(teller)) {
        teller->pause = loop_timer_start(teller->on.loop, PAUSE_MS, 0, end_pause, teller);
    }
}

static void remember_to_tell(struct key_teller *teller, enum key_kind kind,
                             const struct key_use *use)
{
    struct news *news = &teller->news[kind];
    if (news->length + sizeof *use > sizeof news->message) {
        tell_now(teller);
    }
    if (news->length + sizeof *use > sizeof news->message) {
        news->length = 1; /* the broker is away: the latest count */
    }
    memcpy(news->message + news->length, use, sizeof *use);
    news->length += sizeof *use;
}

bool key_teller_agrees(struct key_teller *teller, enum key_kind kind, const struct uuid *id,
                       const void *content, size_t length)
{
    struct shared_keys *keys = teller->keys;
    const struct key_use use = used_keys_hash(keys->used[kind], id, content, length);
    const enum key_news news = note(keys, kind, &use);
    if (news == KEY_IS_NEW) {
        remember_to_tell(teller, kind, &use);
    }
    return news != KEY_IS_MISUSED;
}

struct key_teller *key_teller_new(struct shared_keys *keys, const struct service_loop *on)
{
    struct key_teller *teller = memory_zeroed(1, sizeof *teller);
    teller->keys = keys;
    teller->on = *on;
    for (size_t kind = 0; kind < KINDS; kind++) {
        teller->news[kind].message[0] = (unsigned char)kind;
        teller->news[kind].length = 1;
    }
    return teller;
}

void key_teller_free(struct key_teller **teller)
{
    struct key_teller *freed = *teller;
    if (freed == NULL) {
        return;
    }
    *teller = NULL;
    tell_now(freed);
    loop_timer_free(&freed->pause);
    free(freed);
}
