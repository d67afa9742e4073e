// SPDX-License-Identifier: Apache-2.0
// The plan is read when the first point is reached. Each point has random numbers of its own, so
// that what happens at one does not depend on how often the others are reached.
#include "platform/fault_point.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KILLED 137
#define DELAY_NS 100000000L

enum action { NOTHING, EXIT, ERROR, DELAY };

struct point {
    enum action action;
    unsigned long at; /* which time; 0: by chance */
    double chance;
    unsigned short random[3];
    unsigned long reached;
    unsigned long fired;
};

static const char *const names[] = {
#define POINT(name) #name,
    FAULT_POINTS(POINT)
#undef POINT
};

static struct point points[FAULT_POINT_COUNT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// ---- the plan

static void refuse_plan(const char *why, const char *what)
{
    fprintf(stderr, "ecs: ECS_FAULTS: %s: %s\n", why, what);
    _exit(EXIT_FAILURE);
}

static enum action read_action(const char *text, size_t length)
{
    static const char *const actions[] = {
        [NOTHING] = "nothing",
        [EXIT] = "exit",
        [ERROR] = "error",
        [DELAY] = "delay",
    };
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strlen(actions[i]) == length && strncmp(actions[i], text, length) == 0) {
            return (enum action)i;
        }
    }
    refuse_plan("no such action", text);
    return NOTHING;
}

static void read_rule(struct point *point, const char *rule)
{
    const size_t length = strcspn(rule, "@:");
    char *end = NULL;
    point->action = read_action(rule, length);
    if (rule[length] == '@') {
        point->at = strtoul(rule + length + 1, &end, 10);
    } else if (rule[length] == ':') {
        point->chance = strtod(rule + length + 1, &end);
    }
    if (end == NULL || *end != '\0' || end == rule + length + 1) {
        refuse_plan("no @N or :P", rule);
    }
}

static void seed_points(unsigned long seed)
{
    for (size_t i = 0; i < FAULT_POINT_COUNT; i++) {
        points[i].random[0] = (unsigned short)i;
        points[i].random[1] = (unsigned short)seed;
        points[i].random[2] = (unsigned short)(seed >> 16);
        (void)erand48(points[i].random); // the first one of near seeds is near
    }
}

static void read_plan(char *plan)
{
    char *tokens[FAULT_POINT_COUNT + 2] = {0};
    for (size_t i = 0; i < FAULT_POINT_COUNT; i++) {
        tokens[i] = (char *)(uintptr_t)names[i]; // getsubopt does not write to it
    }
    tokens[FAULT_POINT_COUNT] = "seed";
    while (*plan != '\0') {
        char *value = NULL;
        const int token = getsubopt(&plan, tokens, &value);
        if (token < 0 || value == NULL) {
            refuse_plan("no such point", value != NULL ? value : "no value");
        } else if (token == FAULT_POINT_COUNT) {
            seed_points(strtoul(value, NULL, 10));
        } else {
            read_rule(&points[token], value);
        }
    }
}

// ---- the report

static void report(void)
{
    const char *path = getenv("ECS_FAULTS_REPORT");
    FILE *file = path != NULL ? fopen(path, "ae") : NULL;
    if (file == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < FAULT_POINT_COUNT; i++) {
        fprintf(file, "%s %lu %lu\n", names[i], points[i].reached, points[i].fired);
    }
    pthread_mutex_unlock(&lock);
    fclose(file); // less than a buffer: one write, whole beside those of other processes
}

static void begin(void)
{
    const char *plan = getenv("ECS_FAULTS");
    char *copy = plan != NULL ? strdup(plan) : NULL;
    seed_points(0);
    if (copy != NULL) {
        read_plan(copy);
        free(copy);
    }
    atexit(report);
}

// ---- a point

static bool chosen(struct point *point)
{
    if (point->at > 0) {
        return point->reached == point->at;
    }
    return erand48(point->random) < point->chance;
}

bool fault_point_fires(enum fault_point which)
{
    pthread_once(&once, begin);
    struct point *point = &points[which];
    pthread_mutex_lock(&lock);
    point->reached++;
    const bool fires = point->action != NOTHING && chosen(point);
    point->fired += fires;
    pthread_mutex_unlock(&lock);
    if (!fires) {
        return false;
    }
    if (point->action == EXIT) {
        report();
        _exit(KILLED);
    }
    if (point->action == DELAY) {
        nanosleep(&(struct timespec){.tv_nsec = DELAY_NS}, NULL);
    }
    return point->action == ERROR;
}
