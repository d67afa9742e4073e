// SPDX-License-Identifier: Apache-2.0
// Ten times the usual traffic at once, and back: how much slower it becomes, that nothing that was
// taken is lost, and that it is as quick afterwards as it was before. LOAD_RATE is the usual rate of
// emotions a second (LOAD_FACTOR times that in the spike), LOAD_SECONDS all three parts together.
import { analyse, sendEmotion } from '../lib/api.js';
import { makeOptions, steady } from '../lib/plan.js';
import { summaryOf } from '../lib/summary.js';
import { setting, somebody } from '../lib/system.js';

const rate = setting('LOAD_RATE', 100, 50);
const factor = setting('LOAD_FACTOR', 10, 10);
const part = Math.ceil(setting('LOAD_SECONDS', 60, 12) / 3);

const rows = [
    { label: `before: ${rate} a second`, by: 'scenario:before', p95: 50 },
    { label: `spike: ${rate * factor} a second`, by: 'scenario:spike', p95: 1000, failed: 0.01 },
    { label: `after: ${rate} a second`, by: 'scenario:after', p95: 50 },
    { label: 'analyses throughout', by: 'name:analysis', p95: 1000, failed: 0.01 },
];

export const options = makeOptions(
    {
        before: steady('stream', rate, part),
        spike: steady('stream', rate * factor, part, { startTime: `${part}s` }),
        // A second later, so that what the spike left waiting counts as the spike's.
        after: steady('stream', rate, part, { startTime: `${2 * part + 1}s` }),
        people: steady('ask', 5, 3 * part + 1),
    },
    rows,
    // In the spike a late start is what happens; before and after it must not.
    {
        'dropped_iterations{scenario:before}': ['count<=1'],
        'dropped_iterations{scenario:after}': ['count<=1'],
    },
);

export function stream() {
    sendEmotion(somebody());
}

export function ask() {
    analyse(somebody());
}

function notes(data) {
    const median = (name) => data.metrics[`http_req_duration{scenario:${name}}`].values.med;
    const times = (name) => (median(name) / median('before')).toFixed(2);
    return [`median against before: spike ${times('spike')} times, after ${times('after')} times`];
}

export const handleSummary = summaryOf('spike', rows, notes);
