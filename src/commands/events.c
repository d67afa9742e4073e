// SPDX-License-Identifier: Apache-2.0
// `ecs events tail SUBJECT`: prints the events of a subject as they come, one JSON object a line
// with the subject before it, until enough came, the time is over, or Ctrl-C.
#include "commands/command.h"
#include "commands/number.h"
#include "commands/plain_text.h"
#include "commands/with_bus.h"
#include "platform/bus/tail.h"
#include "platform/clock.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 1000

struct arguments {
    const char *action;
    const char *subject;
    int64_t count;   /* 0: no bound */
    int64_t seconds; /* 0: no bound */
};

// ---- printing

static bool print_line(const struct tail_message *message, const char *line, size_t length,
                       int64_t *left)
{
    print_plain(stdout, message->subject, strlen(message->subject));
    putchar(' ');
    print_plain(stdout, line, length);
    putchar('\n');
    return *left == 0 || --*left > 0;
}

// Answers false when as many lines were printed as were asked for.
static bool print_message(const struct tail_message *message, int64_t *left)
{
    const char *at = message->data;
    const char *end = message->data + message->length;
    bool more = true;
    while (more && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        if (stop > at) {
            more = print_line(message, at, (size_t)(stop - at), left);
        }
        at = stop + 1;
    }
    fflush(stdout);
    return more;
}

static int64_t wait_ms(int64_t deadline)
{
    if (deadline == 0) {
        return WAIT_MS;
    }
    const int64_t left = deadline - clock_monotonic_ms();
    return left < WAIT_MS ? left : WAIT_MS;
}

static int print_all(struct tail *tail, const struct arguments *arguments)
{
    const int64_t seconds = arguments->seconds;
    const int64_t deadline = seconds > 0 ? clock_monotonic_ms() + seconds * 1000 : 0;
    int64_t left = arguments->count;
    int64_t wait = wait_ms(deadline);
    while (wait > 0 && !ferror(stdout)) {
        struct tail_message message;
        const enum tail_result result = tail_next(tail, wait, &message);
        if (result == TAIL_ENDED) {
            fputs("ecs: the connection to the broker ended\n", stderr);
            return EXIT_FAILURE;
        }
        if (result == TAIL_MESSAGE && !print_message(&message, &left)) {
            break;
        }
        wait = wait_ms(deadline);
    }
    return EXIT_SUCCESS;
}

static int tail_subject(struct bus *bus, const struct config *config, void *arg)
{
    (void)config;
    const struct arguments *arguments = arg;
    struct tail *tail = tail_open(bus, arguments->subject);
    if (tail == NULL) {
        fprintf(stderr, "ecs: cannot watch the subject '%s'\n", arguments->subject);
        return EXIT_FAILURE;
    }
    const int status = print_all(tail, arguments);
    tail_close(&tail);
    return status;
}

// ---- arguments

static int64_t parse_number(const char *text, struct argp_state *state)
{
    long number = 0;
    if (!number_parse(text, 1, INT32_MAX, &number)) {
        argp_error(state, "'%s' is not a number from 1 on", text);
    }
    return number;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'n':
        arguments->count = parse_number(text, state);
        return 0;
    case 's':
        arguments->seconds = parse_number(text, state);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1) {
            argp_error(state, "one subject at a time");
        } else if (state->arg_num == 1) {
            arguments->subject = text;
        } else {
            arguments->action = text;
        }
        return 0;
    case ARGP_KEY_END:
        if (arguments->subject == NULL || strcmp(arguments->action, "tail") != 0) {
            argp_error(state, "what it can do is: tail SUBJECT");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_events(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"count", 'n', "N", 0, "End after N events", 0},
        {"seconds", 's', "S", 0, "End after S seconds", 0},
        {0},
    };
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "tail SUBJECT",
        .doc = "Prints the events of a subject as they come, one JSON object a line.\v"
               "Subjects: user.emotions.topic, transactions.topic, credit.offers.approved, "
               "user.notifications, and dead.> for what could not be processed.",
    };
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    return with_bus(tail_subject, &arguments);
}
