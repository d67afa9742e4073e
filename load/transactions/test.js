// SPDX-License-Identifier: Apache-2.0
// One transaction a request at a given rate, each with its person's token.
// LOAD_RATE transactions a second for LOAD_SECONDS.
import { sendTransaction } from '../lib/api.js';
import { makeOptions, onTime, ramp } from '../lib/plan.js';
import { summaryOf } from '../lib/summary.js';
import { setting, somebody } from '../lib/system.js';

const rate = setting('LOAD_RATE', 500, 200);
const seconds = setting('LOAD_SECONDS', 60, 10);
const rows = [{ label: 'POST /v1/transactions', by: 'name:transaction', p95: 50 }];

export const options = makeOptions({ bank: ramp('bank', rate, seconds) }, rows, onTime(rate * seconds));

export function bank() {
    sendTransaction(somebody());
}

export const handleSummary = summaryOf('transactions', rows);
