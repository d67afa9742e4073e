// SPDX-License-Identifier: Apache-2.0
// One connection to the broker: begins at once, comes back for ever, notices a hung broker within
// seconds, and never keeps a message for later. When the library gives up in spite of that, the
// process ends so that its supervisor starts it anew.
//
// The first connection is made here: the library's own way of trying again gives up for good after
// a broker that took the connection and then said nothing (cnats 3.4).
#include "platform/bus/bus_internal.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 1000
#define RECONNECT_WAIT_MS 250
#define RECONNECT_JITTER_MS 100
#define PING_INTERVAL_MS 2000
#define PINGS_UNANSWERED 2
#define WRITE_DEADLINE_MS 1000
#define REQUEST_TIMEOUT_MS 2000
#define CLOSE_WAIT_MS 3000
#define FOR_EVER INT32_MAX
#define SERVERS_MAX 16 /* further ones are learned from the cluster itself */

// Under the lock.
static void show(struct link *link)
{
    atomic_store(&link->up, link->connected && link->connection != NULL);
    pthread_cond_broadcast(&link->changed);
}

static void set_connected(struct link *link, bool connected)
{
    pthread_mutex_lock(&link->lock);
    link->connected = connected;
    show(link);
    pthread_mutex_unlock(&link->lock);
}

static void tell_connected(const struct link *link)
{
    log_info(link->log, "broker connected");
    if (link->came_up != NULL) {
        link->came_up(link->arg);
    }
}

static void on_reconnected(natsConnection *connection, void *arg)
{
    (void)connection;
    struct link *link = arg;
    set_connected(link, true);
    tell_connected(link);
}

static void on_disconnected(natsConnection *connection, void *arg)
{
    (void)connection;
    struct link *link = arg;
    set_connected(link, false);
    if (!atomic_load(&link->closing)) {
        log_warning(link->log, "broker connection lost, connecting again");
    }
}

// In practice the broker refused the credentials.
static void give_up(const struct link *link, const char *why)
{
    log_error(link->log,
              "broker connection closed for good, ending the process; are its URL and its "
              "credentials right?",
              LOG_TEXT("why", why != NULL ? why : "unknown"));
    _exit(EXIT_FAILURE);
}

static void on_closed(natsConnection *connection, void *arg)
{
    struct link *link = arg;
    if (!atomic_load(&link->closing)) {
        const char *why = NULL;
        natsConnection_GetLastError(connection, &why);
        give_up(link, why);
    }
    pthread_mutex_lock(&link->lock);
    link->closed = true;
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->lock);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *arg)
{
    (void)connection;
    const struct link *link = arg;
    const char *subject = subscription != NULL ? natsSubscription_GetSubject(subscription) : NULL;
    log_warning(link->log, "broker client error", LOG_TEXT("why", natsStatus_GetText(status)),
                LOG_TEXT("subject", subject != NULL ? subject : "none"));
}

// Of a text with several servers natsOptions_SetURL takes everything before the last `@` for the
// credentials of one.
static natsStatus set_servers(natsOptions *to, const char *urls)
{
    const char *servers[SERVERS_MAX];
    int count = 0;
    char *text = memory_copy_text(urls);
    char *rest = NULL;
    for (char *server = strtok_r(text, ", ", &rest); server != NULL && count < SERVERS_MAX;
         server = strtok_r(NULL, ", ", &rest)) {
        servers[count++] = server;
    }
    const natsStatus status = natsOptions_SetServers(to, servers, count);
    explicit_bzero(text, strlen(urls));
    free(text);
    return status;
}

static natsStatus set_options(natsOptions *to, const struct link_options *options,
                              struct link *link)
{
    const natsStatus results[] = {
        set_servers(to, options->url),
        natsOptions_SetName(to, options->name),
        natsOptions_SetCustomInboxPrefix(to, link->inbox),
        natsOptions_SetTimeout(to, CONNECT_TIMEOUT_MS),
        natsOptions_SetAllowReconnect(to, true),
        natsOptions_SetMaxReconnect(to, FOR_EVER),
        natsOptions_SetReconnectWait(to, RECONNECT_WAIT_MS),
        natsOptions_SetReconnectJitter(to, RECONNECT_JITTER_MS, RECONNECT_JITTER_MS),
        natsOptions_SetPingInterval(to, PING_INTERVAL_MS),
        natsOptions_SetMaxPingsOut(to, PINGS_UNANSWERED),
        natsOptions_SetWriteDeadline(to, WRITE_DEADLINE_MS),
        natsOptions_SetFailRequestsOnDisconnect(to, true),
        // One byte is the least the library takes: what is published while the connection is away
        // must fail, not be answered OK and kept in memory.
        natsOptions_SetReconnectBufSize(to, 1),
        natsOptions_SetNoEcho(to, true), // what we tell the others is not news to us
        natsOptions_SetSendAsap(to, options->sending == LINK_SENDS_AT_ONCE),
        natsOptions_SetDisconnectedCB(to, on_disconnected, link),
        natsOptions_SetReconnectedCB(to, on_reconnected, link),
        natsOptions_SetClosedCB(to, on_closed, link),
        natsOptions_SetErrorHandler(to, on_error, link),
    };
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (results[i] != NATS_OK) {
            return results[i];
        }
    }
    return NATS_OK;
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

// Without "secure" the library would go on in plain text with a broker that offers no TLS.
static natsStatus set_tls(natsOptions *to, const struct link_options *options)
{
    const struct bus_tls *tls = &options->tls;
    if (!broker_url_asks_for_tls(options->url) && !is_given(tls->ca_file)) {
        return NATS_OK;
    }
    natsStatus status = natsOptions_SetSecure(to, true);
    if (status == NATS_OK && is_given(tls->ca_file)) {
        status = natsOptions_LoadCATrustedCertificates(to, tls->ca_file);
    }
    if (status == NATS_OK && is_given(tls->certificate_file)) {
        status = natsOptions_LoadCertificatesChain(to, tls->certificate_file, tls->key_file);
    }
    return status;
}

static natsStatus make_options(struct link *link, const struct link_options *options)
{
    natsStatus status = natsOptions_Create(&link->options);
    if (status == NATS_OK) {
        status = set_options(link->options, options, link);
    }
    return status == NATS_OK ? set_tls(link->options, options) : status;
}

// ---- the first connection

static natsStatus connect_once(struct link *link)
{
    natsConnection *connection = NULL;
    natsStatus status = natsConnection_Connect(&connection, link->options);
    if (status != NATS_OK) {
        return status;
    }
    jsOptions jetstream;
    jsOptions_Init(&jetstream);
    jetstream.Wait = REQUEST_TIMEOUT_MS;
    if (natsConnection_JetStream(&link->jetstream, connection, &jetstream) != NATS_OK) {
        abort(); /* no memory */
    }
    pthread_mutex_lock(&link->lock);
    link->connection = connection;
    subscriptions_make(link);
    show(link);
    pthread_mutex_unlock(&link->lock);
    tell_connected(link);
    return NATS_OK;
}

// Whether another attempt would end the same way.
static bool is_refused(natsStatus status)
{
    return status == NATS_CONNECTION_AUTH_FAILED || status == NATS_SECURE_CONNECTION_REQUIRED ||
           status == NATS_SECURE_CONNECTION_WANTED;
}

static void pause_before_next(struct link *link)
{
    const int64_t deadline = clock_monotonic_ms() + RECONNECT_WAIT_MS;
    pthread_mutex_lock(&link->lock);
    while (!atomic_load(&link->closing) && clock_monotonic_ms() < deadline) {
        condition_wait_until(&link->changed, &link->lock, deadline);
    }
    pthread_mutex_unlock(&link->lock);
}

static void *connect_first(void *arg)
{
    struct link *link = arg;
    bool told = false;
    natsStatus status;
    while ((status = connect_once(link)) != NATS_OK && !atomic_load(&link->closing)) {
        const char *why = link_error_text(status);
        if (is_refused(status)) {
            give_up(link, why);
        }
        if (!told) {
            log_warning(link->log, "broker cannot be reached, trying again", LOG_TEXT("why", why));
            told = true;
        }
        pause_before_next(link);
    }
    return NULL;
}

// ---- life

static void free_link(struct link *link)
{
    jsCtx_Destroy(link->jetstream);
    natsConnection_Destroy(link->connection);
    natsOptions_Destroy(link->options);
    pthread_cond_destroy(&link->changed);
    pthread_mutex_destroy(&link->lock);
    free(link);
}

struct link *link_open(const struct link_options *options, char error[static BUS_ERROR_SIZE])
{
    // The library takes any text, and would then try for ever to reach it.
    if (!broker_url_valid(options->url)) {
        snprintf(error, BUS_ERROR_SIZE,
                 "must be nats://[user:password@]host:port, tls:// for TLS, or several separated "
                 "by commas");
        return NULL;
    }
    struct link *link = memory_zeroed(1, sizeof *link);
    broker_url_inbox(options->url, link->inbox);
    link->log = options->log;
    link->came_up = options->came_up;
    link->arg = options->arg;
    link->connected = true; /* until the library says otherwise of its first connection */
    pthread_mutex_init(&link->lock, NULL);
    condition_init(&link->changed);
    const natsStatus status = make_options(link, options);
    if (status != NATS_OK) {
        snprintf(error, BUS_ERROR_SIZE, "the broker's URL cannot be used: %s",
                 link_error_text(status));
        free_link(link);
        return NULL;
    }
    if (pthread_create(&link->connector, NULL, connect_first, link) != 0) {
        snprintf(error, BUS_ERROR_SIZE, "cannot start the thread that connects");
        free_link(link);
        return NULL;
    }
    return link;
}

natsStatus link_new_inbox(const struct link *link, char inbox[static LINK_INBOX_SIZE])
{
    natsInbox *made = NULL;
    const natsStatus status = natsInbox_Create(&made);
    if (status == NATS_OK) {
        // The library's own begins with `_INBOX.` whatever the connection's prefix is.
        const char *dot = strrchr(made, '.');
        snprintf(inbox, LINK_INBOX_SIZE, "%s%s", link->inbox, dot != NULL ? dot : "");
        natsInbox_Destroy(made);
    }
    return status;
}

void link_flush(struct link *link)
{
    if (link_is_up(link)) {
        natsConnection_FlushTimeout(link->connection, WRITE_DEADLINE_MS);
    }
}

// The library calls back from a thread of its own, also after its close has returned.
static void close_connection(struct link *link)
{
    natsConnection_Close(link->connection);
    const int64_t deadline = clock_monotonic_ms() + CLOSE_WAIT_MS;
    pthread_mutex_lock(&link->lock);
    while (!link->closed && clock_monotonic_ms() < deadline) {
        condition_wait_until(&link->changed, &link->lock, deadline);
    }
    pthread_mutex_unlock(&link->lock);
}

void link_close(struct link **link)
{
    struct link *closing = *link;
    if (closing == NULL) {
        return;
    }
    *link = NULL;
    pthread_mutex_lock(&closing->lock);
    atomic_store(&closing->closing, true);
    pthread_cond_broadcast(&closing->changed);
    pthread_mutex_unlock(&closing->lock);
    pthread_join(closing->connector, NULL);
    link_flush(closing);
    if (closing->connection != NULL) {
        close_connection(closing);
    }
    free_link(closing);
}

bool link_is_up(const struct link *link)
{
    return atomic_load_explicit(&link->up, memory_order_acquire);
}

bool link_wait(struct link *link, int64_t timeout_ms)
{
    const int64_t deadline = clock_monotonic_ms() + timeout_ms;
    pthread_mutex_lock(&link->lock);
    while (!link_is_up(link) && clock_monotonic_ms() < deadline) {
        condition_wait_until(&link->changed, &link->lock, deadline);
    }
    pthread_mutex_unlock(&link->lock);
    return link_is_up(link);
}

const char *link_error_text(natsStatus status)
{
    natsStatus last = NATS_OK;
    const char *text = nats_GetLastError(&last);
    if (text == NULL || text[0] == '\0' || last != status) {
        return natsStatus_GetText(status);
    }
    // The library puts the place in its own source before the text: "(js.c:123): ".
    const char *after_place = strstr(text, "): ");
    return after_place != NULL ? after_place + 3 : text;
}
