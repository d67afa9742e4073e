// SPDX-License-Identifier: Apache-2.0
// The system under load and the people who use it, from the environment (load/lib/system.sh says
// which variables) and from sessions.json.
import { SharedArray } from 'k6/data';

export const url = (__ENV.LOAD_URL || 'http://127.0.0.1:9999').replace(/\/+$/, '');
export const internalKey = __ENV.INTERNAL_SERVICE_API_KEY || '';

// [{userId, email, token}], one copy for all virtual users.
export const people = new SharedArray('people', () => {
    const path = __ENV.LOAD_SESSIONS || '../../var/load/sessions.json';
    let text;
    try {
        text = open(path);
    } catch (error) {
        throw new Error(`${path} cannot be read: load/generate_sessions.sh writes it`);
    }
    return JSON.parse(text);
});

// What everything of this set of people is found by afterwards: the start of their emails.
export const tag = people[0].email.replace(/-1@.*/, '');

export function somebody() {
    return people[Math.floor(Math.random() * people.length)];
}

// A number from the environment, or its default in the full or the short form.
export function setting(name, full, short) {
    const given = __ENV[name];
    if (given === undefined || given === '') {
        return __ENV.LOAD_SHORT ? short : full;
    }
    const value = Number(given);
    if (!(value > 0)) {
        throw new Error(`${name} must be a number above 0, not ${given}`);
    }
    return value;
}
