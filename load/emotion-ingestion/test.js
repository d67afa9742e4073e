// SPDX-License-Identifier: Apache-2.0
// One emotion a request at a given rate: each 202 stands for an event on the broker's disk.
// LOAD_RATE events a second for LOAD_SECONDS.
import { sendEmotion } from '../lib/api.js';
import { makeOptions, onTime, ramp } from '../lib/plan.js';
import { summaryOf } from '../lib/summary.js';
import { setting, somebody } from '../lib/system.js';

const rate = setting('LOAD_RATE', 500, 200);
const seconds = setting('LOAD_SECONDS', 60, 10);
const rows = [{ label: 'POST /v1/emotions/stream', by: 'name:emotion', p95: 50 }];

export const options = makeOptions({ stream: ramp('stream', rate, seconds) }, rows, onTime(rate * seconds));

export function stream() {
    sendEmotion(somebody());
}

export const handleSummary = summaryOf('emotion-ingestion', rows);
