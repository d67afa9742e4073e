// SPDX-License-Identifier: Apache-2.0
// Metrics: one object for one name and labels, and the Prometheus text of them.
#include "platform/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_the_same_name_and_labels_are_one_metric(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct counter *one = metrics_counter(metrics, "a_total", "x=\"1\"", "A.");
    struct counter *other = metrics_counter(metrics, "a_total", "x=\"2\"", "A.");
    assert_ptr_equal(one, metrics_counter(metrics, "a_total", "x=\"1\"", "A."));
    assert_ptr_not_equal(one, other);
    metrics_free(&metrics);
    assert_null(metrics);
}

static void test_lines_of_one_name_stand_together(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    counter_add(metrics_counter(metrics, "a_total", "x=\"1\"", "A."), 3);
    counter_set(metrics_gauge(metrics, "b", NULL, "B."), -2);
    counter_add(metrics_counter(metrics, "a_total", "x=\"2\"", "A."), 1);
    char *text = metrics_text(metrics);
    assert_string_equal(text, "# HELP a_total A.\n# TYPE a_total counter\n"
                              "a_total{x=\"1\"} 3\na_total{x=\"2\"} 1\n"
                              "# HELP b B.\n# TYPE b gauge\nb -2\n");
    free(text);
    metrics_free(&metrics);
}

static void test_a_histogram_counts_cumulatively(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct histogram *seconds = metrics_histogram(metrics, "h_seconds", "s=\"a\"", "H.");
    histogram_observe(seconds, 400);
    histogram_observe(seconds, 800);
    histogram_observe(seconds, 60 * 1000 * 1000);
    char *text = metrics_text(metrics);
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"a\",le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"a\",le=\"0.001\"} 2\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"a\",le=\"10\"} 2\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"a\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "h_seconds_count{s=\"a\"} 3\n"));
    free(text);
    metrics_free(&metrics);
}

static void test_an_empty_registry_is_an_empty_text(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    char *text = metrics_text(metrics);
    assert_string_equal(text, "");
    free(text);
    metrics_free(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_name_and_labels_are_one_metric),
        cmocka_unit_test(test_lines_of_one_name_stand_together),
        cmocka_unit_test(test_a_histogram_counts_cumulatively),
        cmocka_unit_test(test_an_empty_registry_is_an_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
