// SPDX-License-Identifier: Apache-2.0
// `ecs operator-token`: lets somebody who runs the system see the dashboard. Whoever holds the key
// that signs tokens could make one anyway; this makes a good one.
#include "commands/command.h"
#include "commands/number.h"
#include "platform/auth/token.h"
#include "platform/clock.h"
#include "platform/config.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTES_MAX (TOKEN_LIFETIME_MAX / 60)

struct arguments {
    const char *name;
    long minutes;
};

static long read_minutes(const char *text, struct argp_state *state)
{
    long minutes = 0;
    if (!number_parse(text, 1, MINUTES_MAX, &minutes)) {
        argp_error(state, "--minutes must be 1 to %d", MINUTES_MAX);
    }
    return minutes;
}

static const char *read_name(const char *text, struct argp_state *state)
{
    if (!operator_name_is_valid(text)) {
        argp_error(state, "NAME must be 1 to %d letters, digits and . _ @ -", OPERATOR_NAME_MAX);
    }
    return text;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'm':
        arguments->minutes = read_minutes(text, state);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->name != NULL) {
            argp_error(state, "there is nothing to do with '%s'", text);
        }
        arguments->name = read_name(text, state);
        return 0;
    case ARGP_KEY_END:
        if (arguments->name == NULL) {
            argp_error(state, "whose? Give the operator's name");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int print_token(const struct config *config, const struct arguments *arguments)
{
    const char *secret = config_text(config, SETTING_SECRET_KEY);
    const struct token_key key = {secret, strlen(secret)};
    char *token =
        token_issue_to_operator(&key, arguments->name, clock_now(), arguments->minutes * 60);
    const bool printed = puts(token) != EOF && fflush(stdout) == 0;
    free(token);
    if (!printed) {
        perror("ecs: the token could not be written");
    }
    return printed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_operator_token(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"minutes", 'm', "MINUTES", 0, "How long it is good for (default: 60, the most)", 0},
        {0},
    };
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "NAME",
        .doc = "Prints an access token for an operator: it opens /v1/insights and the figures of "
               "/dashboard, and nothing of any person.\v"
               "NAME stands in the log beside what was looked at. A token cannot be taken back "
               "before its end. Needs SECRET_KEY.",
    };
    struct arguments arguments = {.minutes = MINUTES_MAX};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    int status = EXIT_FAILURE;
    if (config != NULL && config_require(config, SETTING_SECRET_KEY, error)) {
        status = print_token(config, &arguments);
    } else {
        fprintf(stderr, "ecs: %s\n", error);
    }
    config_free(&config);
    return status;
}
