// SPDX-License-Identifier: Apache-2.0
// The demo's summary on standard output.
#pragma once

#include "commands/demo_play.h"

#include <stdbool.h>

// Prints what was called, what went wrong, and for a few people what was decided and why. True when
// everything came out as it should.
bool demo_report(const struct demo *demo);
