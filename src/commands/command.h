// SPDX-License-Identifier: Apache-2.0
// What a command of `ecs` is. To add one: write its file with one function, declare it here, and
// add it to the table in main.c.
#pragma once

// argv[0] is the command's own name. Answers the exit status of the process: 0, 1 with one line on
// standard error, or 64 when the command was called wrongly.
typedef int command_fn(int argc, char **argv);

struct command {
    const char *name;
    const char *summary; /* one line, for `ecs help` */
    command_fn *run;
};

command_fn command_serve;
command_fn command_migrate;
command_fn command_provision;
command_fn command_routes;
command_fn command_config;
command_fn command_healthcheck;
command_fn command_demo;
command_fn command_events;
command_fn command_dead_letters;
command_fn command_reviews;
command_fn command_operator_token;
