// SPDX-License-Identifier: Apache-2.0
// The table of commands of `ecs`, and nothing else.
#include "commands/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct command commands[] = {
    {"serve", "run all services, or those named", command_serve},
    {"migrate", "bring the database schema up to date", command_migrate},
    {"provision", "make the streams and consumers of the broker", command_provision},
    {"config", "show every setting, its value and its meaning", command_config},
    {"routes", "show every route and who may call it", command_routes},
    {"healthcheck", "ask a running process whether it is ready", command_healthcheck},
    {"demo", "play the mobile app and the bank against a running system", command_demo},
    {"events", "watch the events of a subject as they come", command_events},
    {"dead-letters", "list, show, replay or purge what could not be processed",
     command_dead_letters},
    {"reviews", "list, show and resolve the decisions that people contested", command_reviews},
    {"operator-token", "make an access token for the dashboard and its figures",
     command_operator_token},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_help(FILE *to)
{
    fputs("Usage: ecs COMMAND [OPTION...]\n\n"
          "The Empathic Credit System: credit decisions that take a person's recent state of mind\n"
          "into account, without betraying it.\n\nCommands:\n",
          to);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("  help           show this, or `ecs help COMMAND` for one of them\n\n"
          "Settings come from the environment; `ecs config` lists them.\n",
          to);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

// `ecs help COMMAND` is `ecs COMMAND --help`.
static int help(int argc, char **argv)
{
    const struct command *command = argc > 2 ? find(argv[2]) : NULL;
    if (command == NULL) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    char *help_arguments[] = {argv[2], (char[]){"--help"}, NULL};
    return command->run(2, help_arguments);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EX_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return help(argc, argv);
    }
    const struct command *command = find(name);
    if (command == NULL) {
        fprintf(stderr, "ecs: there is no command '%s'; `ecs help` lists them\n", name);
        return EX_USAGE;
    }
    return command->run(argc - 1, argv + 1);
}
