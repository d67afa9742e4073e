// SPDX-License-Identifier: Apache-2.0
// A moderate mix for a long time: what grows, leaks or fills up shows as a last third that is slower
// than the first. LOAD_RATE emotions a second, and with them fewer transactions, analyses and looks at
// the profile, for LOAD_SECONDS (at most 50 minutes: tokens last an hour).
import exec from 'k6/execution';
import * as api from '../lib/api.js';
import { makeOptions, onTime, steady } from '../lib/plan.js';
import { summaryOf } from '../lib/summary.js';
import { setting, somebody } from '../lib/system.js';

const rate = setting('LOAD_RATE', 50, 50);
const seconds = setting('LOAD_SECONDS', 1800, 15);
if (seconds > 3000) {
    throw new Error('LOAD_SECONDS above 3000: the tokens of sessions.json would end before the run');
}

const rows = [
    { label: 'emotion', by: 'name:emotion', p95: 50 },
    { label: 'transaction', by: 'name:transaction', p95: 50 },
    { label: 'credit analysis', by: 'name:analysis', p95: 250 },
    { label: 'profile', by: 'name:profile', p95: 250 },
    { label: 'all, first third', by: 'third:first', p95: 100 },
    { label: 'all, last third', by: 'third:last', p95: 100 },
];

export const options = makeOptions(
    {
        app: steady('app', rate, seconds),
        bank: steady('bank', rate / 2, seconds),
        people: steady('person', rate / 25, seconds),
    },
    rows,
    onTime(rate * 1.5 * seconds),
);

function third() {
    return { third: ['first', 'middle', 'last'][Math.min(2, Math.floor(exec.scenario.progress * 3))] };
}

export function app() {
    api.sendEmotion(somebody(), third());
}

export function bank() {
    api.sendTransaction(somebody(), third());
}

export function person() {
    const who = somebody();
    api.analyse(who, third());
    api.profile(who, third());
}

function notes(data) {
    const of = (part, stat) => data.metrics[`http_req_duration{third:${part}}`].values[stat];
    const times = (stat) => (of('last', stat) / of('first', stat)).toFixed(2);
    return [`last third against the first: median ${times('med')} times, p95 ${times('p(95)')} times`];
}

export const handleSummary = summaryOf('soak', rows, notes);
