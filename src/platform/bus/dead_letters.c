// SPDX-License-Identifier: Apache-2.0
// Reading, replaying and removing dead letters, for the commands of operators.
#include "platform/bus/dead_letters.h"

#include "platform/bus/bus_internal.h"
#include "platform/bus/pull.h"
#include "platform/bus/streams.h"

#include <stdlib.h>
#include <string.h>

#define FETCH_MESSAGES 256
#define FETCH_WAIT_MS 1000
#define FORGET_AFTER_MS 30000
#define REPLAY_TIMEOUT_MS 5000
#define NANOSECONDS_A_MS INT64_C(1000000)
#define NANOSECONDS_A_MICROSECOND 1000

static const char *header_or(natsMsg *message, const char *name, const char *fallback)
{
    const char *value = NULL;
    return natsMsgHeader_Get(message, name, &value) == NATS_OK && value != NULL ? value : fallback;
}

static uint64_t header_number(natsMsg *message, const char *name)
{
    return strtoull(header_or(message, name, "0"), NULL, 10);
}

// Where the letter was published first; what somebody put under `dead.` by hand has no headers.
static const char *first_subject(natsMsg *message)
{
    const size_t prefix = strlen(SUBJECT_DEAD_PREFIX);
    const char *subject = natsMsg_GetSubject(message);
    const bool has_prefix = strncmp(subject, SUBJECT_DEAD_PREFIX, prefix) == 0;
    return header_or(message, DEAD_LETTER_SUBJECT, has_prefix ? subject + prefix : subject);
}

static struct dead_letter letter_of(natsMsg *message, uint64_t sequence, int64_t died_at_ns)
{
    return (struct dead_letter){
        .sequence = sequence,
        .subject = first_subject(message),
        .stream = header_or(message, DEAD_LETTER_STREAM, ""),
        .reason = header_or(message, DEAD_LETTER_REASON, ""),
        .stream_sequence = header_number(message, DEAD_LETTER_SEQUENCE),
        .tries = header_number(message, DEAD_LETTER_TRIES),
        .died_at = died_at_ns / NANOSECONDS_A_MICROSECOND,
        .data = natsMsg_GetData(message),
        .length = (size_t)natsMsg_GetDataLength(message),
    };
}

// ---- walking, by a consumer that the broker forgets when it is idle

struct walk {
    dead_letter_fn *fn;
    void *arg;
    uint64_t left; /* letters that were there at the beginning */
    bool ended;
};

static struct pull *open_walk(struct bus *bus)
{
    jsConsumerConfig wanted;
    jsConsumerConfig_Init(&wanted);
    wanted.AckPolicy = js_AckNone;
    wanted.DeliverPolicy = js_DeliverAll;
    wanted.InactiveThreshold = FORGET_AFTER_MS * NANOSECONDS_A_MS;
    jsConsumerInfo *made = NULL;
    struct pull *pull = NULL;
    if (js_AddConsumer(&made, bus->link->jetstream, STREAM_DEAD_LETTERS, &wanted, NULL, NULL) ==
        NATS_OK) {
        pull = pull_open(bus->link, STREAM_DEAD_LETTERS, made->Name);
    }
    jsConsumerInfo_Destroy(made);
    return pull;
}

static void show(void *arg, natsMsg *message)
{
    struct walk *walk = arg;
    if (!walk->ended) {
        const struct pull_origin origin = pull_origin(message);
        const struct dead_letter letter = letter_of(message, origin.sequence, origin.stored_at);
        walk->left--;
        walk->ended = !walk->fn(walk->arg, &letter) || walk->left == 0;
    }
    natsMsg_Destroy(message);
}

static natsStatus count_letters(struct bus *bus, uint64_t *ret)
{
    jsStreamInfo *info = NULL;
    const natsStatus status =
        js_GetStreamInfo(&info, bus->link->jetstream, STREAM_DEAD_LETTERS, NULL, NULL);
    if (status == NATS_OK) {
        *ret = info->State.Msgs;
        jsStreamInfo_Destroy(info);
    }
    return status;
}

enum dead_result dead_letters_walk(struct bus *bus, dead_letter_fn *fn, void *arg)
{
    struct walk walk = {.fn = fn, .arg = arg};
    if (count_letters(bus, &walk.left) != NATS_OK) {
        return DEAD_UNAVAILABLE;
    }
    if (walk.left == 0) {
        return DEAD_DONE;
    }
    struct pull *pull = open_walk(bus);
    if (pull == NULL) {
        return DEAD_UNAVAILABLE;
    }
    const struct pull_request request = {
        .messages = FETCH_MESSAGES,
        .bytes = 2 * natsConnection_GetMaxPayload(bus->link->connection),
        .wait_ms = FETCH_WAIT_MS,
    };
    // A letter that was removed meanwhile never comes: the wait for it ends the walk.
    while (!walk.ended && pull_fetch(pull, &request, show, &walk) > 0) {
    }
    pull_close(&pull);
    return DEAD_DONE;
}

// ---- one letter

static enum dead_result fetch_one(struct bus *bus, uint64_t sequence, natsMsg **ret)
{
    const natsStatus status =
        js_GetMsg(ret, bus->link->jetstream, STREAM_DEAD_LETTERS, sequence, NULL, NULL);
    if (status == NATS_OK) {
        return DEAD_DONE;
    }
    return status == NATS_NOT_FOUND ? DEAD_UNKNOWN : DEAD_UNAVAILABLE;
}

enum dead_result dead_letters_get(struct bus *bus, uint64_t sequence, dead_letter_fn *fn, void *arg)
{
    natsMsg *message = NULL;
    const enum dead_result result = fetch_one(bus, sequence, &message);
    if (result == DEAD_DONE) {
        const struct dead_letter letter = letter_of(message, sequence, natsMsg_GetTime(message));
        fn(arg, &letter);
    }
    natsMsg_Destroy(message);
    return result;
}

enum dead_result dead_letters_replay(struct bus *bus, uint64_t sequence)
{
    natsMsg *message = NULL;
    const enum dead_result result = fetch_one(bus, sequence, &message);
    if (result != DEAD_DONE) {
        return result;
    }
    const struct bus_outgoing again = {
        .subject = first_subject(message),
        .data = natsMsg_GetData(message),
        .length = (size_t)natsMsg_GetDataLength(message),
    };
    const enum bus_result published = bus_publish(bus, &again, REPLAY_TIMEOUT_MS);
    natsMsg_Destroy(message);
    if (published != BUS_OK) {
        return published == BUS_FAILED ? DEAD_REFUSED : DEAD_UNAVAILABLE;
    }
    return dead_letters_purge(bus, sequence);
}

enum dead_result dead_letters_purge(struct bus *bus, uint64_t sequence)
{
    jsErrCode code = 0;
    const natsStatus status =
        js_EraseMsg(bus->link->jetstream, STREAM_DEAD_LETTERS, sequence, NULL, &code);
    if (status == NATS_OK) {
        return DEAD_DONE;
    }
    // The broker says "no message found" or, of a number beyond the end, that it cannot delete it.
    return code != 0 ? DEAD_UNKNOWN : DEAD_UNAVAILABLE;
}

enum dead_result dead_letters_purge_all(struct bus *bus, uint64_t *ret_count)
{
    if (count_letters(bus, ret_count) != NATS_OK) {
        return DEAD_UNAVAILABLE;
    }
    const natsStatus status = js_PurgeStream(bus->link->jetstream, STREAM_DEAD_LETTERS, NULL, NULL);
    return status == NATS_OK ? DEAD_DONE : DEAD_UNAVAILABLE;
}
