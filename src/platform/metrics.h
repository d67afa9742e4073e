// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms in the Prometheus text format (version 0.0.4). A metric is made
// once and then updated without a lock, from any thread.
#pragma once

#include <stdint.h>

struct metrics;
struct counter;
struct histogram;

struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);

// The counter of that name and labels, made at the first call; lives as long as the registry.
// `labels` is in exposition form (`subject="user.emotions.topic"`) or NULL. `help` is static text.
struct counter *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
                                const char *help);

// The same for a value that goes up and down.
struct counter *metrics_gauge(struct metrics *metrics, const char *name, const char *labels,
                              const char *help);

// A histogram of seconds with fixed buckets from 0.5 ms to 10 s.
struct histogram *metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                                    const char *help);

void counter_add(struct counter *counter, int64_t amount);
void counter_set(struct counter *counter, int64_t value);
void histogram_observe(struct histogram *histogram, int64_t microseconds);

// The whole registry as text, metrics of one name together; the caller frees it.
char *metrics_text(struct metrics *metrics);
