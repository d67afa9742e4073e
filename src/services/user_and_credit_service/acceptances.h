// SPDX-License-Identifier: Apache-2.0
// Accepted offers on their way to the stream `credits`.
#pragma once

#include "platform/outbox.h"

extern const struct outbox_spec acceptances_outbox;
