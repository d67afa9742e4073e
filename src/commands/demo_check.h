// SPDX-License-Identifier: Apache-2.0
// Compares what was acknowledged with what PostgreSQL holds.
#pragma once

#include "commands/demo_play.h"

#include <stdbool.h>

// Waits, with a deadline, until the rows of the demo's people are exactly what was acknowledged,
// and says so; or says what differs and answers false.
bool demo_check(const struct demo *demo, const char *database_url);
