#!/bin/bash
# Kubernetes probes. Prints one state line: starting, restoring, upgrading, preparing, recovering, ready or full, with the reason.
# Arguments: startup | liveness | readiness. Exit: 0 when the probe passes, else 1.
#   startup    passes when ready, recovering, restoring, upgrading, preparing (checking or rebuilding indexes) or full: those may
#              take hours, and liveness watches over them
#   liveness   fails only when the server does not answer and nothing has moved for PROBE_STALL_SECONDS (1800)
#   readiness  passes when the server accepts TCP connections and passwords match the environment
set -Eeuo pipefail

readonly RUN=/run/postgres-stack
readonly PROGRESS="$RUN/progress"
readonly RESTORE_PROGRESS="$RUN/restore-progress"
readonly IDENTITY="$RUN/archive-identity"
readonly JOURNAL=/var/lib/postgresql/.postgres-stack/restore
readonly UPGRADE=/var/lib/postgresql/.postgres-stack/upgrade
readonly UPGRADING='asked|backing-up|upgrading|upgraded|starting|handing-over|undoing-upgrade'
readonly RESTORING='requested|fetching|recovering|verifying|stopped|swapping|undoing|branching'

# Connects over TCP, because the temporary server of the first initialisation listens only on the socket.
# Prints: ready, recovering (rejecting), restoring or upgrading (as the journals say), preparing, full or starting.
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

# Prints what the restore is doing: the journal's step, or the last line of progress in that step.
restore_progress() {
  local step line
  step="$(sed -n 's/^step=//p' "$JOURNAL" 2>/dev/null)" || true
  line="$(content "$RESTORE_PROGRESS")"
  if [[ "$line" == "$step: "* ]]; then echo "$line"; else echo "$step"; fi
}

# Prints a file's content, nothing when it is missing. Arguments: path.
content() { { printf '%s' "$(<"$1")"; } 2>/dev/null || true; }

# Prints the free KiB of the volume.
free_kib() {
  local free
  free="$(df --output=avail -k /var/lib/postgresql)"
  free="${free##*$'\n'}"
  echo "${free// /}"
}

# Prints the KiB of a WAL segment; the usual size until the data have been read.
segment_kib() {
  local kib
  kib="$(content "$RUN/segment-kib")"
  echo "${kib:-16384}"
}

# Prints a process's CPU ticks, bytes read and written, and title; nothing when it is gone.
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

# Prints all descendants of a process, one pid per line.
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

# Prints what shows progress. Before the server runs: everything the entrypoint runs. After that: the processes waited_for, or
# else the postmaster, because busy clients would hide a standstill.
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

# Prints the server processes that a start waits for, with their descendants; or those that a stop waits for, while the
# postmaster answers and rejects connections. Arguments: state, pids.
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
  # seeing nothing does not prove a standstill
  if [ -z "$since" ] || [ -z "$current" ] || [ "$current" != "$last" ]; then
    since="$now"
    printf '%s\n%s\n' "$now" "$current" >"$PROGRESS.$$"
    mv -f "$PROGRESS.$$" "$PROGRESS"
  fi
  echo "$((now - since))"
}

# Exit: 0 when the volume has no room for another segment.
is_full() { (($(free_kib) < $(segment_kib))); }

# Prints the state line of a server that does not accept connections. Exit: 1 when Kubernetes is to kill it.
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

# Prints the state line of a server that accepts connections. An archive of another database is no reason to stop serving.
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
