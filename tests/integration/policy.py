# SPDX-License-Identifier: Apache-2.0
"""The credit policy worked out again, in exact decimals, to compare answers with."""

import json
from decimal import ROUND_HALF_UP, Decimal

from harness.engines import ROOT

POLICY = json.loads((ROOT / "config" / "policy.json").read_text(), parse_float=Decimal)
CENT = Decimal("0.01")


def expected_terms(score):
    """(approved, limit, rate, type) for a score."""
    if score > POLICY["deny_above"]:
        return False, None, None, None
    limit = max(POLICY["minimum_limit"], (1 - score) * POLICY["base_limit"]).quantize(CENT, ROUND_HALF_UP)
    rate = (POLICY["base_rate"] + score * POLICY["rate_per_risk"]).quantize(CENT, ROUND_HALF_UP)
    length = "LONG" if score <= POLICY["long_term_up_to"] else "SHORT"
    return True, limit, rate, f"{length}_TERM_PERSONAL_LOAN"
