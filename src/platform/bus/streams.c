// SPDX-License-Identifier: Apache-2.0
// The tables of streams and durable consumers, and their comparison with what the broker has.
#include "platform/bus/streams.h"

#include "platform/buffer.h"
#include "platform/bus/bus_internal.h"

#include <inttypes.h>
#include <string.h>

#define NANOSECONDS_A_MS INT64_C(1000000)
#define NANOSECONDS_AN_HOUR (INT64_C(3600000) * NANOSECONDS_A_MS)
#define DUPLICATE_WINDOW_NS (INT64_C(120000) * NANOSECONDS_A_MS)
#define MAX_ACK_PENDING 100000 /* messages that all replicas of a worker hold together */
#define NO_LIMIT (-1)
#define LOOKS_AT_THE_END 5
#define LOOK_AGAIN_MS 200

const struct stream_row stream_rows[STREAM_COUNT] = {
    {STREAM_EMOTIONS, SUBJECT_EMOTIONS, "emotion-processing-worker"},
    {STREAM_TRANSACTIONS, SUBJECT_TRANSACTIONS, "transaction-processing-worker"},
    {STREAM_CREDITS, SUBJECT_CREDITS, "credit-application-worker"},
    {STREAM_NOTIFICATIONS, SUBJECT_NOTIFICATIONS, NULL},
    {STREAM_DEAD_LETTERS, SUBJECT_DEAD_PREFIX ">", NULL},
};

struct provision {
    jsCtx *jetstream;
    struct sequences *sequences;
    const struct stream_settings *settings;
    provision_report_fn *report;
    void *arg;
    bool failed;
};

static void tell(struct provision *provision, const char *kind, const char *name,
                 enum provision_result result, const char *difference)
{
    provision->failed = provision->failed || result == PROVISION_FAILED;
    if (provision->report != NULL) {
        provision->report(provision->arg, kind, name, result, difference);
    }
}

static void tell_failure(struct provision *provision, const char *kind, const char *name,
                         natsStatus status)
{
    tell(provision, kind, name, PROVISION_FAILED, link_error_text(status));
}

static void tell_comparison(struct provision *provision, const char *kind, const char *name,
                            struct buffer *differences)
{
    const bool same = differences->length == 0;
    tell(provision, kind, name, same ? PROVISION_SAME : PROVISION_DIFFERS,
         same ? "" : differences->data);
    buffer_free(differences);
}

static void compare(struct buffer *differences, const char *setting, int64_t theirs, int64_t ours)
{
    if (theirs != ours) {
        buffer_add_format(differences, "%s%s is %" PRId64 ", wanted %" PRId64,
                          differences->length > 0 ? "; " : "", setting, theirs, ours);
    }
}

static void compare_streams(struct buffer *differences, const jsStreamConfig *theirs,
                            const jsStreamConfig *ours)
{
    if (theirs->SubjectsLen != 1 || strcmp(theirs->Subjects[0], ours->Subjects[0]) != 0) {
        buffer_add_format(differences, "subjects are not just %s", ours->Subjects[0]);
    }
    compare(differences, "storage (0 file)", theirs->Storage, ours->Storage);
    compare(differences, "retention (0 limits)", theirs->Retention, ours->Retention);
    compare(differences, "discard (1 new)", theirs->Discard, ours->Discard);
    compare(differences, "max_age in ms", theirs->MaxAge / NANOSECONDS_A_MS,
            ours->MaxAge / NANOSECONDS_A_MS);
    compare(differences, "max_bytes", theirs->MaxBytes, ours->MaxBytes);
    compare(differences, "max_msgs", theirs->MaxMsgs, ours->MaxMsgs);
    compare(differences, "max_msgs_per_subject", theirs->MaxMsgsPerSubject,
            ours->MaxMsgsPerSubject);
    compare(differences, "max_msg_size", theirs->MaxMsgSize, ours->MaxMsgSize);
    compare(differences, "no_ack", theirs->NoAck, ours->NoAck);
    compare(differences, "replicas", theirs->Replicas, ours->Replicas);
    compare(differences, "duplicate window in ms", theirs->Duplicates / NANOSECONDS_A_MS,
            ours->Duplicates / NANOSECONDS_A_MS);
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void compare_consumers(struct buffer *differences, const jsConsumerConfig *theirs,
                              const jsConsumerConfig *ours)
{
    compare(differences, "deliver policy (0 all)", theirs->DeliverPolicy, ours->DeliverPolicy);
    compare(differences, "ack policy (0 explicit)", theirs->AckPolicy, ours->AckPolicy);
    compare(differences, "ack wait in ms", theirs->AckWait / NANOSECONDS_A_MS,
            ours->AckWait / NANOSECONDS_A_MS);
    compare(differences, "max_ack_pending", theirs->MaxAckPending, ours->MaxAckPending);
    compare(differences, "max_deliver", theirs->MaxDeliver, ours->MaxDeliver);
    compare(differences, "inactive_threshold in ms", theirs->InactiveThreshold / NANOSECONDS_A_MS,
            ours->InactiveThreshold / NANOSECONDS_A_MS);
    compare(differences, "filters", is_set(theirs->FilterSubject), is_set(ours->FilterSubject));
}

static natsStatus look_up_or_add_stream(struct provision *provision, jsStreamConfig *wanted,
                                        jsStreamInfo **ret_found)
{
    const natsStatus status =
        js_GetStreamInfo(ret_found, provision->jetstream, wanted->Name, NULL, NULL);
    if (status != NATS_NOT_FOUND) {
        return status;
    }
    return js_AddStream(NULL, provision->jetstream, wanted, NULL, NULL);
}

static bool is_whole(const jsStreamState *state)
{
    return state->Msgs == 0 || state->LastSeq - state->FirstSeq + 1 == state->Msgs;
}

bool stream_ends_before(jsCtx *jetstream, const char *stream, uint64_t number,
                        struct stream_end *ret)
{
    bool before = true;
    for (int times = 0; before && times < LOOKS_AT_THE_END; times++) {
        jsStreamInfo *info = NULL;
        if (times > 0) {
            nats_Sleep(LOOK_AGAIN_MS);
        }
        if (js_GetStreamInfo(&info, jetstream, stream, NULL, NULL) != NATS_OK) {
            return false;
        }
        *ret = (struct stream_end){info->State.LastSeq, is_whole(&info->State)};
        before = ret->last < number;
        jsStreamInfo_Destroy(info);
    }
    return before;
}

// How far the consumer of a stream came, 0 when there is none.
static uint64_t consumed_of(struct provision *provision, const struct stream_row *row)
{
    jsConsumerInfo *info = NULL;
    if (row->durable == NULL || js_GetConsumerInfo(&info, provision->jetstream, row->name,
                                                   row->durable, NULL, NULL) != NATS_OK) {
        return 0;
    }
    const uint64_t consumed = info->Delivered.Stream;
    jsConsumerInfo_Destroy(info);
    return consumed;
}

// The broker keeps in a file of its own how far a consumer came. A stream that ends before that
// lost its end, also when every process is gone that knew.
static bool ends_before_its_consumer(struct provision *provision, const struct stream_row *row,
                                     uint64_t last)
{
    struct stream_end end;
    const uint64_t consumed = consumed_of(provision, row);
    if (consumed <= last || !stream_ends_before(provision->jetstream, row->name, consumed, &end)) {
        return false;
    }
    sequences_lost(provision->sequences, row->subject, consumed, end.last);
    return true;
}

// A message that cannot be read, or whose number in the file changed, leaves a gap. Of the dead
// letters some are missing that somebody dealt with.
static bool has_a_gap(struct provision *provision, const struct stream_row *row,
                      const jsStreamState *state)
{
    if (is_whole(state) || strcmp(row->name, STREAM_DEAD_LETTERS) == 0) {
        return false;
    }
    sequences_lost(provision->sequences, row->subject, state->LastSeq,
                   state->FirstSeq + state->Msgs - 1);
    return true;
}

// A stream that went back is trusted again when it is whole, and its consumer was made anew, which
// would pass over what comes now. True when it is not to be trusted.
static bool is_damaged(struct provision *provision, const struct stream_row *row,
                       const jsStreamInfo *found)
{
    // One that is declared only now was not compared.
    if (!sequences_is_used(provision->sequences, row->subject)) {
        return false;
    }
    const bool lost =
        found != NULL && (has_a_gap(provision, row, &found->State) ||
                          ends_before_its_consumer(provision, row, found->State.LastSeq));
    sequences_looked_at(provision->sequences, row->subject, !lost);
    return lost;
}

static void provision_stream(struct provision *provision, const struct stream_row *row)
{
    const char *subjects[] = {row->subject};
    jsStreamConfig wanted;
    jsStreamConfig_Init(&wanted);
    wanted.Name = row->name;
    wanted.Subjects = subjects;
    wanted.SubjectsLen = 1;
    wanted.Storage = js_FileStorage;
    wanted.Retention = js_LimitsPolicy;
    wanted.Discard = js_DiscardNew;
    wanted.MaxAge = provision->settings->max_age_hours * NANOSECONDS_AN_HOUR;
    wanted.MaxBytes = provision->settings->max_bytes;
    wanted.MaxMsgsPerSubject = NO_LIMIT;
    wanted.Replicas = provision->settings->replicas;
    wanted.Duplicates = DUPLICATE_WINDOW_NS;

    jsStreamInfo *found = NULL;
    const natsStatus status = look_up_or_add_stream(provision, &wanted, &found);
    if (status != NATS_OK) {
        tell_failure(provision, "stream", row->name, status);
    } else if (is_damaged(provision, row, found)) {
        tell(provision, "stream", row->name, PROVISION_FAILED,
             "it is damaged: restore it, or save its files and purge it");
    } else if (found == NULL) {
        tell(provision, "stream", row->name, PROVISION_MADE, "");
    } else {
        struct buffer differences = {0};
        compare_streams(&differences, found->Config, &wanted);
        tell_comparison(provision, "stream", row->name, &differences);
    }
    jsStreamInfo_Destroy(found);
}

static natsStatus look_up_or_add_consumer(struct provision *provision, const char *stream,
                                          jsConsumerConfig *wanted, jsConsumerInfo **ret_found)
{
    const natsStatus status =
        js_GetConsumerInfo(ret_found, provision->jetstream, stream, wanted->Durable, NULL, NULL);
    if (status != NATS_NOT_FOUND) {
        return status;
    }
    return js_AddConsumer(NULL, provision->jetstream, stream, wanted, NULL, NULL);
}

// No max_deliver, no inactive threshold and no filter: consumers of nats-server 2.9 may stall with
// them, so that tries are counted here.
static void provision_consumer(struct provision *provision, const struct stream_row *row)
{
    jsConsumerConfig wanted;
    jsConsumerConfig_Init(&wanted);
    wanted.Durable = row->durable;
    wanted.DeliverPolicy = js_DeliverAll;
    wanted.AckPolicy = js_AckExplicit;
    wanted.AckWait = provision->settings->ack_wait_ms * NANOSECONDS_A_MS;
    wanted.MaxDeliver = NO_LIMIT;
    wanted.MaxAckPending = MAX_ACK_PENDING;

    jsConsumerInfo *found = NULL;
    const natsStatus status = look_up_or_add_consumer(provision, row->name, &wanted, &found);
    if (status != NATS_OK) {
        tell_failure(provision, "consumer", row->durable, status);
    } else if (found == NULL) {
        tell(provision, "consumer", row->durable, PROVISION_MADE, "");
    } else {
        struct buffer differences = {0};
        compare_consumers(&differences, found->Config, &wanted);
        tell_comparison(provision, "consumer", row->durable, &differences);
    }
    jsConsumerInfo_Destroy(found);
}

bool streams_provision(struct bus *bus, const struct stream_settings *settings,
                       provision_report_fn *report, void *arg)
{
    struct provision provision = {
        .jetstream = bus->link->jetstream,
        .sequences = bus->sequences,
        .settings = settings,
        .report = report,
        .arg = arg,
    };
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        provision_stream(&provision, &stream_rows[i]);
    }
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        if (stream_rows[i].durable != NULL) {
            provision_consumer(&provision, &stream_rows[i]);
        }
    }
    return !provision.failed;
}
