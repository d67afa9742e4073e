#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# erase-again.sh <erasures.txt: after a restore, before the services start. Erases whoever was erased since the
# backup: standard input is what `\copy erasures TO pstdout` wrote. See docs/operations.md.
set -euo pipefail

{
    echo 'CREATE TEMP TABLE erased (LIKE erasures);'
    echo 'COPY erased FROM STDIN;'
    cat
    echo '\.'
    echo 'INSERT INTO erasures SELECT * FROM erased ON CONFLICT DO NOTHING;'
    # One transaction each: a person takes locks.
    echo "SELECT format('SELECT erase_person(%L)', id) FROM users WHERE id IN (SELECT user_id FROM erased) \\gexec"
} | docker-compose exec -T postgres psql -U postgres -d ecs -q -t -v ON_ERROR_STOP=1
