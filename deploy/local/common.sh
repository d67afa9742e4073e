# SPDX-License-Identifier: Apache-2.0
# What engines.sh and ecs.sh share: where things lie, and processes known by pid files.
# Sourced by bash scripts that have set -euo pipefail.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/deploy/local
var=${VAR_DIR:-$root/var}
case $var in
/*) ;;
*) var=$PWD/$var ;;
esac

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# pid_of NAME: the recorded pid, if that process still is the one that was recorded: the pid file
# holds the pid and a part of the command line.
pid_of() {
    local pid mark line tries=5
    {
        read -r pid
        IFS= read -r mark
    } 2>/dev/null <"$var/run/$1.pid" || return 1
    # Empty for a moment while a program is being replaced by the next, and for good once it ended.
    while true; do
        line=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
        [[ -z $line ]] || break
        ((tries-- > 0)) || return 1
        sleep 0.01
    done
    [[ -n $mark && $line == *"$mark"* ]] || return 1
    echo "$pid"
}

# start_process NAME MARK COMMAND...: in the background, in a session of its own, its output in
# var/log/NAME.log. MARK is a part of its command line that no other process has.
start_process() {
    local name=$1 mark=$2
    shift 2
    mkdir -p "$var/log" "$var/run"
    setsid "$@" </dev/null >>"$var/log/$name.log" 2>&1 9>&- &
    if ! printf '%s\n%s\n' $! "$mark" >"$var/run/$name.pid"; then
        kill -s KILL $! # nobody would find it any more
        fail "$name cannot be recorded in $var/run"
    fi
    # Until the new process has become the command, its command line is still ours.
    while kill -0 $! 2>/dev/null && ! pid_of "$name" >/dev/null; do
        sleep 0.01
    done
}

# end_process NAME SIGNAL SECONDS: asks it to end, and ends it when it does not. It stays recorded, as
# one that crashed does.
end_process() {
    local name=$1 signal=$2 tries=$(($3 * 20)) pid
    if pid=$(pid_of "$name"); then
        kill -s "$signal" "$pid" 2>/dev/null || true
        while pid_of "$name" >/dev/null && ((tries-- > 0)); do
            sleep 0.05
        done
        if pid_of "$name" >/dev/null; then
            say "$name did not stop within $3 s; ending it"
            kill -s KILL "$pid" 2>/dev/null || true
        fi
    fi
}

# stop_process NAME SIGNAL SECONDS: the same, and forgets it.
stop_process() {
    end_process "$@"
    rm -f "$var/run/$1.pid"
}

# port_is_free PORT: nobody listens on it, on any address.
port_is_free() {
    local hex
    hex=$(printf '%04X' "$1")
    ! grep -qE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# A free port below those that the kernel gives to outgoing connections.
free_port() {
    local port
    while true; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
}

# wait_until SECONDS COMMAND...: tries it until it succeeds.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# take_lock NAME: one command at a time on one var/.
take_lock() {
    mkdir -p "$var/run"
    exec 9>"$var/run/$1.lock"
    flock -w 180 9 || fail "another command is still at work on $var"
}
