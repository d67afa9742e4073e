// SPDX-License-Identifier: Apache-2.0
// The summary: a table of the calls, the people shown one by one, the counts to compare.
#include "commands/demo_report.h"

#include <inttypes.h>
#include <stdio.h>

#define PEOPLE_SHOWN 5

// ---- calls

static void print_errors(const struct demo_calls *calls)
{
    if (calls->by_status[0] > 0) {
        printf("  no answer x%" PRIu64, calls->by_status[0]);
    }
    for (size_t status = 1; status < DEMO_STATUSES; status++) {
        if (calls->by_status[status] > 0 && (status < 200 || status >= 300)) {
            printf("  %zu x%" PRIu64, status, calls->by_status[status]);
        }
    }
    if (calls->complaint[0] != '\0') {
        printf("  (%s)", calls->complaint);
    }
}

static void print_calls(const struct demo *demo)
{
    printf("\n%-12s %9s %9s %9s %9s  %s\n", "call", "made", "good", "p50 ms", "p99 ms", "errors");
    for (enum demo_call call = 0; call < DEMO_CALLS; call++) {
        const struct demo_calls *calls = &demo->tally.calls[call];
        if (demo_calls_total(calls) == 0) {
            continue;
        }
        printf("%-12s %9" PRIu64 " %9" PRIu64 " %9.1f %9.1f", demo_call_name(call),
               demo_calls_total(calls), demo_calls_good(calls),
               (double)demo_calls_quantile(calls, 0.50) / 1000,
               (double)demo_calls_quantile(calls, 0.99) / 1000);
        print_errors(calls);
        printf("\n");
    }
}

// ---- people

static const char *offer_words(enum offer_progress offer)
{
    static const char *const words[] = {
        [OFFER_NONE] = "no offer came with it",
        [OFFER_OPEN] = "the offer was not accepted",
        [OFFER_ACCEPTED] = "accepted, but not active yet",
        [OFFER_IS_ACTIVE] = "accepted and active",
    };
    return words[offer];
}

static void print_decision(const struct demo_person *person)
{
    const struct demo_decision *decision = &person->decision;
    if (!decision->answered) {
        printf("    no decision\n");
    } else if (decision->approved) {
        printf("    approved, risk score %.3f: %s at %s %% a year, %s; %s\n", decision->score,
               decision->limit, decision->interest, decision->credit_type,
               offer_words(person->offer));
    } else {
        printf("    denied, risk score %.3f: %s\n", decision->score,
               decision->reason[0] == '\0' ? "no reason was given" : decision->reason);
    }
}

static void print_people(const struct demo *demo)
{
    printf("\n");
    for (size_t i = 0; i < demo->options.users && i < PEOPLE_SHOWN; i++) {
        const struct demo_person *person = &demo->people[i];
        printf("%s: %s, %s; %" PRIu64 " emotions and %" PRIu64 " payments sent\n", person->email,
               demo_temperament_name(person->temperament),
               person->consents ? "emotional data allowed" : "emotional data not allowed",
               person->emotions.acknowledged, person->transactions.acknowledged);
        print_decision(person);
    }
}

// ---- everybody together

struct sums {
    size_t ready, analysed, approved, active;
    struct demo_sent with_consent, without_consent, transactions;
};

static void add_sent(struct demo_sent *sum, const struct demo_sent *part)
{
    sum->acknowledged += part->acknowledged;
    sum->unknown += part->unknown;
    sum->refused += part->refused;
}

static struct sums sum_up(const struct demo *demo)
{
    struct sums sums = {0};
    for (size_t i = 0; i < demo->options.users; i++) {
        const struct demo_person *person = &demo->people[i];
        sums.ready += person->token != NULL;
        sums.analysed += person->decision.answered;
        sums.approved += person->decision.approved;
        sums.active += person->offer == OFFER_IS_ACTIVE;
        add_sent(person->consents ? &sums.with_consent : &sums.without_consent, &person->emotions);
        add_sent(&sums.transactions, &person->transactions);
    }
    return sums;
}

static void print_sent(const char *what, const struct demo_sent *sent)
{
    printf("  %-34s %" PRIu64 " sent, %" PRIu64 " acknowledged", what,
           sent->acknowledged + sent->unknown + sent->refused, sent->acknowledged);
    if (sent->unknown > 0) {
        printf(", %" PRIu64 " never answered", sent->unknown);
    }
    if (sent->refused > 0) {
        printf(", %" PRIu64 " refused", sent->refused);
    }
    printf("\n");
}

static void print_sums(const struct demo *demo, const struct sums *sums)
{
    uint64_t acknowledged = sums->with_consent.acknowledged + sums->without_consent.acknowledged +
                            sums->transactions.acknowledged;
    double seconds = demo->streamed_seconds > 0 ? demo->streamed_seconds : 1;
    printf("\n%" PRIu64 " events in %.1f s: %.0f a second of the %" PRIi64 " asked for\n",
           acknowledged, demo->streamed_seconds, (double)acknowledged / seconds,
           demo->options.rate);
    print_sent("emotions of people with consent:", &sums->with_consent);
    print_sent("emotions of people without:", &sums->without_consent);
    print_sent("transactions:", &sums->transactions);
    printf("%zu people: %zu analysed, %zu approved, %zu with an active credit\n",
           demo->options.users, sums->analysed, sums->approved, sums->active);
}

bool demo_report(const struct demo *demo)
{
    struct sums sums = sum_up(demo);
    print_calls(demo);
    print_people(demo);
    print_sums(demo, &sums);
    bool events_good = sums.with_consent.unknown + sums.with_consent.refused +
                           sums.without_consent.unknown + sums.without_consent.refused +
                           sums.transactions.unknown + sums.transactions.refused ==
                       0;
    return events_good && sums.ready == demo->options.users && sums.analysed == sums.ready &&
           sums.active == sums.approved;
}
