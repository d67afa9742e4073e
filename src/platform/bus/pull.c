// SPDX-License-Identifier: Apache-2.0
// Pull requests of the JetStream protocol (ADR-13 of its designers): each names a reply subject of
// its own under one inbox, so that a status tells which request it ends.
#include "platform/bus/pull.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT_SIZE 256
#define REQUEST_SIZE 160
#define ACK_SIZE 64
#define SLACK_MS 500 /* after which a request that the broker does not end is given up */
#define SLICE_MS 250
#define NANOSECONDS_A_MS INT64_C(1000000)

struct pull {
    struct link *link;
    natsSubscription *subscription;
    char inbox[LINK_INBOX_SIZE];
    char reply[SUBJECT_SIZE]; /* of the newest request */
    char next[SUBJECT_SIZE];  /* where requests go */
    uint64_t requests;
};

struct pull *pull_open(struct link *link, const char *stream, const char *consumer)
{
    char inbox[LINK_INBOX_SIZE];
    if (!link_is_up(link) || link_new_inbox(link, inbox) != NATS_OK) {
        return NULL;
    }
    struct pull *pull = memory_zeroed(1, sizeof *pull);
    pull->link = link;
    snprintf(pull->inbox, sizeof pull->inbox, "%s", inbox);
    snprintf(pull->next, sizeof pull->next, "$JS.API.CONSUMER.MSG.NEXT.%s.%s", stream, consumer);
    char answers[SUBJECT_SIZE];
    snprintf(answers, sizeof answers, "%s.*", pull->inbox);
    if (natsConnection_SubscribeSync(&pull->subscription, link->connection, answers) != NATS_OK) {
        pull_close(&pull);
    }
    return pull;
}

void pull_close(struct pull **pull)
{
    if (*pull == NULL) {
        return;
    }
    if ((*pull)->subscription != NULL) {
        natsSubscription_Unsubscribe((*pull)->subscription);
        // After the broker's answer to the flush nothing comes any more: destroying a subscription
        // to which messages still come can crash.
        link_flush((*pull)->link);
        natsSubscription_Destroy((*pull)->subscription);
    }
    free(*pull);
    *pull = NULL;
}

// With no_wait and expires together the broker sends what is there at once, or else the first
// message that comes.
static bool ask(struct pull *pull, const struct pull_request *request)
{
    char body[REQUEST_SIZE];
    snprintf(pull->reply, sizeof pull->reply, "%s.%" PRIu64, pull->inbox, ++pull->requests);
    const int length = snprintf(
        body, sizeof body,
        "{\"batch\":%zu,\"max_bytes\":%" PRId64 ",\"expires\":%" PRId64 ",\"no_wait\":true}",
        request->messages, request->bytes, request->wait_ms * NANOSECONDS_A_MS);
    return natsConnection_PublishRequest(pull->link->connection, pull->next, pull->reply, body,
                                         length) == NATS_OK;
}

// Statuses come without a reply subject; messages always carry one, to be acknowledged to.
static bool is_status(natsMsg *message)
{
    return natsMsg_GetReply(message) == NULL;
}

static natsStatus wait_for_one(struct pull *pull, int64_t deadline, natsMsg **ret)
{
    natsStatus status = NATS_TIMEOUT;
    int64_t left = deadline - clock_monotonic_ms();
    while (status == NATS_TIMEOUT && left > 0 && link_is_up(pull->link)) {
        status =
            natsSubscription_NextMsg(ret, pull->subscription, left < SLICE_MS ? left : SLICE_MS);
        left = deadline - clock_monotonic_ms();
    }
    return status;
}

size_t pull_fetch(struct pull *pull, const struct pull_request *request, pull_take_fn *take,
                  void *arg)
{
    const int64_t deadline = clock_monotonic_ms() + request->wait_ms + SLACK_MS;
    size_t count = 0;
    bool ended = !ask(pull, request);
    while (!ended && count < request->messages) {
        natsMsg *message = NULL;
        if (wait_for_one(pull, deadline, &message) != NATS_OK) {
            break;
        }
        if (is_status(message)) {
            ended = strcmp(natsMsg_GetSubject(message), pull->reply) == 0;
            natsMsg_Destroy(message);
        } else {
            take(arg, message);
            count++;
        }
    }
    return count;
}

struct pull_origin pull_origin(natsMsg *message)
{
    struct pull_origin origin = {.deliveries = 1};
    jsMsgMetaData *meta = NULL;
    if (natsMsg_GetMetaData(&meta, message) == NATS_OK) {
        origin.sequence = meta->Sequence.Stream;
        origin.deliveries = meta->NumDelivered;
        origin.pending = meta->NumPending;
        origin.stored_at = meta->Timestamp;
        jsMsgMetaData_Destroy(meta);
    }
    return origin;
}

void pull_ack(struct link *link, natsMsg *message)
{
    natsConnection_PublishString(link->connection, natsMsg_GetReply(message), "+ACK");
}

void pull_nak(struct link *link, natsMsg *message, int64_t delay_ms)
{
    char text[ACK_SIZE] = "-NAK";
    if (delay_ms > 0) {
        snprintf(text, sizeof text, "-NAK {\"delay\":%" PRId64 "}", delay_ms * NANOSECONDS_A_MS);
    }
    natsConnection_PublishString(link->connection, natsMsg_GetReply(message), text);
}

void pull_in_progress(struct link *link, natsMsg *message)
{
    natsConnection_PublishString(link->connection, natsMsg_GetReply(message), "+WPI");
}
