# Runs commands that write and may fail. Bash disables `set -e` inside whatever runs in `if`, `||`, `&&` or `!`, so a failed write
# goes unnoticed there. Call writers plainly, so that a failure ends the process, or through attempt.
# shellcheck shell=bash disable=SC2034 # results for the callers

readonly RUN=/run/postgres-stack # in memory, gone with the container

# Runs a command, usually a function that writes, in a child with `set -e` on; a signal's trap interrupts the wait.
# Call it plainly: in a condition, or in a function that runs in one, `set -e` is off in the child too. The child's variables are
# lost, except PROBLEM.
# Arguments: command. Exit: 0. Sets STATUS: the command's exit code, and PROBLEM: why it failed, if the command says so.
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
  # ERR too: at EXIT, a PROBLEM that is a caller's local variable is already gone
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
