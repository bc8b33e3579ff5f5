# Logging: `YYYY-MM-DD HH:MM:SS UTC LEVEL [component] message` on stderr, one line each.
# Callers set COMPONENT; LOG_LEVEL (debug, info, warn, error; default info) is the lowest level that is printed.
# shellcheck shell=bash

declare -rA LOG_RANKS=([debug]=0 [info]=1 [warn]=2 [error]=3) # higher is more urgent

# Prints one log line; line breaks of the message become spaces.
# Arguments: level, message.
log() {
  local level="$1" message="${2//$'\n'/ }" now
  ((${LOG_RANKS[$level]} >= ${LOG_RANKS[${LOG_LEVEL:-info}]:-1})) || return 0
  TZ=UTC0 printf -v now '%(%F %T)T' -1
  printf '%s UTC %s [%s] %s\n' "$now" "${level^^}" "${COMPONENT:-postgres-stack}" "$message" >&2
}

debug() { log debug "$1"; }
info() { log info "$1"; }
warn() { log warn "$1"; }
error() { log error "$1"; }

# Logs an error and ends the process with exit code 1.
# Arguments: message: what happened, what was left untouched, what to do.
die() {
  error "$1"
  exit 1
}

# Leaves the termination message of a Kubernetes pod; does nothing elsewhere.
# Arguments: message (may have several lines; Kubernetes keeps 4096 bytes).
leave_message() {
  if [ -w /dev/termination-log ]; then
    printf '%s' "${1:0:4000}" >/dev/termination-log
  fi
}

# Logs an error, leaves it as the termination message, and ends the process with exit code 1.
# Arguments: message.
die_with_message() {
  leave_message "$1"
  die "$1"
}
