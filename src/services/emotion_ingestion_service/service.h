// SPDX-License-Identifier: Apache-2.0
// emotion-ingestion-service: takes emotion events from trusted senders and makes them durable.
#pragma once

#include "services/service.h"

extern const struct service emotion_ingestion_service;
