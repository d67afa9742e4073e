// SPDX-License-Identifier: Apache-2.0
// transaction-service: takes a person's transactions and makes them durable.
#pragma once

#include "services/service.h"

extern const struct service transaction_service;
