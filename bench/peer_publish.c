// SPDX-License-Identifier: Apache-2.0
// What NATS' own client can do at most: publishes the messages of a file over and over with cnats'
// asynchronous JetStream publish, waits for every acknowledgement, and does nothing else.
//
// peer_publish SUBJECT FILE SECONDS; NATS_URL is the broker's address. The file holds each message
// after its length, four bytes, the least significant first. Prints how many messages were
// acknowledged, and in how many seconds.
#include <nats/nats.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGES_MAX 1024
#define IN_FLIGHT 64
#define LAST_ACKS_MS 30000

struct message {
    char *data;
    int length;
};

static void check(natsStatus status, const char *what)
{
    if (status != NATS_OK) {
        fprintf(stderr, "peer_publish: %s: %s\n", what, natsStatus_GetText(status));
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t read_messages(const char *path, struct message messages[static MESSAGES_MAX])
{
    FILE *file = fopen(path, "rb");
    size_t count = 0;
    unsigned char head[4];
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    while (count < MESSAGES_MAX && fread(head, 1, sizeof head, file) == sizeof head) {
        const uint32_t length =
            head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
        struct message *message = &messages[count++];
        message->data = malloc(length);
        message->length = (int)length;
        if (message->data == NULL || fread(message->data, 1, length, file) != length) {
            fprintf(stderr, "peer_publish: %s is cut short\n", path);
            exit(1);
        }
    }
    fclose(file);
    return count;
}

static void on_failed(jsCtx *js, jsPubAckErr *failure, void *arg)
{
    (void)js;
    (void)arg;
    fprintf(stderr, "peer_publish: a message was refused: %s\n", failure->ErrText);
    exit(1);
}

int main(int argc, char **argv)
{
    static struct message messages[MESSAGES_MAX];
    const char *url = getenv("NATS_URL");
    natsConnection *connection = NULL;
    jsCtx *js = NULL;
    jsOptions options;
    jsPubOptions last = {.MaxWait = LAST_ACKS_MS};
    if (argc != 4 || url == NULL) {
        fprintf(stderr, "usage: NATS_URL=... peer_publish SUBJECT FILE SECONDS\n");
        return 2;
    }
    const size_t count = read_messages(argv[2], messages);
    const double seconds = strtod(argv[3], NULL);
    if (count == 0) {
        fprintf(stderr, "peer_publish: %s holds no messages\n", argv[2]);
        return 1;
    }
    check(natsConnection_ConnectTo(&connection, url), "connect");
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = IN_FLIGHT;
    options.PublishAsync.ErrHandler = on_failed;
    check(natsConnection_JetStream(&js, connection, &options), "JetStream");
    const double begun = now();
    unsigned long sent = 0;
    for (; now() - begun < seconds; sent++) {
        const struct message *message = &messages[sent % count];
        check(js_PublishAsync(js, argv[1], message->data, message->length, NULL), "publish");
    }
    check(js_PublishAsyncComplete(js, &last), "the last acknowledgements");
    printf("%lu %.6f\n", sent, now() - begun);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    nats_Close();
    for (size_t i = 0; i < count; i++) {
        free(messages[i].data);
    }
    return 0;
}
