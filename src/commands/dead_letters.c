// SPDX-License-Identifier: Apache-2.0
// `ecs dead-letters`: list, show, replay and purge the lines that no worker could store. This file
// is the command line; what the actions do is in dead_letters_actions.c.
#include "commands/command.h"
#include "commands/dead_letters_actions.h"
#include "commands/with_bus.h"
#include "domain/uuid.h"
#include "platform/memory.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct action {
    const char *name;
    bool takes_sequences;
    bool takes_all;
    dead_letters_action *run;
} actions[] = {
    {"list", false, false, dead_letters_list},
    {"show", true, false, dead_letters_show},
    {"replay", true, true, dead_letters_replay_chosen},
    {"purge", true, true, dead_letters_purge_chosen},
};

struct arguments {
    const struct action *action;
    struct dead_letters_choice choice;
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            return &actions[i];
        }
    }
    return NULL;
}

static void add_sequence(struct dead_letters_choice *choice, const char *text,
                         struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long sequence = strtoull(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' || sequence == 0) {
        argp_error(state, "'%s' is not the number of a dead letter", text);
    }
    choice->sequences =
        memory_resize(choice->sequences, (choice->count + 1) * sizeof *choice->sequences);
    choice->sequences[choice->count++] = sequence;
}

static void check_user(const char *text, struct argp_state *state)
{
    struct uuid id;
    if (!uuid_parse(text, strlen(text), &id)) {
        argp_error(state, "'%s' is not a person's id", text);
    }
}

static void check(const struct arguments *arguments, struct argp_state *state)
{
    const struct action *action = arguments->action;
    const struct dead_letters_choice *choice = &arguments->choice;
    if (action == NULL) {
        argp_error(state, "say what to do: list, show, replay or purge");
        return;
    }
    if (choice->count > 0 && !action->takes_sequences) {
        argp_error(state, "%s takes no numbers", action->name);
    }
    if (choice->all && (!action->takes_all || choice->count > 0)) {
        argp_error(state, "--all goes with replay or purge, and without numbers");
    }
    if (choice->count > 0 && dead_letters_filtered(choice)) {
        argp_error(state, "--subject, --reason and --user go with list or --all, not with numbers");
    }
    if (action->takes_sequences && choice->count == 0 && !choice->all) {
        argp_error(state, "%s which? Give the numbers that list shows%s", action->name,
                   action->takes_all ? ", or --all" : "");
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 's':
        arguments->choice.subject = text;
        return 0;
    case 'r':
        arguments->choice.reason = text;
        return 0;
    case 'u':
        check_user(text, state);
        arguments->choice.user = text;
        return 0;
    case 'j':
        arguments->choice.json = true;
        return 0;
    case 'a':
        arguments->choice.all = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0) {
            add_sequence(&arguments->choice, text, state);
        } else if ((arguments->action = find_action(text)) == NULL) {
            argp_error(state, "'%s' is not list, show, replay or purge", text);
        }
        return 0;
    case ARGP_KEY_END:
        check(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run(struct bus *bus, const struct config *config, void *arg)
{
    (void)config;
    const struct arguments *arguments = arg;
    return arguments->action->run(bus, &arguments->choice);
}

int command_dead_letters(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"subject", 's', "SUBJECT", 0, "Only letters first published to SUBJECT", 0},
        {"reason", 'r', "TEXT", 0, "Only letters whose reason contains TEXT", 0},
        {"user", 'u', "ID", 0, "Only letters whose event names the person ID", 0},
        {"json", 'j', NULL, 0, "List one JSON object a line, with the data", 0},
        {"all", 'a', NULL, 0,
         "Replay or purge all letters, or all that --subject, --reason and --user pick", 0},
        {0},
    };
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "list\nshow NUMBER...\nreplay NUMBER...|--all\npurge NUMBER...|--all",
        .doc = "Works on the events that no worker could store.\v"
               "replay publishes an event to its first subject again and removes the letter once "
               "that is acknowledged; it is counted once, thanks to its id. purge removes a letter "
               "for good.",
    };
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    const int status = with_bus(run, &arguments);
    free(arguments.choice.sequences);
    return status;
}
