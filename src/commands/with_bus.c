// SPDX-License-Identifier: Apache-2.0
// Sets up and takes down what a command needs to talk to the broker.
#include "commands/with_bus.h"

#include "platform/log.h"
#include "platform/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#define BROKER_WAIT_MS 10000

struct bus_tls bus_tls_of(const struct config *config)
{
    return (struct bus_tls){
        .ca_file = config_text(config, SETTING_NATS_CA_FILE),
        .certificate_file = config_text(config, SETTING_NATS_CERT_FILE),
        .key_file = config_text(config, SETTING_NATS_KEY_FILE),
    };
}

static int run(const struct config *config, struct log *log, struct metrics *metrics,
               bus_command *command, void *arg)
{
    const struct bus_options options = {
        .url = config_text(config, SETTING_NATS_URL),
        .name = "ecs command",
        .tls = bus_tls_of(config),
        .log = log,
        .metrics = metrics,
    };
    char error[BUS_ERROR_SIZE];
    struct bus *bus = bus_open(&options, error);
    if (bus == NULL) {
        fprintf(stderr, "ecs: NATS_URL: %s\n", error);
        return EXIT_FAILURE;
    }
    int status = EXIT_FAILURE;
    if (bus_wait(bus, BROKER_WAIT_MS)) {
        status = command(bus, config, arg);
    } else {
        fprintf(stderr, "ecs: the broker of NATS_URL did not answer within %d seconds\n",
                BROKER_WAIT_MS / 1000);
    }
    bus_close(&bus);
    return status;
}

int with_bus(bus_command *command, void *arg)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    if (config == NULL || !config_require(config, SETTING_NATS_URL, error)) {
        fprintf(stderr, "ecs: %s\n", error);
        config_free(&config);
        return EXIT_FAILURE;
    }
    struct log *log = log_open("ecs", LOG_ERROR, LOG_AS_TEXT);
    struct metrics *metrics = metrics_new();
    const int status = run(config, log, metrics, command, arg);
    metrics_free(&metrics);
    log_close(&log);
    config_free(&config);
    return status;
}
