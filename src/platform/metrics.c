// SPDX-License-Identifier: Apache-2.0
// The registry of metrics.h: a list under a mutex for making and printing, atomics for updating.
#include "platform/metrics.h"

#include "platform/buffer.h"
#include "platform/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Upper bounds in microseconds; the last bucket has none.
static const int64_t bucket_bounds[] = {500,     1000,    2500,    5000,    10000,
                                        25000,   50000,   100000,  250000,  500000,
                                        1000000, 2500000, 5000000, 10000000};
#define BUCKETS (sizeof bucket_bounds / sizeof bucket_bounds[0])

struct counter {
    _Atomic int64_t value;
};

struct histogram {
    _Atomic int64_t counts[BUCKETS + 1];
    _Atomic int64_t sum_us;
};

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct entry {
    char *name;
    char *labels; /* "" for none */
    const char *help;
    enum kind kind;
    struct counter counter;
    struct histogram histogram;
    struct entry *next;
};

struct metrics {
    pthread_mutex_t lock;
    struct entry *first;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = memory_zeroed(1, sizeof *metrics);
    pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_free(struct metrics **metrics)
{
    if (*metrics == NULL) {
        return;
    }
    struct entry *next = NULL;
    for (struct entry *entry = (*metrics)->first; entry != NULL; entry = next) {
        next = entry->next;
        free(entry->name);
        free(entry->labels);
        free(entry);
    }
    pthread_mutex_destroy(&(*metrics)->lock);
    free(*metrics);
    *metrics = NULL;
}

// Where a new entry belongs: behind the last one of its name, so that a name's lines stand
// together.
static struct entry **place_for(struct metrics *metrics, const char *name)
{
    struct entry **place = &metrics->first;
    struct entry **behind_name = NULL;
    while (*place != NULL) {
        if (strcmp((*place)->name, name) == 0) {
            behind_name = &(*place)->next;
        }
        place = &(*place)->next;
    }
    return behind_name != NULL ? behind_name : place;
}

static struct entry *find(struct metrics *metrics, const char *name, const char *labels)
{
    for (struct entry *entry = metrics->first; entry != NULL; entry = entry->next) {
        if (strcmp(entry->name, name) == 0 && strcmp(entry->labels, labels) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *find_or_make(struct metrics *metrics, const char *name, const char *labels,
                                  const char *help, enum kind kind)
{
    labels = labels != NULL ? labels : "";
    pthread_mutex_lock(&metrics->lock);
    struct entry *entry = find(metrics, name, labels);
    if (entry == NULL) {
        entry = memory_zeroed(1, sizeof *entry);
        entry->name = memory_copy_text(name);
        entry->labels = memory_copy_text(labels);
        entry->help = help;
        entry->kind = kind;
        struct entry **place = place_for(metrics, name);
        entry->next = *place;
        *place = entry;
    }
    pthread_mutex_unlock(&metrics->lock);
    return entry;
}

struct counter *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
                                const char *help)
{
    return &find_or_make(metrics, name, labels, help, COUNTER)->counter;
}

struct counter *metrics_gauge(struct metrics *metrics, const char *name, const char *labels,
                              const char *help)
{
    return &find_or_make(metrics, name, labels, help, GAUGE)->counter;
}

struct histogram *metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                                    const char *help)
{
    return &find_or_make(metrics, name, labels, help, HISTOGRAM)->histogram;
}

void counter_add(struct counter *counter, int64_t amount)
{
    atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}

void counter_set(struct counter *counter, int64_t value)
{
    atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}

void histogram_observe(struct histogram *histogram, int64_t microseconds)
{
    size_t bucket = 0;
    while (bucket < BUCKETS && microseconds > bucket_bounds[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&histogram->counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, microseconds, memory_order_relaxed);
}

static void add_header(struct buffer *text, const struct entry *entry)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    buffer_add_format(text, "# HELP %s %s\n# TYPE %s %s\n", entry->name, entry->help, entry->name,
                      kinds[entry->kind]);
}

static void add_counter(struct buffer *text, struct entry *entry)
{
    const char *open = entry->labels[0] != '\0' ? "{" : "";
    const char *close = entry->labels[0] != '\0' ? "}" : "";
    buffer_add_format(text, "%s%s%s%s %lld\n", entry->name, open, entry->labels, close,
                      (long long)atomic_load(&entry->counter.value));
}

static void add_histogram(struct buffer *text, struct entry *entry)
{
    const char *comma = entry->labels[0] != '\0' ? "," : "";
    int64_t total = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        total += atomic_load(&entry->histogram.counts[i]);
        buffer_add_format(text, "%s_bucket{%s%sle=\"%g\"} %lld\n", entry->name, entry->labels,
                          comma, (double)bucket_bounds[i] / 1e6, (long long)total);
    }
    total += atomic_load(&entry->histogram.counts[BUCKETS]);
    buffer_add_format(text, "%s_bucket{%s%sle=\"+Inf\"} %lld\n", entry->name, entry->labels, comma,
                      (long long)total);
    const char *open = entry->labels[0] != '\0' ? "{" : "";
    const char *close = entry->labels[0] != '\0' ? "}" : "";
    buffer_add_format(text, "%s_sum%s%s%s %g\n", entry->name, open, entry->labels, close,
                      (double)atomic_load(&entry->histogram.sum_us) / 1e6);
    buffer_add_format(text, "%s_count%s%s%s %lld\n", entry->name, open, entry->labels, close,
                      (long long)total);
}

char *metrics_text(struct metrics *metrics)
{
    struct buffer text = {0};
    buffer_add_text(&text, "");
    const char *name = "";
    pthread_mutex_lock(&metrics->lock);
    for (struct entry *entry = metrics->first; entry != NULL; entry = entry->next) {
        if (strcmp(entry->name, name) != 0) {
            name = entry->name;
            add_header(&text, entry);
        }
        if (entry->kind == HISTOGRAM) {
            add_histogram(&text, entry);
        } else {
            add_counter(&text, entry);
        }
    }
    pthread_mutex_unlock(&metrics->lock);
    return text.data;
}
