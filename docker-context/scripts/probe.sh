#!/bin/bash
# Kubernetes probes. Prints one state line: starting, restoring, upgrading, preparing, recovering, ready or full, with the reason.
# Arguments: startup | liveness | readiness. Exit: 0 as the probe wants it, else 1.
#   startup    as readiness, recovering, restoring, upgrading, preparing (looking at indexes, rebuilding them) or full: those may
#              take hours, and liveness watches over them
#   liveness   not, only when nothing has moved for PROBE_STALL_SECONDS (1800) while the server does not answer
#   readiness  accepts connections over TCP, and passwords are those of the environment
set -Eeuo pipefail

readonly RUN=/run/postgres-stack
readonly PROGRESS="$RUN/progress"
readonly RESTORE_PROGRESS="$RUN/restore-progress"
readonly IDENTITY="$RUN/archive-identity"
readonly JOURNAL=/var/lib/postgresql/.postgres-stack/restore
readonly UPGRADE=/var/lib/postgresql/.postgres-stack/upgrade
readonly UPGRADING='asked|backing-up|upgrading|upgraded|starting|handing-over|undoing-upgrade'
readonly RESTORING='requested|fetching|recovering|verifying|stopped|swapping|undoing|branching'

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
      elif grep -qs '^full: ' "$RESTORE_PROGRESS"; then
        echo full
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
  line="$(content "$RESTORE_PROGRESS")"
  if [[ "$line" == "$step: "* ]]; then echo "$line"; else echo "$step"; fi
}

# Prints what a file holds, nothing when it is not there. Arguments: path.
content() { { printf '%s' "$(<"$1")"; } 2>/dev/null || true; }

# Prints the free KiB of the volume.
free_kib() {
  local free
  free="$(df --output=avail -k /var/lib/postgresql)"
  free="${free##*$'\n'}"
  echo "${free// /}"
}

# Prints the KiB of a WAL segment, as far as the data have been looked at.
segment_kib() {
  local kib
  kib="$(content "$RUN/segment-kib")"
  echo "${kib:-16384}"
}

# Prints CPU ticks, bytes read and written, and title of a process; nothing when it is gone.
# Arguments: pid.
process_progress() {
  local stat title=() line bytes=''
  { stat="$(<"/proc/$1/stat")" && mapfile -d '' -t title <"/proc/$1/cmdline"; } 2>/dev/null || return 0
  { while IFS= read -r line; do
    if [[ "$line" == *_bytes* ]]; then bytes+="$line "; fi
  done <"/proc/$1/io"; } 2>/dev/null || true
  # shellcheck disable=SC2086 # fields after the name: state is the 1st, utime the 12th
  set -- "$1" ${stat##*) }
  echo "$1 $((${13} + ${14})) $bytes${title[*]}"
}

# Prints the children of a process and theirs, one pid a line.
# Arguments: pid.
descendants() {
  local file child children
  for file in "/proc/$1/task/"*/children; do
    children="$(content "$file")"
    for child in $children; do
      echo "$child"
      descendants "$child"
    done
  done
}

# What shows that work goes on. Before there is a server, whatever the entrypoint runs; of a server those waited_for, or else the
# postmaster: busy clients would show life where nothing moves.
# Arguments: state.
fingerprint() {
  local server pid pids
  server="$(content "$RUN/server.pid")"
  : "${server:=1}"
  pids="$(descendants "$server")"
  if [ "$(content "/proc/$server/comm")" = postgres ]; then
    pids="$(waited_for "$1" "$pids")"
    : "${pids:=$server}"
  fi
  for pid in $pids; do
    process_progress "$pid"
  done
}

# Prints those of a server's processes that its start waits for, with what they run, or its stop: it rejects connections then,
# so its postmaster answers. Arguments: state, pids.
waited_for() {
  local found
  found="$(processes startup "$2")"
  if [ -z "$found" ] && [ "$1" = recovering ]; then
    found="$(processes '(checkpointer|archiver)' "$2")"
  fi
  echo "$found"
}

# Prints the server's processes of a kind and their descendants. Arguments: kind, pids.
processes() {
  local pid title
  for pid in $2; do
    title=''
    { IFS= read -r -d '' title <"/proc/$pid/cmdline"; } 2>/dev/null || true
    if [[ "$title" =~ ^postgres:\ (.*:\ )?$1 ]]; then
      echo "$pid"
      descendants "$pid"
    fi
  done
}

# Prints for how many seconds nothing has moved. Arguments: state.
stalled_seconds() {
  local now since='' last='' current
  printf -v now '%(%s)T' -1
  current="$(fingerprint "$1")"
  if [ -s "$PROGRESS" ]; then
    last="$(content "$PROGRESS")"
    since="${last%%$'\n'*}"
    if [[ "$last" == *$'\n'* ]]; then last="${last#*$'\n'}"; else last=''; fi
  fi
  # nothing to be seen is no proof of a standstill
  if [ -z "$since" ] || [ -z "$current" ] || [ "$current" != "$last" ]; then
    since="$now"
    printf '%s\n%s\n' "$now" "$current" >"$PROGRESS.$$"
    mv -f "$PROGRESS.$$" "$PROGRESS"
  fi
  echo "$((now - since))"
}

# Exit: 0 when the volume has no room.
is_full() { (($(free_kib) < $(segment_kib))); }

# Prints the state line of a server that does not accept connections. Exit: 1 when it is to be killed.
# Arguments: state.
judge_unready() {
  local stalled progress limit="${PROBE_STALL_SECONDS:-1800}" doing="the server does not accept connections yet"
  progress="$(content "$RESTORE_PROGRESS")"
  if [ "$1" != full ] && is_full; then
    echo "full: the server does not accept connections and the volume has $(free_kib) KiB left: grow it"
    return 0
  fi
  stalled="$(stalled_seconds "$1")"
  if ((stalled >= limit)); then
    echo "$1: neither CPU nor input and output moved for $stalled s (limit $limit s)"
    return 1
  fi
  case "$1" in
    restoring) doing="$(restore_progress)" ;;
    upgrading) doing="$(sed -n 's/^step=//p' "$UPGRADE" 2>/dev/null)" || true ;;
    preparing) doing="$progress" ;;
    full) doing="${progress#full: }; the volume has $(free_kib) KiB left: grow it" ;;
  esac
  echo "$1: $doing; last progress $stalled s ago"
}

# Prints the state line of a server that accepts connections. Somebody else's archive is no reason to stop serving.
report_ready() {
  local identity=''
  { IFS= read -r identity <"$IDENTITY"; } 2>/dev/null || true
  if [[ "$identity" == stranger* ]]; then identity="; archive: $identity"; else identity=''; fi
  if is_full; then
    echo "full: accepts connections, but the volume has $(free_kib) KiB left: grow it$identity"
  else
    echo "ready: accepts connections$identity"
  fi
}

_main() {
  local state alive=0
  state="$(server_state)"
  if [ "$state" = ready ]; then
    if [ -e "$PROGRESS" ]; then rm -f "$PROGRESS"; fi
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
    startup) [ "$state" != starting ] || is_full ;;
    *) return 1 ;;
  esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "${1:?startup, liveness or readiness}"
fi
