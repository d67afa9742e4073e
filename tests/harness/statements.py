# SPDX-License-Identifier: Apache-2.0
"""What a service asks PostgreSQL, and how PostgreSQL goes about it, in the words of its own log."""

import contextlib


@contextlib.contextmanager
def sessions_with(engines, topology, service, role, settings):
    """The service's sessions have these settings; gives the name of its process."""
    process = topology.process_of(service)
    for name, value in settings.items():
        engines.as_superuser(f"ALTER ROLE {role} SET {name} = '{value}'")
    topology.restart(process)
    yield process
    engines.as_superuser(f"ALTER ROLE {role} RESET ALL")
    topology.restart(process)


def statements_logged(engines, topology, service, role):
    """The service's statements go to the log, without their parameters."""
    settings = {"log_statement": "all", "log_parameter_max_length": 0}
    return sessions_with(engines, topology, service, role, settings)


def plans_logged(engines, topology, service, role, **settings):
    """The plan of each statement goes to the log when it has run."""
    explained = {"session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": 0}
    return sessions_with(engines, topology, service, role, {**explained, **settings})
