// SPDX-License-Identifier: Apache-2.0
// The common set-up of the commands that talk to the broker: settings, a log that shows errors
// only, and a connection.
#pragma once

#include "platform/bus/bus.h"
#include "platform/config.h"

// The files that the settings name for TLS to the broker; owned by the config.
struct bus_tls bus_tls_of(const struct config *config);

// What the command does; answers its exit status.
typedef int bus_command(struct bus *bus, const struct config *config, void *arg);

// Loads the settings, waits for the broker, runs the command and takes everything down again. When
// something is amiss, one line on standard error and EXIT_FAILURE.
int with_bus(bus_command *command, void *arg);
