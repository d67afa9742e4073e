// SPDX-License-Identifier: Apache-2.0
// emotion-processing-worker: the stream `emotions` into raw events and daily sums, each event once.
#pragma once

#include "services/service.h"

extern const struct service emotion_processing_worker;
