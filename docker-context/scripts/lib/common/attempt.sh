# Running what writes, and may fail. Bash switches `set -e` off inside of whatever runs in `if`, `||`, `&&` or `!`, so that a
# write that fails there is passed over. What writes is called plainly, where a failure ends the process, or by attempt.
# shellcheck shell=bash disable=SC2034 # results for the callers

readonly RUN=/run/postgres-stack # in memory, gone with the container

# Runs a command, mostly a function that writes, in a child in which `set -e` is on; a signal's trap interrupts the waiting.
# Call it plainly: in a condition, or in a function that runs in one, `set -e` would be off in the child too. Variables that
# the command sets are lost with the child, but for PROBLEM.
# Arguments: command. Exit: 0. Sets STATUS: the command's exit code, and PROBLEM: why it failed, as far as it says so.
attempt() {
  local problem="$RUN/problem.$BASHPID"
  run_attempt "$problem" "$@" &
  STATUS=0
  wait $! || STATUS=$?
  PROBLEM=''
  if [ -e "$problem" ]; then
    PROBLEM="$(<"$problem")"
    rm -f "$problem"
  fi
  if ((STATUS != 0)); then : "${PROBLEM:=it ended with $STATUS (above)}"; fi
}

# Arguments: file for PROBLEM, command. Exit: the command's.
run_attempt() {
  # where a failure ends it, because by the end of the process a PROBLEM that some caller has as a local variable is gone
  # shellcheck disable=SC2064 # the file of now
  trap "keep_problem '$1'" ERR EXIT
  PROBLEM=''
  "${@:2}"
}

# Arguments: file.
keep_problem() {
  if [ -n "${PROBLEM-}" ]; then printf '%s' "$PROBLEM" >"$1"; fi
}

# Runs a command so that SIGTERM and SIGINT end this script at once (bash handles them only between foreground commands).
# Arguments: command. Exit: the command's.
interruptible() {
  local pid status=0
  "$@" &
  pid=$!
  wait "$pid" || status=$?
  return "$status"
}
