# SPDX-License-Identifier: Apache-2.0
"""What a service asks PostgreSQL, in the words of PostgreSQL's own log."""

import contextlib


@contextlib.contextmanager
def statements_logged(engines, topology, service, role):
    """The service's statements go to the log, without their parameters; gives the name of its process."""
    process = topology.process_of(service)
    engines.as_superuser(f"ALTER ROLE {role} SET log_statement = 'all'")
    engines.as_superuser(f"ALTER ROLE {role} SET log_parameter_max_length = 0")
    topology.restart(process)
    yield process
    engines.as_superuser(f"ALTER ROLE {role} RESET ALL")
    topology.restart(process)
