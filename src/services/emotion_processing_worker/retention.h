// SPDX-License-Identifier: Apache-2.0
// Retention: raw emotion events have a table for each day, made some days ahead and dropped when
// the day began EMOTION_RETENTION_DAYS ago. The daily sums stay.
#pragma once

#include "services/service.h"

struct retention;

// Looks at once, and then once a minute. NULL with one line in `error`.
struct retention *retention_start(const struct service_environment *environment,
                                  char error[static SERVICE_ERROR_SIZE]);
void retention_stop(struct retention **retention);
