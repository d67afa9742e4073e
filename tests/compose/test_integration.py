# SPDX-License-Identifier: Apache-2.0
"""The integration tests of what people and senders see, against testing mode: through the load balancer,
with the engines reached from this host."""

import os
import subprocess

from stack import ROOT

MODE = "testing"
FILES = [
    "test_accounts.py", "test_consents.py", "test_credit_analysis.py", "test_emotions.py", "test_flow.py", "test_identity.py",
    "test_offers.py", "test_sql_examples.py", "test_transactions.py",
]  # fmt: skip
# The load balancer names an event that has no id by a key, so its id is not one of time.
OTHERWISE = "not grows_with_time"


def write_external(stack):
    """The system's addresses as they are seen from this host."""
    secret = lambda name: (stack.secrets / name).read_text()  # noqa: E731
    roles = ["user_credit", "emotion_worker", "transaction_worker", "credit_worker", "reviewer"]
    at_home = lambda url: url.replace("postgres:5432", f"127.0.0.1:{stack.ports['POSTGRES']}")  # noqa: E731
    values = {
        "API_URL": stack.url,
        "INTERNAL_SERVICE_API_KEY": stack.internal_key,
        "SECRET_KEY": secret("secret_key"),
        "DATABASE_URL": at_home(secret("database_url")),
        **{f"{role.upper()}_DATABASE_URL": at_home(secret(f"{role}_database_url")) for role in roles},
        "NATS_URL": secret("nats_url").replace("nats:4222", f"127.0.0.1:{stack.ports['NATS']}"),
        "REDIS_URL": secret("redis_url").replace("redis:6379", f"127.0.0.1:{stack.ports['REDIS']}"),
    }
    file = stack.folder / "external"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return file


def test_the_integration_tests_pass_against_testing_mode(stack):
    files = [str(ROOT / "tests" / "integration" / name) for name in FILES]
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pytest", "-q", "--tb=short", "-rs", "-p", "no:cacheprovider", "-k", OTHERWISE, *files], cwd=ROOT,
        env=dict(os.environ, ECS_EXTERNAL=str(write_external(stack))), capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    print(done.stdout[-6000:])
    assert done.returncode == 0, done.stdout[-20000:]
    assert " passed" in done.stdout
