#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# engines.sh up|watch|down|status: private PostgreSQL, NATS and Redis of this machine under var/, on
# loopback and free ports, with secrets of their own. `up` may be repeated: it starts what does not
# run, and a NATS that hangs, and writes var/env. `watch` goes on starting it until `down`. VAR_DIR moves var/.
# NATS_STORE_MAX_BYTES, at the first start, lets NATS store more or less than 8 GiB at most.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

postgres_bin=/usr/lib/postgresql/15/bin
roles=(ecs_user_credit ecs_emotion_worker ecs_transaction_worker ecs_credit_worker ecs_reviewer)

# ---- where the data lies, and whose it is

# As root the engines run as `postgres`, which PostgreSQL insists on; a var/ that this user cannot
# reach (below /root, say) becomes links to /var/lib/ecs.
prepare_folders() {
    mkdir -p "$var"/{log,run,secrets}
    chmod 700 "$var/secrets"
    var=$(cd "$var" && pwd -P)
    home=$var
    as_engine=()
    if [[ $EUID -eq 0 ]]; then
        as_engine=(setpriv --reuid=postgres --regid=postgres --init-groups)
        if ! "${as_engine[@]}" test -x "$var"; then
            home=/var/lib/ecs/$(printf '%s' "$var" | cksum | cut -d ' ' -f 1)
            [[ -d $home ]] || say "user postgres cannot reach $var: its data goes to $home"
        fi
    fi
    local engine
    for engine in postgres nats redis; do
        if [[ ! -d $home/$engine ]]; then
            mkdir -p "$home/$engine"
            chmod 700 "$home/$engine"
            [[ $EUID -ne 0 ]] || chown postgres:postgres "$home/$engine"
        fi
        [[ $home == "$var" ]] || ln -sfn "$home/$engine" "$var/$engine"
    done
}

# write_private FILE: standard input into a file that only the engines' user can read.
write_private() {
    (umask 077 && cat >"$1")
    [[ $EUID -ne 0 ]] || chown postgres:postgres "$1"
}

# disk_share ENGINE NAME PARTS MOST: bytes, one of so many parts of what was free for the engine's data when this was
# asked first.
disk_share() {
    local file=$var/$1/$2 share
    if [[ ! -s $file ]]; then
        share=$(($(df -Pk "$home/$1" | awk 'NR == 2 { print $4 }') * 1024 / $3))
        echo $((share < $4 ? share : $4)) >"$file"
    fi
    cat "$file"
}

# ---- secrets and ports

# secret NAME: made once, 64 hexadecimal digits.
secret() {
    local file=$var/secrets/$1
    if [[ ! -s $file ]]; then
        (umask 077 && head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$file.new")
        mv "$file.new" "$file"
    fi
    cat "$file"
}

# Keeps the ports of the last time where they are free or our own engine's.
choose_ports() {
    local name engine port
    POSTGRES_PORT='' NATS_PORT='' REDIS_PORT='' METRICS_PORT=''
    [[ ! -r $var/ports ]] || . "$var/ports"
    for name in POSTGRES NATS REDIS METRICS; do
        engine=${name,,}
        [[ $engine != metrics ]] || engine=ecs
        port=${name}_PORT
        if [[ -z ${!port} ]] || ! { pid_of "$engine" >/dev/null || port_is_free "${!port}"; }; then
            printf -v "$port" '%s' "$(free_port)"
        fi
    done
    for name in POSTGRES NATS REDIS METRICS; do
        port=${name}_PORT
        echo "$port=${!port}"
    done >"$var/ports"
}

# ---- PostgreSQL

# Elsewhere first: what is interrupted leaves nothing that looks like a cluster.
postgres_make() {
    local new=$home/postgres/data.new
    [[ ! -e $home/postgres/data ]] || return 0
    say "making the database cluster"
    rm -rf "$new"
    secret postgres | write_private "$home/postgres/password"
    (cd "$home/postgres" && "${as_engine[@]}" "$postgres_bin/initdb" -D "$new" \
        -U postgres --pwfile="$home/postgres/password" --auth=scram-sha-256 \
        --locale=C.UTF-8 --encoding=UTF8 --data-checksums) >>"$var/log/postgres.log" 2>&1 ||
        fail "initdb failed; see $var/log/postgres.log"
    rm -f "$home/postgres/password"
    mv "$new" "$home/postgres/data"
}

# The write-ahead log has segments at hand, as in a database that has run for a while: whenever one has to be
# made, everybody who commits waits for it.
postgres_wal_megabytes() {
    local bytes
    bytes=$(disk_share postgres wal_bytes 8 $((512 << 20)))
    echo $((bytes < 32 << 20 ? 32 : bytes >> 20)) # PostgreSQL takes no less
}

postgres_segments() {
    local megabytes made=$home/postgres/has_segments
    [[ ! -e $made ]] || return 0
    megabytes=$(postgres_wal_megabytes)
    echo "SELECT pg_logical_emit_message(false, 'segment', ''), pg_switch_wal()" \
        "FROM generate_series(1, $((megabytes / 16 - 1))); CHECKPOINT;" | psql_run postgres >/dev/null
    touch "$made"
}

postgres_configure() {
    local wal_megabytes
    wal_megabytes=$(postgres_wal_megabytes)
    write_private "$home/postgres/data/postgresql.auto.conf" <<END
# Written by deploy/local/engines.sh at each start.
listen_addresses = '127.0.0.1'
port = $POSTGRES_PORT
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 60
shared_buffers = '512MB'
work_mem = '8MB'
maintenance_work_mem = '64MB'
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = lz4
min_wal_size = '${wal_megabytes}MB'
max_wal_size = '1GB'
checkpoint_timeout = '15min'
timezone = 'UTC'
log_timezone = 'UTC'
log_error_verbosity = terse # a refused row could be somebody's emotions
END
}

# psql_run DATABASE: standard input as the superuser. The password never stands on a command line.
psql_run() {
    PGPASSFILE=$var/secrets/pgpass psql -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -d "$1" \
        --no-password --no-psqlrc --quiet --tuples-only --no-align -v ON_ERROR_STOP=1
}

postgres_answers() {
    echo 'SELECT 1' | psql_run postgres >/dev/null 2>&1
}

postgres_settled() {
    ! pid_of postgres >/dev/null || postgres_answers
}

# After a crash the old server's children hold the data for a moment longer: tried again then.
postgres_run() {
    local tries=20
    while ((tries-- > 0)); do
        start_process postgres "$postgres_bin/postgres -D $home/postgres/data" \
            env -C "$home/postgres" "${as_engine[@]}" "$postgres_bin/postgres" -D "$home/postgres/data"
        wait_until 60 postgres_settled || fail "postgres does not answer; see $var/log/postgres.log"
        ! pid_of postgres >/dev/null || return 0
        sleep 0.2
    done
    fail "postgres ends at once; see $var/log/postgres.log"
}

# The owner of the tables, and one role for each service and for reviewers; repeated at each start, it changes nothing.
postgres_roles() {
    local role
    {
        for role in ecs "${roles[@]}"; do
            cat <<END
SELECT 'CREATE ROLE $role' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$role') \gexec
ALTER ROLE $role LOGIN PASSWORD '$(secret "$role")';
END
        done
        echo "SELECT 'CREATE DATABASE ecs OWNER ecs'" \
            "WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ecs') \\gexec"
    } | psql_run postgres
}

postgres_start() {
    postgres_make
    postgres_configure
    (umask 077 && echo "127.0.0.1:*:*:postgres:$(secret postgres)" >"$var/secrets/pgpass")
    postgres_run
}

# ---- NATS

# How much JetStream may store.
nats_store_bytes() {
    disk_share nats max_file_store 2 "${NATS_STORE_MAX_BYTES:-$((8 << 30))}"
}

# nats-server 2.10 and later can sync before each acknowledgement; for earlier ones the key is an
# error.
nats_sync_setting() {
    local version
    version=$(nats-server --version | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
    if [[ $(printf '2.10\n%s\n' "$version" | sort -V | head -n 1) == 2.10 ]]; then
        echo '    sync_interval: always'
    fi
}

# Every account has users: without any, the server would let anybody in (CVE-2023-47090).
nats_configure() {
    write_private "$home/nats/nats.conf" <<END
# Written by deploy/local/engines.sh at each start.
listen: "127.0.0.1:$NATS_PORT"
server_name: ecs_local
max_payload: 1MB
jetstream {
    store_dir: "$home/nats/store"
    max_memory_store: 64MB
    max_file_store: $(nats_store_bytes)
$(nats_sync_setting)
}
accounts {
    ECS {
        jetstream: enabled
        users: [{ user: ecs, password: "$(secret nats)" }]
    }
    SYSTEM {
        users: [{ user: system, password: "$(secret nats_system)" }]
    }
}
system_account: SYSTEM
END
}

nats_start() {
    nats_configure
    start_process nats "nats-server -c $home/nats/nats.conf" \
        env -C "$home/nats" "${as_engine[@]}" nats-server -c "$home/nats/nats.conf"
    wait_until 60 nats_answers || fail "nats does not answer; see $var/log/nats.log"
}

nats_answers() {
    local line
    pid_of nats >/dev/null || fail "nats ended at once; see $var/log/nats.log"
    { IFS= read -r -t 2 line <"/dev/tcp/127.0.0.1/$NATS_PORT"; } 2>/dev/null && [[ $line == INFO* ]]
}

# nats-server 2.9 answers nobody any more once its disk was full, also with room again. One that
# does not listen yet is still starting.
nats_hangs() {
    (exec 3<>"/dev/tcp/127.0.0.1/$NATS_PORT") 2>/dev/null || return 1
    ! printf 'CONNECT {"user": "ecs", "pass": "%s", "verbose": false}\r\n%s\r\n%s\r\n\r\n' \
        "$(secret nats)" 'SUB answers 1' 'PUB $JS.API.INFO answers 0' |
        timeout 10 bash -c 'exec 3<>"$0" && cat >&3 && grep -q -m 1 ^MSG <&3' "/dev/tcp/127.0.0.1/$NATS_PORT"
}

# ---- Redis

redis_start() {
    write_private "$home/redis/redis.conf" <<END
# Written by deploy/local/engines.sh at each start. A cache: nothing is kept.
bind 127.0.0.1
port $REDIS_PORT
requirepass $(secret redis)
maxmemory 64mb
maxmemory-policy allkeys-lru
save ""
appendonly no
daemonize no
set-proc-title no
dir "$home/redis"
END
    start_process redis "redis-server $home/redis/redis.conf" \
        env -C "$home/redis" "${as_engine[@]}" redis-server "$home/redis/redis.conf"
    wait_until 30 redis_answers || fail "redis does not answer; see $var/log/redis.log"
}

redis_answers() {
    pid_of redis >/dev/null || fail "redis ended at once; see $var/log/redis.log"
    (exec 3<>"/dev/tcp/127.0.0.1/$REDIS_PORT") 2>/dev/null
}

# ---- what the service and its users read

quoted() {
    printf "'%s'" "${1//\'/\'\\\'\'}"
}

write_env() {
    local host=127.0.0.1:$POSTGRES_PORT listen=${API_GATEWAY_LISTEN:-127.0.0.1:9999}
    (umask 077 && while read -r name value; do
        echo "export $name=$(quoted "$value")"
    done >"$var/env.new") <<END
SECRET_KEY $(secret secret_key)
INTERNAL_SERVICE_API_KEY $(secret internal_key)
DATABASE_URL postgresql://ecs:$(secret ecs)@$host/ecs
USER_CREDIT_DATABASE_URL postgresql://ecs_user_credit:$(secret ecs_user_credit)@$host/ecs
EMOTION_WORKER_DATABASE_URL postgresql://ecs_emotion_worker:$(secret ecs_emotion_worker)@$host/ecs
TRANSACTION_WORKER_DATABASE_URL postgresql://ecs_transaction_worker:$(secret ecs_transaction_worker)@$host/ecs
CREDIT_WORKER_DATABASE_URL postgresql://ecs_credit_worker:$(secret ecs_credit_worker)@$host/ecs
REVIEWER_DATABASE_URL postgresql://ecs_reviewer:$(secret ecs_reviewer)@$host/ecs
NATS_URL nats://ecs:$(secret nats)@127.0.0.1:$NATS_PORT
REDIS_URL redis://:$(secret redis)@127.0.0.1:$REDIS_PORT
STREAM_MAX_BYTES $(stream_bytes)
API_GATEWAY_LISTEN $listen
METRICS_LISTEN 127.0.0.1:$METRICS_PORT
MODEL_PATH $root/models/risk.json
POLICY_PATH $root/config/policy.json
MIGRATIONS_PATH $root/sql/migrations
API_URL http://$listen
END
    mv "$var/env.new" "$var/env"
}

# The five streams together stay below what JetStream may store.
stream_bytes() {
    local share=$(($(nats_store_bytes) / 6))
    echo $((share < 1 << 30 ? share : 1 << 30))
}

# ---- commands

engine_hangs() {
    [[ $1 == nats ]] && nats_hangs && nats_hangs
}

start_engine() {
    local name=$1
    if pid_of "$name" >/dev/null; then
        engine_hangs "$name" || return 0
        say "$name answers nobody; see $var/log/$name.log; starting it again"
        end_process "$name" KILL 5
    elif [[ -e $var/run/$name.pid ]]; then
        say "$name has stopped; see $var/log/$name.log; starting it again"
    fi
    "${name}_start"
}

engines_up() {
    prepare_folders
    choose_ports
    start_engine postgres
    postgres_roles
    postgres_segments
    start_engine nats
    start_engine redis
    write_env
}

# Starts an engine again that was started and not stopped, on its port of last time; where another
# program has that now, `up` is needed.
engine_look() {
    [[ -e $var/run/$1.pid ]] || return 0
    prepare_folders
    [[ $1 != postgres || -e $home/postgres/data ]] || fail "the database cluster is gone: $home/postgres/data"
    . "$var/ports"
    start_engine "$1"
}

# Looks at each engine, in processes of their own that end at the first failure, until another
# watcher or none is recorded. What a look says is passed on once, with the time.
engines_watch() {
    local name said
    local -A before
    printf '%s\n%s\n' $$ "engines.sh watch" >"$var/run/watch.pid"
    while sleep 3 && [[ $(pid_of watch) == "$$" ]]; do
        for name in postgres nats redis; do
            said=$("$here/engines.sh" look "$name" 2>&1) || true
            [[ -z $said || $said == "${before[$name]-}" ]] || say "$(date -u +%FT%TZ) $said"
            before[$name]=$said
        done
    done
}

engines_down() {
    stop_process redis TERM 10
    stop_process nats TERM 20
    stop_process postgres INT 60
}

engines_status() {
    local name pid
    for name in postgres nats redis watch; do
        if pid=$(pid_of "$name"); then
            say "$name runs (pid $pid)"
        elif [[ -e $var/run/$name.pid ]]; then
            say "$name has stopped; see $var/log/$name.log"
        else
            say "$name does not run"
        fi
    done
}

case ${1-} in
up)
    take_lock engines
    engines_up
    ;;
look)
    take_lock engines
    engine_look "$2"
    ;;
watch) engines_watch ;;
down)
    stop_process watch TERM 5
    take_lock engines
    engines_down
    ;;
status) engines_status ;;
*)
    echo "usage: engines.sh up|watch|down|status" >&2
    exit 2
    ;;
esac
