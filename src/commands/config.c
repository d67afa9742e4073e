// SPDX-License-Identifier: Apache-2.0
// `ecs config`: what every setting is, where it came from and what it means.
#include "platform/config.h"
#include "commands/command.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

int command_config(int argc, char **argv)
{
    static const struct argp parser = {
        .doc =
            "Prints every setting: its value (secrets masked), its meaning and where it came from. "
            "Exits with 1 and one line when a value is bad.",
    };
    argp_parse(&parser, argc, argv, 0, NULL, NULL);

    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    if (config == NULL) {
        fprintf(stderr, "ecs: %s\n", error);
        return EXIT_FAILURE;
    }
    config_print(config, stdout);
    config_free(&config);
    return EXIT_SUCCESS;
}
