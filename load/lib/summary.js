// SPDX-License-Identifier: Apache-2.0
// What a run ends with: a table that a person reads, and one JSON file in LOAD_RESULTS with every
// figure and with what load/check_counts.py compares with PostgreSQL.
import { durationOf, failedOf, requestsOf } from './plan.js';
import { tag, url } from './system.js';

const COUNTERS = [
    'emotions_sent',
    'emotions_accepted',
    'emotions_refused',
    'transactions_sent',
    'transactions_accepted',
    'transactions_refused',
    'acceptances_sent',
    'offers_activated',
];

function values(data, metric) {
    return data.metrics[metric] ? data.metrics[metric].values : {};
}

function milliseconds(value) {
    return value === undefined ? '-' : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function table(lines) {
    const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
    return lines.map((line) =>
        line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    );
}

function figures(data, rows) {
    const lines = [['', 'requests', 'failed', 'median ms', 'p95 ms', 'p99 ms', 'max ms']];
    for (const { label, by } of rows) {
        const time = values(data, durationOf(by));
        const failed = values(data, failedOf(by));
        lines.push([
            label,
            String(values(data, requestsOf(by)).count || 0),
            String(failed.passes || 0),
            ...['med', 'p(95)', 'p(99)', 'max'].map((stat) => milliseconds(time.count ? time[stat] : undefined)),
        ]);
    }
    return table(lines);
}

// Every limit that did not hold, as k6 wrote it, with what was found.
function broken(data) {
    const found = [];
    for (const [metric, { thresholds, values: got }] of Object.entries(data.metrics)) {
        for (const [limit, { ok }] of Object.entries(thresholds || {})) {
            if (!ok) {
                const stat = limit.match(/^[a-z]+(\(\d+\))?/)[0];
                found.push(`  ${metric}: ${limit} does not hold, it is ${got[stat]}`);
            }
        }
    }
    return found;
}

function counted(data) {
    const result = {};
    for (const name of COUNTERS) {
        result[name] = values(data, name).count || 0;
    }
    return result;
}

// The handleSummary of a scenario; `notes(data)` may add lines of its own.
export function summaryOf(scenario, rows, notes = () => []) {
    return (data) => {
        const seconds = data.state.testRunDurationMs / 1000;
        const total = values(data, 'http_reqs').count || 0;
        const missed = values(data, 'dropped_iterations').count || 0;
        const wrong = broken(data);
        const lines = [
            '',
            `${scenario}: ${total} requests in ${seconds.toFixed(0)} s to ${url}, ` +
                `${(total / seconds).toFixed(0)} a second; ${missed} not started on time`,
            ...figures(data, rows),
            ...notes(data),
            wrong.length ? `${scenario}: FAILED` : `${scenario}: every limit held`,
            ...wrong,
            '',
        ];
        const output = { stdout: lines.join('\n') };
        if (__ENV.LOAD_RESULTS) {
            const result = { scenario, tag, passed: wrong.length === 0, seconds, counted: counted(data), metrics: data.metrics };
            output[`${__ENV.LOAD_RESULTS}/${scenario}-${Date.now()}.json`] = JSON.stringify(result, null, 1);
        }
        return output;
    };
}
