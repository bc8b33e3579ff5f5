#!/usr/bin/env bash
# Kubernetes probes. Prints one state line: starting, restoring, upgrading, preparing, recovering, ready or full, with the reason.
# Arguments: startup | liveness | readiness. Exit: 0 as the probe wants it, else 1.
#   startup    as readiness, recovering, restoring, upgrading or preparing (looking at indexes, rebuilding them): those may take
#              hours, and liveness watches over them
#   liveness   not, only when nothing has moved for PROBE_STALL_SECONDS (1800) while the server does not answer
#   readiness  accepts connections over TCP, and passwords are those of the environment
set -Eeuo pipefail

readonly RUN=/run/postgres-stack
readonly PROGRESS="$RUN/progress"
readonly RESTORE_PROGRESS="$RUN/restore-progress"
readonly JOURNAL=/var/lib/postgresql/.postgres-stack/restore
readonly UPGRADE=/var/lib/postgresql/.postgres-stack/upgrade
readonly UPGRADING='asked|backing-up|upgrading|upgraded|starting|handing-over|undoing-upgrade'
readonly RESTORING='requested|fetching|recovering|verifying|stopped|swapping|undoing'
readonly LEAST_FREE_KIB=16384 # one WAL segment

# Asks over TCP, because the temporary server of the first initialisation listens on the socket only.
# Prints: ready, recovering (rejecting), restoring or upgrading (as the journals say), preparing or starting.
server_state() {
  local status=0
  pg_isready -q -h 127.0.0.1 -t 3 || status=$?
  case "$status" in
    0) echo ready ;;
    1) echo recovering ;;
    *)
      if grep -qsE "^step=($RESTORING)$" "$JOURNAL"; then
        echo restoring
      elif grep -qsE "^step=($UPGRADING)$" "$UPGRADE"; then
        echo upgrading
      elif grep -qs '^collations: ' "$RESTORE_PROGRESS"; then
        echo preparing
      else
        echo starting
      fi
      ;;
  esac
}

# Prints what the restore does: the journal's step, or the line of progress that it wrote last in that step.
restore_progress() {
  local step line
  step="$(sed -n 's/^step=//p' "$JOURNAL" 2>/dev/null)" || true
  line="$(cat "$RESTORE_PROGRESS" 2>/dev/null)" || true
  if [[ "$line" == "$step: "* ]]; then echo "$line"; else echo "$step"; fi
}

# Prints the free KiB of the volume.
free_kib() { df --output=avail -k /var/lib/postgresql | awk 'END { print $1 }'; }

# Prints CPU ticks, bytes read and written, and title of a process; nothing when it is gone.
# Arguments: pid.
process_progress() {
  local stat title
  { stat="$(<"/proc/$1/stat")" && title="$(tr '\0' ' ' <"/proc/$1/cmdline")"; } 2>/dev/null || return 0
  # shellcheck disable=SC2086 # fields after the name: state is the 1st, utime the 12th
  set -- "$1" ${stat##*) }
  echo "$1 $((${13} + ${14})) $(grep -s _bytes "/proc/$1/io" 2>/dev/null | tr '\n' ' ')$title"
}

# Prints the children of a process and theirs, one pid a line.
# Arguments: pid.
descendants() {
  local child children
  children="$(cat "/proc/$1/task/"*/children 2>/dev/null || true)"
  for child in $children; do
    echo "$child"
    descendants "$child"
  done
}

# What shows that work goes on: PostgreSQL's startup process with the restore_command it runs, or before there is one,
# whatever the entrypoint runs. Other processes of the server would show life where nothing moves.
fingerprint() {
  local server pid pids
  server="$(cat "$RUN/server.pid" 2>/dev/null || echo 1)"
  pids="$(descendants "$server")"
  for pid in $pids; do
    if grep -aqsE '^postgres: (.*: )?startup' "/proc/$pid/cmdline"; then
      pids="$pid $(descendants "$pid")"
      break
    fi
  done
  for pid in $pids; do
    process_progress "$pid"
  done
}

# Prints for how many seconds nothing has moved.
stalled_seconds() {
  local now since='' last='' current
  printf -v now '%(%s)T' -1
  current="$(fingerprint)"
  if [ -s "$PROGRESS" ]; then
    { read -r since && last="$(cat)"; } <"$PROGRESS"
  fi
  # nothing to be seen is no proof of a standstill
  if [ -z "$since" ] || [ -z "$current" ] || [ "$current" != "$last" ]; then
    since="$now"
    printf '%s\n%s\n' "$now" "$current" >"$PROGRESS.$$"
    mv -f "$PROGRESS.$$" "$PROGRESS"
  fi
  echo "$((now - since))"
}

# Prints the state line of a server that does not accept connections. Exit: 1 when it is to be killed.
# Arguments: state.
judge_unready() {
  local stalled limit="${PROBE_STALL_SECONDS:-1800}" doing="the server does not accept connections yet"
  if (($(free_kib) < LEAST_FREE_KIB)); then
    echo "full: the server does not accept connections and the volume has $(free_kib) KiB left: grow it"
    return 0
  fi
  stalled="$(stalled_seconds)"
  if ((stalled >= limit)); then
    echo "$1: neither CPU nor input and output moved for $stalled s (limit $limit s)"
    return 1
  fi
  case "$1" in
    restoring) doing="$(restore_progress)" ;;
    upgrading) doing="$(sed -n 's/^step=//p' "$UPGRADE" 2>/dev/null)" || true ;;
    preparing) doing="$(cat "$RESTORE_PROGRESS" 2>/dev/null)" || true ;;
  esac
  echo "$1: $doing; last progress $stalled s ago"
}

# Prints the state line of a server that accepts connections.
report_ready() {
  if (($(free_kib) < LEAST_FREE_KIB)); then
    echo "full: accepts connections, but the volume has $(free_kib) KiB left: grow it"
  else
    echo "ready: accepts connections"
  fi
}

_main() {
  local state alive=0
  state="$(server_state)"
  if [ "$state" = ready ]; then
    rm -f "$PROGRESS"
    if [ "$1" != liveness ] && ! [ -e "$RUN/roles-in-step" ]; then
      echo "starting: accepts connections, passwords are not yet those of the environment"
      return 1
    fi
    report_ready
    return
  fi
  judge_unready "$state" || alive=1
  case "$1" in
    liveness) return "$alive" ;;
    startup) [ "$state" != starting ] ;;
    *) return 1 ;;
  esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "${1:?startup, liveness or readiness}"
fi
