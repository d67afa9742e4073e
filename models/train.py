#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the risk model and writes models/risk.json: the same program gives the same bytes.

Usage: models/train.py [OUTPUT]
It needs Debian's python3-numpy and python3-xgboost, and takes some seconds.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import xgboost

from people import FEATURES, GENERATOR_VERSION, generate

SEED = 20261101
PEOPLE = 200_000  # the last fifth is held out for validation
ROUNDS = 120
PARAMETERS = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 3,
    "eta": 0.12,
    "min_child_weight": 40,
    "lambda": 4.0,
    "max_bin": 128,
    # In the order of FEATURES: more transactions, higher values and more positivity never raise the
    # risk; more stress never lowers it.
    "monotone_constraints": "(-1,-1,-1,1)",
    "seed": SEED,
    "nthread": 1,
}

nan = np.nan
EXAMPLES = [
    ("steady: many transactions, calm", [45, 120.0, 0.75, 1]),
    ("steady, without consent", [45, 120.0, nan, nan]),
    ("average person", [20, 55.0, 0.57, 3]),
    ("average, without consent", [20, 55.0, nan, nan]),
    ("average, very stressed", [20, 55.0, 0.25, 25]),
    ("few transactions, calm", [4, 40.0, 0.65, 2]),
    ("few transactions, stressed", [4, 30.0, 0.25, 20]),
    ("no transactions, stressed", [0, nan, 0.15, 30]),
    ("one large deposit, nothing else", [1, 2500.0, nan, nan]),
    ("new: nothing at all yet", [0, nan, nan, nan]),
    ("nothing known, not even a bank", [nan, nan, nan, nan]),
]


def version_of(features, outcomes):
    """The model's name: the same for the same parameters and data, another for any other."""
    text = json.dumps([PARAMETERS, ROUNDS, GENERATOR_VERSION, FEATURES], sort_keys=True)
    digest = hashlib.sha256(text.encode() + features.tobytes() + outcomes.tobytes())
    return f"risk-2026.11-{digest.hexdigest()[:8]}"


def matrix(features, outcomes=None):
    return xgboost.DMatrix(features, label=outcomes, feature_names=FEATURES, nthread=1)


def train(features, outcomes):
    parameters = dict(PARAMETERS, base_score=float(np.round(outcomes.mean(), 4)))
    booster = xgboost.train(parameters, matrix(features, outcomes), num_boost_round=ROUNDS)
    booster.set_attr(model_version=version_of(features, outcomes))
    return booster


def area_under_curve(scores, outcomes):
    """The chance that someone who defaults scores above someone who does not (ties count half)."""
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2.0)[group]
    positives = outcomes.sum()
    negatives = len(outcomes) - positives
    return (ranks[outcomes == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)


def print_quality(scores, outcomes):
    scores = scores.astype(np.float64)
    loss = -np.mean(outcomes * np.log(scores) + (1 - outcomes) * np.log1p(-scores))
    print(f"base rate   {outcomes.mean():.4f}")
    print(f"AUC         {area_under_curve(scores, outcomes):.4f}")
    print(f"log loss    {loss:.4f}")
    print(f"Brier score {np.mean((scores - outcomes) ** 2):.4f}")
    print("\ndecile    people  mean score  defaulted")
    for number, part in enumerate(np.array_split(np.argsort(scores, kind="stable"), 10), 1):
        mean, rate = scores[part].mean(), outcomes[part].mean()
        print(f"{number:6d} {len(part):9d} {mean:11.4f} {rate:10.4f}")


def print_missing(scores, outcomes, features):
    """Nothing emotional known must by itself be neither punished nor rewarded."""
    for name, rows in (("known", ~np.isnan(features[:, 3])), ("unknown", np.isnan(features[:, 3]))):
        mean, rate = scores[rows].mean(), outcomes[rows].mean()
        print(f"emotions {name:8s} {rows.sum():7d} {mean:8.4f} {rate:8.4f}")


def check_monotone(booster, features):
    """Walks every feature of 2,000 people over its range; one wrong step ends the program."""
    signs = (-1, -1, -1, 1)
    grids = (
        np.arange(0, 150),
        np.geomspace(0.01, 1e5, 150),
        np.linspace(0, 1, 150),
        np.arange(0, 150),
    )
    for column, (sign, grid) in enumerate(zip(signs, grids)):
        walks = np.repeat(features[:2000], len(grid), axis=0)
        walks[:, column] = np.tile(grid, 2000)
        scores = booster.predict(matrix(walks)).reshape(2000, len(grid))
        wrong = int((np.diff(scores, axis=1) * sign < 0).sum())
        print(f"{FEATURES[column]:28s} wrong steps: {wrong}")
        if wrong > 0:
            sys.exit("the model is not monotone")


def print_examples(booster):
    scores = booster.predict(matrix(np.array([row for _, row in EXAMPLES], dtype=np.float32)))
    for (name, row), score in zip(EXAMPLES, scores):
        if score > 0.6:
            outcome = "denied"
        else:
            outcome = "long term" if score <= 0.3 else "short term"
        values = " ".join(f"{value:8g}" for value in row)
        print(f"{name:34s} {values}   {score:.3f}  {outcome}")


def main():
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "risk.json"
    features, outcomes = generate(PEOPLE, SEED)
    kept = PEOPLE * 4 // 5
    booster = train(features[:kept], outcomes[:kept])
    held_out = features[kept:], outcomes[kept:]
    scores = booster.predict(matrix(held_out[0]))

    print(f"model       {booster.attr('model_version')}\n\nheld-out people: {PEOPLE - kept}")
    print_quality(scores, held_out[1])
    print("\n                   people    score defaulted")
    print_missing(scores, held_out[1], held_out[0])
    long_term, denied = (scores <= 0.3).mean(), (scores > 0.6).mean()
    print(f"\nlong term {long_term:.3f}, short term {1 - long_term - denied:.3f}", end="")
    print(f", denied {denied:.3f}\n")
    check_monotone(booster, held_out[0])
    print()
    print_examples(booster)
    booster.save_model(output)


if __name__ == "__main__":
    main()
