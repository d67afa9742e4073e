// SPDX-License-Identifier: Apache-2.0
// `ecs provision`: makes the streams and consumers that the broker lacks, and says what differs.
#include "commands/command.h"
#include "commands/with_bus.h"
#include "platform/bus/streams.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

static void say(void *arg, const char *kind, const char *name, enum provision_result result,
                const char *difference)
{
    (void)arg;
    switch (result) {
    case PROVISION_MADE:
        printf("%-8s  %-30s  made\n", kind, name);
        break;
    case PROVISION_SAME:
        printf("%-8s  %-30s  already there\n", kind, name);
        break;
    case PROVISION_DIFFERS:
        printf("%-8s  %-30s  differs, left alone: %s\n", kind, name, difference);
        break;
    case PROVISION_FAILED:
        fprintf(stderr, "ecs: the %s %s cannot be made: %s\n", kind, name, difference);
        break;
    }
}

static int provision(struct bus *bus, const struct config *config, void *arg)
{
    (void)arg;
    const struct stream_settings settings = {
        .replicas = config_number(config, SETTING_STREAM_REPLICAS),
        .max_age_hours = config_number(config, SETTING_STREAM_MAX_AGE_HOURS),
        .max_bytes = config_number(config, SETTING_STREAM_MAX_BYTES),
        .ack_wait_ms = config_number(config, SETTING_ACK_WAIT_MS),
    };
    return streams_provision(bus, &settings, say, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_provision(int argc, char **argv)
{
    static const struct argp parser = {
        .doc = "Makes the streams and consumers that the broker of NATS_URL lacks. Changes nothing "
               "that exists, and says when it has other settings than STREAM_REPLICAS, "
               "STREAM_MAX_AGE_HOURS, STREAM_MAX_BYTES and ACK_WAIT_MS ask for. Waits up to 10 "
               "seconds for the broker.",
    };
    argp_parse(&parser, argc, argv, 0, NULL, NULL);
    return with_bus(provision, NULL);
}
