// SPDX-License-Identifier: Apache-2.0
// Players share nothing but the count of what is done and the wish to stop: each has its own
// people, its own connection and its own tally.
#include "commands/demo_play.h"

#include "commands/demo_api.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PLAYERS_MIN 8
#define PLAYERS_MAX 32
#define RATE_A_PLAYER 250 /* events a second that one player sends with ease */
#define SHOW_ON_TERMINAL_MS 200
#define SHOW_IN_FILE_MS 2000
#define TICK_MS 50
#define LATE_US 100000 /* an event may still be sent this long after the time is over */
#define ACTIVE_DEADLINE_MS 20000
#define ACTIVE_POLL_MS 100

struct stage;

struct player {
    pthread_t thread;
    struct stage *stage;
    struct demo_api *api;
    struct demo_tally tally;
    struct demo_random random;
    struct demo_person **people; /* its share of the demo's */
    size_t people_count;
};

struct stage {
    struct demo *demo;
    const char *what; /* shown before the count */
    const char *unit; /* shown after it */
    size_t total;
    void (*play)(struct player *player);
    size_t players_count;
    struct player *players;
    int64_t begun_ms;
    atomic_size_t done;
    atomic_size_t playing; /* players not yet at their end */
    atomic_bool stop;
};

// ---- progress

static void show(const struct stage *stage, bool terminal, bool last)
{
    double seconds = (double)(clock_monotonic_ms() - stage->begun_ms) / 1000;
    size_t done = stage->done;
    printf("%s%-22s %zu of %zu %s, %.1f s%s", terminal ? "\r\033[K" : "", stage->what, done,
           stage->total, stage->unit, seconds, terminal && !last ? "" : "\n");
    fflush(stdout);
}

// Waits a moment; true when Ctrl-C was pressed meanwhile.
static bool tick_interrupted(void)
{
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    return sigtimedwait(&interrupt, NULL, &tick) == SIGINT;
}

static void watch(struct stage *stage)
{
    bool terminal = isatty(STDOUT_FILENO) == 1;
    int64_t every = terminal ? SHOW_ON_TERMINAL_MS : SHOW_IN_FILE_MS;
    int64_t shown = clock_monotonic_ms();
    while (stage->playing > 0) {
        if (tick_interrupted()) {
            stage->stop = true;
        }
        if (clock_monotonic_ms() - shown >= every && stage->playing > 0) {
            show(stage, terminal, false);
            shown = clock_monotonic_ms();
        }
    }
    show(stage, terminal, true);
}

// ---- a stage

static size_t players_for(const struct demo_options *options)
{
    size_t players = (size_t)options->rate / RATE_A_PLAYER;
    if (players < PLAYERS_MIN) {
        players = PLAYERS_MIN;
    }
    if (players > PLAYERS_MAX) {
        players = PLAYERS_MAX;
    }
    return players < options->users ? players : options->users;
}

static void player_open(struct player *player, struct stage *stage, size_t number)
{
    struct demo *demo = stage->demo;
    player->stage = stage;
    player->random.state = demo->options.seed + number;
    player->people = memory_zeroed(demo->options.users, sizeof(struct demo_person *));
    for (size_t i = number; i < demo->options.users; i += stage->players_count) {
        player->people[player->people_count++] = &demo->people[i];
    }
    player->api = demo_api_new(&(struct demo_api_options){
        .url = demo->options.url,
        .internal_key = demo->options.internal_key,
        .tally = &player->tally,
        .stop = &stage->stop,
    });
}

static void player_close(struct player *player)
{
    demo_tally_merge(&player->stage->demo->tally, &player->tally);
    demo_api_free(&player->api);
    free(player->people);
}

static void *player_main(void *arg)
{
    struct player *player = arg;
    player->stage->play(player);
    player->stage->playing--;
    return NULL;
}

// Runs a stage to its end. SIGINT is blocked meanwhile, so that watch() gets it.
static void run(struct stage *stage)
{
    stage->players_count = players_for(&stage->demo->options);
    stage->players = memory_zeroed(stage->players_count, sizeof *stage->players);
    stage->begun_ms = clock_monotonic_ms();

    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    size_t started = 0;
    for (; started < stage->players_count; started++) {
        struct player *player = &stage->players[started];
        player_open(player, stage, started);
        stage->playing++;
        if (pthread_create(&player->thread, NULL, player_main, player) != 0) {
            fprintf(stderr, "ecs demo: cannot start a thread\n");
            exit(1);
        }
    }
    watch(stage);
    for (size_t i = 0; i < started; i++) {
        pthread_join(stage->players[i].thread, NULL);
        player_close(&stage->players[i]);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(stage->players);
}

// ---- registration

static void play_registration(struct player *player)
{
    for (size_t i = 0; i < player->people_count && !player->stage->stop; i++) {
        struct demo_person *person = player->people[i];
        if (demo_api_register(player->api, person) && demo_api_log_in(player->api, person)) {
            player->stage->done++;
        }
    }
}

size_t demo_play_registration(struct demo *demo)
{
    struct stage stage = {.demo = demo,
                          .what = "registering",
                          .unit = "people",
                          .total = demo->options.users,
                          .play = play_registration};
    run(&stage);
    return stage.done;
}

// ---- streaming

// When an event of now happened in the people's lives: the stream's seconds stand for days.
static timestamp event_time(const struct demo *demo, int64_t elapsed_us)
{
    double left = 1 - (double)elapsed_us / ((double)demo->options.seconds * 1e6);
    double days = (double)demo->options.days * (left > 0 ? left : 0);
    return clock_now() - (timestamp)(days * (double)MICROSECONDS_A_DAY);
}

static bool send_next_event(struct player *player, int64_t elapsed_us)
{
    size_t chosen = demo_random_below(&player->random, player->people_count);
    struct demo_person *person = player->people[chosen];
    if (!person->registered) {
        return false;
    }
    timestamp at = event_time(player->stage->demo, elapsed_us);
    if (demo_person_pays_next(person)) {
        return demo_api_send_transaction(player->api, person, demo_person_pays(person), at);
    }
    struct demo_emotion emotion = demo_person_feels(person);
    return demo_api_send_emotion(player->api, person, &emotion, at);
}

static void wait_until_us(const struct stage *stage, int64_t due_us)
{
    int64_t left;
    while (!stage->stop && (left = due_us - clock_monotonic_us()) > 0) {
        demo_pause_ms(left > 200000 ? 200 : (left + 999) / 1000);
    }
}

// An event is due at fixed instants; whoever is late sends at once until the time is over.
static void play_stream(struct player *player)
{
    struct stage *stage = player->stage;
    const struct demo_options *options = &stage->demo->options;
    double share = (double)player->people_count / (double)options->users;
    double interval_us = 1e6 / ((double)options->rate * share);
    int64_t begun = clock_monotonic_us();
    int64_t end = begun + options->seconds * 1000000;
    double first = demo_random_share(&player->random) * interval_us;
    for (size_t n = 0;; n++) {
        int64_t due = begun + (int64_t)(first + (double)n * interval_us);
        if (due >= end) {
            return;
        }
        wait_until_us(stage, due);
        int64_t now = clock_monotonic_us();
        if (stage->stop || now >= end + LATE_US) {
            return;
        }
        if (send_next_event(player, now - begun)) {
            stage->done++;
        }
    }
}

void demo_play_stream(struct demo *demo)
{
    struct stage stage = {.demo = demo,
                          .what = "streaming",
                          .unit = "events",
                          .total = (size_t)(demo->options.rate * demo->options.seconds),
                          .play = play_stream};
    run(&stage);
    demo->streamed_seconds = (double)(clock_monotonic_ms() - stage.begun_ms) / 1000;
}

// ---- analyses and offers

static void play_analyses(struct player *player)
{
    for (size_t i = 0; i < player->people_count && !player->stage->stop; i++) {
        struct demo_person *person = player->people[i];
        if (person->registered && demo_api_analyse(player->api, person)) {
            player->stage->done++;
        }
    }
}

void demo_play_analyses(struct demo *demo)
{
    struct stage stage = {.demo = demo,
                          .what = "asking for analyses",
                          .unit = "people",
                          .total = demo->options.users,
                          .play = play_analyses};
    run(&stage);
}

// Accepts, or asks anew about, each offer that is not active; the number still under way.
static size_t accept_round(struct player *player)
{
    size_t under_way = 0;
    for (size_t i = 0; i < player->people_count && !player->stage->stop; i++) {
        struct demo_person *person = player->people[i];
        if (person->offer != OFFER_OPEN && person->offer != OFFER_ACCEPTED) {
            continue;
        }
        if (!demo_api_accept(player->api, person)) {
            continue;
        }
        if (person->offer == OFFER_IS_ACTIVE) {
            player->stage->done++;
        } else {
            under_way++;
        }
    }
    return under_way;
}

static void play_acceptances(struct player *player)
{
    int64_t deadline = clock_monotonic_ms() + ACTIVE_DEADLINE_MS;
    while (accept_round(player) > 0 && !player->stage->stop && clock_monotonic_ms() < deadline) {
        demo_pause_ms(ACTIVE_POLL_MS);
    }
}

void demo_play_acceptances(struct demo *demo)
{
    struct stage stage = {.demo = demo,
                          .what = "accepting offers",
                          .unit = "offers active",
                          .play = play_acceptances};
    for (size_t i = 0; i < demo->options.users; i++) {
        if (demo->people[i].offer == OFFER_OPEN) {
            stage.total++;
        }
    }
    run(&stage);
}
