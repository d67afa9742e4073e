// SPDX-License-Identifier: Apache-2.0
// transaction-processing-worker: the stream `transactions` into rows, each transaction once.
#pragma once

#include "services/service.h"

extern const struct service transaction_processing_worker;
