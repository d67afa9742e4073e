// SPDX-License-Identifier: Apache-2.0
// Listing, showing, replaying and purging; letters are shown without their data unless somebody
// asks, since it may be about a person.
#include "commands/dead_letters_actions.h"

#include "commands/plain_text.h"
#include "platform/bus/dead_letters.h"
#include "platform/json.h"
#include "platform/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Whatever the event is, and in capitals too: what names a person can be about that person.
static bool names(const struct dead_letter *letter, const char *user)
{
    const size_t length = strlen(user);
    for (size_t at = 0; at + length <= letter->length; at++) {
        if (strncasecmp(letter->data + at, user, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool passes(const struct dead_letters_choice *choice, const struct dead_letter *letter)
{
    return (choice->subject == NULL || strcmp(letter->subject, choice->subject) == 0) &&
           (choice->reason == NULL || strstr(letter->reason, choice->reason) != NULL) &&
           (choice->user == NULL || names(letter, choice->user));
}

bool dead_letters_filtered(const struct dead_letters_choice *choice)
{
    return choice->subject != NULL || choice->reason != NULL || choice->user != NULL;
}

static int say_problem(enum dead_result result, uint64_t sequence)
{
    switch (result) {
    case DEAD_DONE:
        return EXIT_SUCCESS;
    case DEAD_UNKNOWN:
        fprintf(stderr, "ecs: there is no dead letter %" PRIu64 "\n", sequence);
        break;
    case DEAD_UNAVAILABLE:
        fputs("ecs: the broker does not answer, or has no stream of dead letters; "
              "`ecs provision` makes it\n",
              stderr);
        break;
    case DEAD_REFUSED:
        fprintf(stderr, "ecs: the broker refused the event of dead letter %" PRIu64 ", it stays\n",
                sequence);
        break;
    }
    return EXIT_FAILURE;
}

// ---- list

struct listing {
    const struct dead_letters_choice *choice;
    uint64_t shown;
};

static void print_row(const struct dead_letter *letter, bool first)
{
    if (first) {
        printf("%8s  %-20s  %5s  %-24s  %s\n", "number", "since", "tries", "subject", "reason");
    }
    char since[TIMESTAMP_TEXT_SIZE];
    timestamp_format(letter->died_at, since);
    printf("%8" PRIu64 "  %.19sZ  %5" PRIu64 "  %-24s  ", letter->sequence, since, letter->tries,
           letter->subject);
    print_plain(stdout, letter->reason, strlen(letter->reason));
    putchar('\n');
}

// Data that is no UTF-8 is left out: JSON cannot hold it; `show` can.
static void print_json(const struct dead_letter *letter)
{
    __attribute__((cleanup(json_release))) json_t *row =
        json_pack("{s:I, s:o, s:s, s:s, s:I, s:s, s:I, s:o?}", "number",
                  (json_int_t)letter->sequence, "since", json_timestamp(letter->died_at), "subject",
                  letter->subject, "stream", letter->stream, "stream_sequence",
                  (json_int_t)letter->stream_sequence, "reason", letter->reason, "tries",
                  (json_int_t)letter->tries, "data", json_stringn(letter->data, letter->length));
    if (row == NULL) {
        return;
    }
    size_t length = 0;
    char *text = json_text(row, &length);
    puts(text);
    free(text);
}

static bool list_one(void *arg, const struct dead_letter *letter)
{
    struct listing *listing = arg;
    if (!passes(listing->choice, letter)) {
        return true;
    }
    if (listing->choice->json) {
        print_json(letter);
    } else {
        print_row(letter, listing->shown == 0);
    }
    listing->shown++;
    return !ferror(stdout);
}

int dead_letters_list(struct bus *bus, const struct dead_letters_choice *choice)
{
    struct listing listing = {.choice = choice};
    const int status = say_problem(dead_letters_walk(bus, list_one, &listing), 0);
    if (status == EXIT_SUCCESS && listing.shown == 0 && !choice->json) {
        puts("no dead letters");
    }
    return status;
}

// ---- show

static bool show_one(void *arg, const struct dead_letter *letter)
{
    (void)arg;
    char since[TIMESTAMP_TEXT_SIZE];
    timestamp_format(letter->died_at, since);
    printf("number   %" PRIu64 "\nsince    %s\nsubject  %s\nstream   %s, message %" PRIu64
           "\ntries    %" PRIu64 "\nreason   ",
           letter->sequence, since, letter->subject, letter->stream, letter->stream_sequence,
           letter->tries);
    print_plain(stdout, letter->reason, strlen(letter->reason));
    fputs("\ndata     ", stdout);
    print_plain(stdout, letter->data, letter->length);
    putchar('\n');
    return true;
}

int dead_letters_show(struct bus *bus, const struct dead_letters_choice *choice)
{
    int status = EXIT_SUCCESS;
    for (size_t i = 0; i < choice->count; i++) {
        if (i > 0) {
            putchar('\n');
        }
        const uint64_t sequence = choice->sequences[i];
        if (say_problem(dead_letters_get(bus, sequence, show_one, NULL), sequence) !=
            EXIT_SUCCESS) {
            status = EXIT_FAILURE;
        }
    }
    return status;
}

// ---- replay and purge

struct picking {
    const struct dead_letters_choice *choice;
    struct dead_letters_choice picked;
};

static bool pick_one(void *arg, const struct dead_letter *letter)
{
    struct picking *picking = arg;
    struct dead_letters_choice *picked = &picking->picked;
    if (passes(picking->choice, letter)) {
        picked->sequences =
            memory_resize(picked->sequences, (picked->count + 1) * sizeof *picked->sequences);
        picked->sequences[picked->count++] = letter->sequence;
    }
    return true;
}

typedef enum dead_result on_letter(struct bus *bus, uint64_t sequence);

static int do_each(struct bus *bus, const struct dead_letters_choice *choice, on_letter *act,
                   const char *done)
{
    size_t good = 0;
    enum dead_result result = DEAD_DONE;
    for (size_t i = 0; i < choice->count && result != DEAD_UNAVAILABLE; i++) {
        result = act(bus, choice->sequences[i]);
        good += say_problem(result, choice->sequences[i]) == EXIT_SUCCESS;
    }
    printf("%zu of %zu dead letters %s\n", good, choice->count, done);
    return good == choice->count ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int do_chosen(struct bus *bus, const struct dead_letters_choice *choice, on_letter *act,
                     const char *done)
{
    if (!choice->all) {
        return do_each(bus, choice, act, done);
    }
    struct picking picking = {.choice = choice};
    int status = say_problem(dead_letters_walk(bus, pick_one, &picking), 0);
    if (status == EXIT_SUCCESS) {
        status = do_each(bus, &picking.picked, act, done);
    }
    free(picking.picked.sequences);
    return status;
}

int dead_letters_replay_chosen(struct bus *bus, const struct dead_letters_choice *choice)
{
    return do_chosen(bus, choice, dead_letters_replay, "replayed");
}

int dead_letters_purge_chosen(struct bus *bus, const struct dead_letters_choice *choice)
{
    if (!choice->all || dead_letters_filtered(choice)) {
        return do_chosen(bus, choice, dead_letters_purge, "purged");
    }
    uint64_t count = 0;
    const enum dead_result result = dead_letters_purge_all(bus, &count);
    if (result == DEAD_DONE) {
        printf("%" PRIu64 " dead letters purged\n", count);
    }
    return say_problem(result, 0);
}
