# SPDX-License-Identifier: Apache-2.0
"""Synthetic people with outcomes: the data that the risk model is trained on.

No real person's data is used. Every assumption stands here, as a figure with its reason;
models/risk.md repeats them in words. Nothing about age, sex, origin, place or name exists, so
nothing can depend on it.
"""

import numpy as np

FEATURES = [
    "transaction_count_30d",
    "avg_transaction_value_30d",
    "avg_positivity_7d",
    "stress_events_30d",
]

GENERATOR_VERSION = 1

# Shares of people for whom something is not known; drawn without a look at the outcome.
NO_CONSENT = 0.40  # nothing emotional is known
NO_RECENT_EMOTIONS = 0.08  # stress of the month is known, but no event in the last seven days
NO_BANK_ACCOUNT = 0.03  # no account is connected: nothing of transactions is known
NEW_ACCOUNT = 0.10  # connected only days ago: none or few transactions yet

# Log-odds of default of the average person, and what moves them.
BASE = -1.72
TRANSACTIONS = -0.55  # a unit of log(1 + count): an active account shows income and habit
VALUE = -0.50  # a unit of log(1 + average value): more means to repay
VALUE_EVIDENCE = 6.0  # an average over n transactions counts n / (n + this)
POSITIVITY = -2.2  # from 0 to 1
STRESS = 0.90  # a unit of log(1 + stress events / 4): a few are life, many weigh
HARDSHIP = 0.5  # standard deviation of what no feature shows (illness, loss of work, luck)

# Where each feature is neutral: near the median person.
NEUTRAL_COUNT, NEUTRAL_VALUE, NEUTRAL_POSITIVITY, NEUTRAL_STRESS = 20.0, 55.0, 0.57, 3.0


def log_odds(count, value, positivity, stress):
    """The assumed log-odds of default within a year, before hardship."""
    evidence = count / (count + VALUE_EVIDENCE)
    return (
        BASE
        + TRANSACTIONS * (np.log1p(count) - np.log1p(NEUTRAL_COUNT))
        + VALUE * evidence * (np.log1p(value) - np.log1p(NEUTRAL_VALUE))
        + POSITIVITY * (positivity - NEUTRAL_POSITIVITY)
        + STRESS * (np.log1p(stress / 4) - np.log1p(NEUTRAL_STRESS / 4))
    )


def _transactions(random, people, stability):
    """Counts and average values: more of both with a steadier income, and much chance."""
    rate = np.exp(3.0 + 0.45 * stability + 0.6 * random.standard_normal(people))
    newcomer = random.random(people) < NEW_ACCOUNT
    rate = np.where(newcomer, random.exponential(1.0, people), rate)
    count = random.poisson(rate).astype(np.float64)
    spread = 0.6 / np.sqrt(np.maximum(count, 1.0)) + 0.5
    value = np.exp(4.0 + 0.45 * stability + spread * random.standard_normal(people))
    return count, np.round(value, 2)


def _emotions(random, people, wellbeing):
    """Average positivity of a week and stress events of a month, both from one wellbeing."""
    mean = 1.0 / (1.0 + np.exp(-(0.3 + 0.75 * wellbeing)))
    precision = 12.0
    positivity = random.beta(mean * precision, (1.0 - mean) * precision)
    rate = np.exp(1.2 - 0.6 * wellbeing + 0.8 * random.standard_normal(people))
    return positivity, random.poisson(rate).astype(np.float64)


def _hide(random, people, features):
    """Makes unknown what would be unknown, whatever the outcome."""
    count, value, positivity, stress = features.T
    none = count == 0
    # An average of nothing is missing; some senders write it as 0.
    value[none] = np.where(random.random(people)[none] < 0.3, 0.0, np.nan)
    no_bank = random.random(people) < NO_BANK_ACCOUNT
    count[no_bank] = np.nan
    value[no_bank] = np.nan
    no_consent = random.random(people) < NO_CONSENT
    positivity[no_consent | (random.random(people) < NO_RECENT_EMOTIONS)] = np.nan
    stress[no_consent] = np.nan


def generate(people, seed):
    """Returns features (one row a person, NaN where unknown) and whether each one defaulted."""
    random = np.random.Generator(np.random.PCG64(seed))
    stability = random.standard_normal(people)
    wellbeing = 0.3 * stability + np.sqrt(1 - 0.3**2) * random.standard_normal(people)
    count, value = _transactions(random, people, stability)
    positivity, stress = _emotions(random, people, wellbeing)
    odds = log_odds(count, value, positivity, stress)
    odds += HARDSHIP * random.standard_normal(people)
    defaulted = random.random(people) < 1.0 / (1.0 + np.exp(-odds))
    features = np.column_stack([count, value, positivity, stress])
    _hide(random, people, features)
    return features.astype(np.float32), defaulted.astype(np.float32)
