// SPDX-License-Identifier: Apache-2.0
// The calls that the scenarios make. Each answers k6's response; `name` is what the figures go by.
// The counters tell load/check_counts.py what must be in PostgreSQL afterwards.
import http from 'k6/http';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import { internalKey, url } from './system.js';

// Sent is counted before the answer: what was sent and neither accepted nor refused (no answer, an
// answer of 5xx, a run that was cut off in between) may be stored or not.
const sent = { emotion: new Counter('emotions_sent'), transaction: new Counter('transactions_sent') };
const accepted = {
    emotion: new Counter('emotions_accepted'),
    transaction: new Counter('transactions_accepted'),
};
const refused = {
    emotion: new Counter('emotions_refused'),
    transaction: new Counter('transactions_refused'),
};

function call(method, name, path, body, headers, expected, tags) {
    return http.request(method, url + path, body === null ? null : JSON.stringify(body), {
        headers: Object.assign(
            { 'X-Request-ID': `k6-${exec.vu.idInTest}-${exec.vu.iterationInInstance}` },
            body === null ? {} : { 'Content-Type': 'application/json' },
            headers,
        ),
        tags: Object.assign({ name }, tags),
        responseCallback: http.expectedStatuses(...expected),
        timeout: '15s',
    });
}

function bearer(person) {
    return { Authorization: `Bearer ${person.token}` };
}

function event(name, path, body, headers, tags) {
    sent[name].add(1);
    const response = call('POST', name, path, body, headers, [202], tags);
    if (response.status === 202) {
        accepted[name].add(1);
    } else if (response.status >= 400 && response.status < 500) {
        refused[name].add(1);
    }
    return response;
}

// A member of a JSON answer, or undefined when the answer is something else.
export function member(response, path) {
    try {
        return response.json(path);
    } catch (error) {
        return undefined;
    }
}

export function register(email, password) {
    const body = { email, password, consents: { emotional_data: true } };
    return call('POST', 'register', '/v1/auth/register', body, {}, [201]);
}

export function login(email, password) {
    return call('POST', 'login', '/v1/auth/login', { email, password }, {}, [200]);
}

export function sendEmotion(person, tags) {
    const body = {
        userId: person.userId,
        timestamp: new Date().toISOString(),
        emotionEvent: {
            type: 'joy',
            metrics: {
                positivity: Math.random(),
                intensity: Math.random(),
                stress_level: Math.random() * 0.8,
            },
        },
    };
    return event('emotion', '/v1/emotions/stream', body, { 'X-Internal-Key': internalKey }, tags);
}

export function sendTransaction(person, tags) {
    const body = { userId: person.userId, amount: Math.round(100 + Math.random() * 50000) / 100 };
    return event('transaction', '/v1/transactions', body, bearer(person), tags);
}

export function analyse(person, tags) {
    const path = `/v1/users/${person.userId}/credit-analysis`;
    return call('POST', 'analysis', path, null, bearer(person), [200], tags);
}

// 202 while it is being processed, 200 once the offer is active.
export function accept(person, offerId) {
    const path = `/v1/credit-offers/${offerId}/accept`;
    return call('POST', 'accept', path, { userId: person.userId }, bearer(person), [200, 202]);
}

export function offers(person, tags) {
    const path = `/v1/users/${person.userId}/offers?page=1&page_size=10`;
    return call('GET', 'offers', path, null, bearer(person), [200], tags);
}

export function profile(person, tags) {
    return call('GET', 'profile', `/v1/users/${person.userId}`, null, bearer(person), [200], tags);
}
