// SPDX-License-Identifier: Apache-2.0
// Retention: raw emotion events older than EMOTION_RETENTION_DAYS are removed, a few at a time. The
// daily sums stay.
#pragma once

#include "services/service.h"

struct retention;

// Starts looking, now and then once a minute. NULL with one line in `error`.
struct retention *retention_start(const struct service_environment *environment,
                                  char error[static SERVICE_ERROR_SIZE]);
void retention_stop(struct retention **retention);
