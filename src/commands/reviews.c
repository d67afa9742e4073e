// SPDX-License-Identifier: Apache-2.0
// `ecs reviews`: the decisions that people contested, for whoever decides on them in the bank. This
// file is the command line; what the actions do is in reviews_actions.c.
#include "commands/command.h"
#include "commands/number.h"
#include "commands/reviews_actions.h"
#include "commands/with_database.h"
#include "domain/money.h"
#include "domain/policy.h"
#include "domain/review.h"
#include "domain/text.h"
#include "domain/uuid.h"
#include "platform/json.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct action {
    const char *name;
    bool takes_decision;
    bool resolves;
    bool offers;
    review_action *run;
} actions[] = {
    {"list", false, false, false, reviews_list},
    {"show", true, false, false, reviews_show},
    {"uphold", true, true, false, reviews_uphold},
    {"overturn", true, true, true, reviews_overturn},
};

struct arguments {
    const struct action *action;
    struct review_choice choice;
};

// ---- one value

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            return &actions[i];
        }
    }
    return NULL;
}

static void check_decision(const char *text, struct argp_state *state)
{
    struct uuid id;
    if (!uuid_parse(text, strlen(text), &id)) {
        argp_error(state, "'%s' is not a decision's id", text);
    }
}

static void check_text(const char *text, const char *option, size_t most, struct argp_state *state)
{
    __attribute__((cleanup(json_release))) json_t *utf8 = json_string(text);
    if (utf8 == NULL || text[0] == '\0' || text_count_characters(text) > most) {
        argp_error(state, "--%s must be 1 to %zu characters of UTF-8", option, most);
    }
}

// What the person is told need not stand on a command line, which others on this machine can read.
static const char *read_explanation(void)
{
    static char text[4 * REVIEW_TEXT_MAX + 2]; /* with room for a byte too many */
    size_t length = fread(text, 1, sizeof text - 1, stdin);
    while (length > 0 && text[length - 1] == '\n') {
        length--;
    }
    text[length] = '\0';
    return text;
}

static void check_money(const char *text, const char *option, money_cents least, money_cents most,
                        struct argp_state *state)
{
    money_cents amount = 0;
    if (money_parse(text, strlen(text), &amount) != MONEY_OK || amount < least || amount > most) {
        char from[MONEY_TEXT_SIZE];
        char to[MONEY_TEXT_SIZE];
        money_format(least, from);
        money_format(most, to);
        argp_error(state, "--%s must be %s to %s, with two decimals at most", option, from, to);
    }
}

static void check_type(const char *text, struct argp_state *state)
{
    if (strcmp(text, credit_type_name(LONG_TERM_PERSONAL_LOAN)) != 0 &&
        strcmp(text, credit_type_name(SHORT_TERM_PERSONAL_LOAN)) != 0) {
        argp_error(state, "--credit-type must be %s or %s",
                   credit_type_name(LONG_TERM_PERSONAL_LOAN),
                   credit_type_name(SHORT_TERM_PERSONAL_LOAN));
    }
}

static void check_days(const char *text, struct argp_state *state)
{
    long days = 0;
    if (!number_parse(text, 1, REVIEW_OFFER_DAYS_MAX, &days)) {
        argp_error(state, "--days must be 1 to %d", REVIEW_OFFER_DAYS_MAX);
    }
}

// ---- all of them together

static bool has_terms(const struct review_choice *choice)
{
    return choice->credit_limit != NULL && choice->interest_rate != NULL &&
           choice->credit_type != NULL;
}

static bool has_any_terms(const struct review_choice *choice)
{
    return choice->credit_limit != NULL || choice->interest_rate != NULL ||
           choice->credit_type != NULL || choice->days != NULL;
}

static void check(struct arguments *arguments, struct argp_state *state)
{
    const struct action *action = arguments->action;
    struct review_choice *choice = &arguments->choice;
    if (action == NULL) {
        argp_error(state, "say what to do: list, show, uphold or overturn");
        return;
    }
    if (action->takes_decision && choice->decision == NULL) {
        argp_error(state, "%s which? Give the id of the decision, as list shows it", action->name);
    }
    if (choice->all && action->takes_decision) {
        argp_error(state, "--all goes with list");
    }
    if (action->resolves && (choice->reviewer == NULL || choice->explanation == NULL)) {
        argp_error(state, "%s needs --reviewer and --explanation", action->name);
    }
    if (!action->resolves && (choice->reviewer != NULL || choice->explanation != NULL)) {
        argp_error(state, "--reviewer and --explanation go with uphold or overturn");
    }
    if (action->offers && !has_terms(choice)) {
        argp_error(state, "overturn needs --credit-limit, --interest-rate and --credit-type");
    }
    if (!action->offers && has_any_terms(choice)) {
        argp_error(state, "the terms of an offer go with overturn");
    }
    if (action->offers && choice->days == NULL) {
        choice->days = "30";
    }
}

static void take_argument(struct arguments *arguments, char *text, struct argp_state *state)
{
    if (state->arg_num == 0) {
        arguments->action = find_action(text);
        if (arguments->action == NULL) {
            argp_error(state, "'%s' is not list, show, uphold or overturn", text);
        }
    } else if (state->arg_num == 1 && arguments->action->takes_decision) {
        check_decision(text, state);
        arguments->choice.decision = text;
    } else {
        argp_error(state, "there is nothing to do with '%s'", text);
    }
}

#define MAX_LIMIT INT64_C(999999999999999) /* cents, numeric(15,2) */
#define MAX_RATE 10000                     /* hundredths of a percent */

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct review_choice *choice = &arguments->choice;
    switch (key) {
    case 'a':
        choice->all = true;
        return 0;
    case 'j':
        choice->json = true;
        return 0;
    case 'r':
        check_text(text, "reviewer", REVIEWER_NAME_MAX, state);
        choice->reviewer = text;
        return 0;
    case 'e':
        choice->explanation = strcmp(text, "-") == 0 ? read_explanation() : text;
        check_text(choice->explanation, "explanation", REVIEW_TEXT_MAX, state);
        return 0;
    case 'l':
        check_money(text, "credit-limit", 1, MAX_LIMIT, state);
        choice->credit_limit = text;
        return 0;
    case 'i':
        check_money(text, "interest-rate", 0, MAX_RATE, state);
        choice->interest_rate = text;
        return 0;
    case 't':
        check_type(text, state);
        choice->credit_type = text;
        return 0;
    case 'd':
        check_days(text, state);
        choice->days = text;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(arguments, text, state);
        return 0;
    case ARGP_KEY_END:
        check(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run(struct db *db, const struct config *config, void *arg)
{
    (void)config;
    const struct arguments *arguments = arg;
    return arguments->action->run(db, &arguments->choice);
}

int command_reviews(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"all", 'a', NULL, 0, "List resolved reviews too", 0},
        {"json", 'j', NULL, 0, "Print each review with its decision as a JSON object on a line", 0},
        {"reviewer", 'r', "NAME", 0, "Who answers for it; the person is not told", 1},
        {"explanation", 'e', "TEXT", 0, "What the person is told; -: from standard input", 1},
        {"credit-limit", 'l', "AMOUNT", 0, "The limit of the offer, such as 2500.00", 2},
        {"interest-rate", 'i', "PERCENT", 0, "Its interest a year, such as 12.50", 2},
        {"credit-type", 't', "TYPE", 0, "LONG_TERM_PERSONAL_LOAN or SHORT_TERM_PERSONAL_LOAN", 2},
        {"days", 'd', "DAYS", 0, "How long it stands (default: 30)", 2},
        {0},
    };
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "list\nshow DECISION\nuphold DECISION --reviewer NAME --explanation TEXT\n"
                    "overturn DECISION --reviewer NAME --explanation TEXT --credit-limit AMOUNT "
                    "--interest-rate PERCENT --credit-type TYPE",
        .doc = "Reads and resolves the reviews of decisions that people asked for.\v"
               "list shows the open ones, oldest first. uphold lets the decision stand; overturn "
               "offers a credit by hand, which takes the place of an open offer. Either is done "
               "once and cannot be taken back. Needs REVIEWER_DATABASE_URL, whose role sees "
               "contested decisions and nothing else, or DATABASE_URL.",
    };
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    return with_database(SETTING_REVIEWER_DATABASE_URL, "ecs-reviews", run, &arguments);
}
