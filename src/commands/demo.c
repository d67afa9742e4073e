// SPDX-License-Identifier: Apache-2.0
// `ecs demo`: plays the mobile app and the bank against a running gateway, over plain HTTP, and
// shows what became of everybody. Ends with 0 only when nothing went wrong.
#include "commands/command.h"
#include "commands/demo_api.h"
#include "commands/demo_check.h"
#include "commands/demo_play.h"
#include "commands/demo_report.h"
#include "platform/clock.h"
#include "platform/config.h"
#include "platform/http/url.h"
#include "platform/memory.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 1024

struct arguments {
    struct demo_options options;
    const char *internal_key_file;
};

enum option_key { OPTION_URL = 1, OPTION_KEY_FILE, OPTION_SECONDS, OPTION_DAYS, OPTION_SEED };

static const struct argp_option option_table[] = {
    {"url", OPTION_URL, "URL", 0,
     "the gateway (default: API_URL, else http:// and API_GATEWAY_LISTEN)", 0},
    {"internal-key-file", OPTION_KEY_FILE, "FILE", 0,
     "holds the internal key (default: INTERNAL_SERVICE_API_KEY)", 0},
    {"users", 'u', "N", 0, "how many people to play (default 20)", 1},
    {"seconds", OPTION_SECONDS, "S", 0, "how long to stream events (default 20)", 1},
    {"rate", 'r', "R", 0, "events a second, of all people together (default 200)", 1},
    {"days", OPTION_DAYS, "D", 0,
     "days of their lives that the stream stands for, up to now (default 14; 0: all is now)", 1},
    {"seed", OPTION_SEED, "SEED", 0,
     "the same seed plays the same people (default: another one each time)", 1},
    {0},
};

static const char summary[] =
    "Plays the mobile app and the bank against a running gateway: registers people, streams their "
    "emotions and transactions, asks for credit analyses, accepts the offers, and says what was "
    "decided and why."
    "\vWith DATABASE_URL in the environment it also waits until every acknowledged event is in "
    "PostgreSQL, and compares. After `make up`, `. var/env` sets all it needs. Ctrl-C ends the "
    "streaming early. The exit status is 0 only when nothing went wrong.";

static int64_t whole_number(struct argp_state *state, const char *name, const char *text,
                            int64_t minimum, int64_t maximum)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < minimum || value > maximum) {
        argp_error(state, "--%s must be a whole number from %" PRIi64 " to %" PRIi64, name, minimum,
                   maximum);
    }
    return value;
}

static error_t read_option(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct demo_options *options = &arguments->options;
    switch (key) {
    case OPTION_URL:
        options->url = text;
        return 0;
    case OPTION_KEY_FILE:
        arguments->internal_key_file = text;
        return 0;
    case 'u':
        options->users = (size_t)whole_number(state, "users", text, 1, 100000);
        return 0;
    case OPTION_SECONDS:
        options->seconds = whole_number(state, "seconds", text, 1, 86400);
        return 0;
    case 'r':
        options->rate = whole_number(state, "rate", text, 1, 100000);
        return 0;
    case OPTION_DAYS:
        options->days = whole_number(state, "days", text, 0, 29);
        return 0;
    case OPTION_SEED:
        options->seed = (uint64_t)whole_number(state, "seed", text, 0, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// ---- where the gateway is, and its key

// What paths are appended to; the caller frees it.
static char *choose_url(const struct arguments *arguments, const struct config *config)
{
    const char *from_environment = getenv("API_URL");
    if (arguments->options.url != NULL) {
        return url_base(arguments->options.url);
    }
    if (from_environment != NULL && from_environment[0] != '\0') {
        return url_base(from_environment);
    }
    return url_base_of_listener(config_text(config, SETTING_API_GATEWAY_LISTEN));
}

// The first line of a file; NULL when there is none. The caller frees it.
static char *first_line(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NULL;
    }
    char line[KEY_MAX + 2];
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    if (!read) {
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return memory_copy_text(line);
}

// The internal key; NULL, and one line said, when there is none. The caller frees it.
static char *choose_internal_key(const struct arguments *arguments, const struct config *config)
{
    const char *path = arguments->internal_key_file;
    if (path != NULL) {
        char *key = first_line(path);
        if (key == NULL) {
            fprintf(stderr, "ecs demo: cannot read a key from %s\n", path);
        }
        return key;
    }
    const char *key = config_text(config, SETTING_INTERNAL_SERVICE_API_KEY);
    if (key[0] != '\0') {
        return memory_copy_text(key);
    }
    fprintf(stderr, "ecs demo: INTERNAL_SERVICE_API_KEY is not set; `. var/env` after `make up` "
                    "sets it, or name a file with --internal-key-file\n");
    return NULL;
}

static bool gateway_answers(const char *url)
{
    const atomic_bool stop = true;
    struct demo_api *api = demo_api_new(&(struct demo_api_options){.url = url, .stop = &stop});
    bool answers = demo_api_answers(api);
    demo_api_free(&api);
    if (!answers) {
        fprintf(stderr,
                "ecs demo: no gateway answers at %s; start one with `make up`, or name "
                "another with --url\n",
                url);
    }
    return answers;
}

// ---- the play

static struct demo *demo_new(const struct demo_options *options)
{
    struct demo *demo = memory_zeroed(1, sizeof *demo);
    demo->options = *options;
    demo->people = memory_zeroed(options->users, sizeof *demo->people);
    for (size_t i = 0; i < options->users; i++) {
        demo_person_init(&demo->people[i], options->seed, i);
    }
    return demo;
}

static void demo_free(struct demo **demo)
{
    for (size_t i = 0; i < (*demo)->options.users; i++) {
        demo_person_release(&(*demo)->people[i]);
    }
    free((*demo)->people);
    free(*demo);
    *demo = NULL;
}

static bool play(const struct demo_options *options, const char *database_url)
{
    struct demo *demo = demo_new(options);
    printf("playing %zu people at %s with seed %" PRIu64 "\n", options->users, options->url,
           options->seed);
    if (demo_play_registration(demo) > 0) {
        demo_play_stream(demo);
        demo_play_analyses(demo);
        demo_play_acceptances(demo);
    }
    bool good = demo_report(demo);
    if (database_url[0] != '\0') {
        good = demo_check(demo, database_url) && good;
    }
    demo_free(&demo);
    return good;
}

int command_demo(int argc, char **argv)
{
    struct arguments arguments = {.options = {.users = 20, .seconds = 20, .rate = 200, .days = 14}};
    arguments.options.seed = (uint64_t)clock_now() % 1000000;
    const struct argp argp = {option_table, read_option, NULL, summary, NULL, NULL, NULL};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);

    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    if (config == NULL) {
        fprintf(stderr, "ecs demo: %s\n", error);
        return 1;
    }
    char *url = choose_url(&arguments, config);
    char *key = choose_internal_key(&arguments, config);
    arguments.options.url = url;
    arguments.options.internal_key = key;
    bool good = key != NULL && gateway_answers(url) &&
                play(&arguments.options, config_text(config, SETTING_DATABASE_URL));
    free(key);
    free(url);
    config_free(&config);
    return good ? 0 : 1;
}
