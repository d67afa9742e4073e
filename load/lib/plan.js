// SPDX-License-Identifier: Apache-2.0
// From the rows of a scenario's table to k6's options: what is measured is also held to a limit, and
// a limit that does not hold fails the run. A row is {label, by, p95, failed}: `by` a tag such as
// `name:emotion`, `p95` in ms, `failed` the share of requests that may fail (0.001).
import { setting } from './system.js';

export const durationOf = (by) => `http_req_duration{${by}}`;
export const failedOf = (by) => `http_req_failed{${by}}`;
export const requestsOf = (by) => `http_reqs{${by}}`;

export function makeOptions(scenarios, rows, further) {
    const patience = setting('LOAD_PATIENCE', 1, 1);
    const thresholds = Object.assign({}, further);
    for (const { by, p95, failed = 0.001 } of rows) {
        thresholds[durationOf(by)] = [`p(95)<${p95 * patience}`];
        thresholds[failedOf(by)] = [`rate<${failed}`];
        thresholds[requestsOf(by)] = ['count>0'];
    }
    return {
        scenarios,
        thresholds,
        insecureSkipTLSVerify: Boolean(__ENV.LOAD_INSECURE),
        summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
        userAgent: 'ecs-load',
    };
}

// `rate` iterations a second, started on time whether or not the earlier ones have ended: a system
// that slows down is not spared by a generator that waits for it. The graceful stop lets requests that
// are under way at the end be answered and counted.
export function steady(exec, rate, seconds, more) {
    return Object.assign(
        {
            executor: 'constant-arrival-rate',
            exec,
            rate: Math.round(rate * 60),
            timeUnit: '1m',
            duration: `${seconds}s`,
            preAllocatedVUs: Math.min(100, Math.ceil(rate / 10) + 5),
            maxVUs: Math.min(1000, Math.ceil(rate) + 20),
            gracefulStop: '20s',
        },
        more,
    );
}

// Up to the rate within a fifth of the time, held, and down again within a tenth.
export function ramp(exec, rate, seconds) {
    return {
        executor: 'ramping-arrival-rate',
        exec,
        startRate: 1,
        timeUnit: '1s',
        stages: [
            { target: Math.round(rate), duration: `${Math.ceil(seconds * 0.2)}s` },
            { target: Math.round(rate), duration: `${Math.ceil(seconds * 0.7)}s` },
            { target: 1, duration: `${Math.ceil(seconds * 0.1)}s` },
        ],
        preAllocatedVUs: Math.min(100, Math.ceil(rate / 10) + 5),
        maxVUs: Math.min(1000, Math.ceil(rate) + 20),
        gracefulStop: '20s',
    };
}

// Iterations that could not be started on time, because no virtual user was free: one in a hundred.
export function onTime(iterations) {
    return { dropped_iterations: [`count<=${Math.ceil(iterations / 100)}`] };
}
