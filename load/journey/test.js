// SPDX-License-Identifier: Apache-2.0
// A person's whole way: register, log in, a few emotions and transactions, a credit analysis, accept
// the offer, wait until it is active, and see it in the list of offers and in the profile.
// LOAD_RATE people a second for LOAD_SECONDS. Registration and login hash a password, on purpose
// slowly: a rate beyond what PASSWORD_WORKERS can hash measures the hashing.
import exec from 'k6/execution';
import { check, sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';
import * as api from '../lib/api.js';
import { makeOptions, onTime, steady } from '../lib/plan.js';
import { summaryOf } from '../lib/summary.js';
import { setting, tag } from '../lib/system.js';

const ACTIVE_WITHIN_MS = 10000;
const EMOTIONS = 3;
const TRANSACTIONS = 5;

const rate = setting('LOAD_RATE', 3, 2);
const seconds = setting('LOAD_SECONDS', 60, 10);
// The names of two runs with the same sessions must not clash.
const run = Date.now().toString(36);

const completed = new Rate('journeys_completed');
const approved = new Counter('analyses_approved');
const denied = new Counter('analyses_denied');
const activated = new Counter('offers_activated');
const asked = new Counter('acceptances_sent');
const activation = new Trend('activation_ms');

const rows = [
    { label: 'register', by: 'name:register', p95: 1000 },
    { label: 'log in', by: 'name:login', p95: 1000 },
    { label: 'emotion', by: 'name:emotion', p95: 100 },
    { label: 'transaction', by: 'name:transaction', p95: 100 },
    { label: 'credit analysis', by: 'name:analysis', p95: 250 },
    { label: 'accept, and ask again', by: 'name:accept', p95: 250 },
    { label: 'list of offers', by: 'name:offers', p95: 250 },
    { label: 'profile', by: 'name:profile', p95: 250 },
];

export const options = makeOptions(
    { people: steady('journey', rate, seconds, { preAllocatedVUs: 20, maxVUs: 200, gracefulStop: '30s' }) },
    rows,
    Object.assign(onTime(rate * seconds), {
        checks: ['rate>0.999'],
        journeys_completed: ['rate>0.999'],
        offers_activated: ['count>0'],
        activation_ms: [`p(95)<${2000 * setting('LOAD_PATIENCE', 1, 1)}`],
    }),
);

function arrive() {
    const number = exec.scenario.iterationInTest;
    const email = `${tag}-journey-${run}-${number}@example.com`;
    const password = `pass phrase ${run} ${number}`;
    const registered = api.register(email, password);
    const logged = registered.status === 201 ? api.login(email, password) : registered;
    if (!check(logged, { 'is registered and logged in': (answer) => answer.status === 200 })) {
        return null;
    }
    return { userId: api.member(registered, 'id'), email, token: api.member(logged, 'access_token') };
}

function live(person) {
    let taken = true;
    for (let i = 0; i < EMOTIONS; i++) {
        taken = api.sendEmotion(person).status === 202 && taken;
    }
    for (let i = 0; i < TRANSACTIONS; i++) {
        taken = api.sendTransaction(person).status === 202 && taken;
    }
    return check(taken, { 'every event is taken': (all) => all });
}

// Asks again, as the app does, until the acceptance has become an active credit.
function acceptUntilActive(person, offerId) {
    const begun = Date.now();
    asked.add(1);
    let answer = api.accept(person, offerId);
    while (answer.status === 202 && Date.now() - begun < ACTIVE_WITHIN_MS) {
        sleep(0.1);
        answer = api.accept(person, offerId);
    }
    if (answer.status === 200) {
        activated.add(1);
        activation.add(Date.now() - begun);
    }
    return check(answer, { 'the offer becomes active': (last) => last.status === 200 });
}

function sees(person, offer) {
    const items = api.member(api.offers(person), 'items') || [];
    const credit = api.member(api.profile(person), 'current_credit') || {};
    const listed = items.some((item) => item.offer_id === offer.offer_id && item.status === 'active');
    return check(null, {
        'the active offer is listed': () => listed,
        'the profile shows its limit': () => Number(credit.limit) === Number(offer.credit_limit),
    });
}

function borrow(person) {
    const answer = api.analyse(person);
    if (!check(answer, { 'the analysis is answered': (got) => got.status === 200 })) {
        return false;
    }
    if (!api.member(answer, 'approved')) {
        denied.add(1);
        return true;
    }
    approved.add(1);
    const offer = api.member(answer, 'offer');
    return acceptUntilActive(person, offer.offer_id) && sees(person, offer);
}

export function journey() {
    const person = arrive();
    completed.add(person !== null && live(person) && borrow(person));
}

function notes(data) {
    const got = (name) => (data.metrics[name] ? data.metrics[name].values : {});
    const time = got('activation_ms');
    const way = got('journeys_completed');
    return [
        `journeys: ${way.passes || 0} complete, ${way.fails || 0} not; analyses: ` +
            `${got('analyses_approved').count || 0} approved, ${got('analyses_denied').count || 0} denied`,
        `from acceptance to active: median ${(time.med || 0).toFixed(0)} ms, p95 ${(time['p(95)'] || 0).toFixed(0)} ms`,
    ];
}

export const handleSummary = summaryOf('journey', rows, notes);
