# Waits for processes that may hang, such as a client of a hung server, as long as something moves.
# Sets BYTES and FETCHES; reads POSITION.
# shellcheck shell=bash disable=SC2034 # results and limits for the callers

readonly STOOD_STILL=142
# a client without a server still reads a few bytes a second: events, errors, name resolution
readonly LEAST_MOVEMENT=16384         # bytes
readonly NO_BOUND=9223372036854775807 # seconds in total

# Sets BYTES: how many bytes the processes have read so far, network included.
# Arguments: pids.
bytes_read() {
  local pid bytes
  BYTES=0
  for pid in "$@"; do
    # the process may have ended
    if { read -r _ bytes <"/proc/$pid/io"; } 2>/dev/null; then
      BYTES=$((BYTES + bytes))
    fi
  done
}

# Sets BYTES: how many bytes a process has read and written so far, network included. Bytes that wait in a socket don't count:
# on a slow line that is megabytes per socket.
# Arguments: pid.
bytes_moved() {
  local read written unsent
  BYTES=0
  # the process may have ended
  if { read -r _ read && read -r _ written; } 2>/dev/null <"/proc/$1/io"; then
    unsent="$(unsent_bytes "$1")"
    BYTES=$((read + written - unsent))
  fi
}

# Prints how many bytes in the sockets of a process are unsent or in flight. Arguments: pid.
unsent_bytes() {
  local sockets queue inode unsent=0
  { sockets=" $(find "/proc/$1/fd" -lname 'socket:*' -printf '%l ')" || true; } 2>/dev/null
  while read -r _ _ _ _ queue _ _ _ _ inode _; do
    if [[ "$sockets" == *" socket:[$inode] "* ]]; then unsent=$((unsent + 16#${queue%:*})); fi
  done <<<"$({ printf '%s\n' "$(<"/proc/$1/net/tcp")" "$(<"/proc/$1/net/tcp6")"; } 2>/dev/null || true)"
  echo "$unsent"
}

# Sets FETCHES: the pids of the wal-g processes that fetch or prefetch WAL for the server of a data folder.
# Arguments: data folder.
find_fetches() {
  local pid
  FETCHES=()
  for pid in $(pgrep -f '^wal-g wal-(pre)?fetch ' 2>/dev/null || true); do
    if [ "/proc/$pid/cwd" -ef "$1" ]; then
      FETCHES+=("$pid")
    fi
  done
}

# Kills what find_fetches finds. Arguments: data folder.
end_fetches() {
  find_fetches "$1"
  if ((${#FETCHES[@]} > 0)); then
    kill -KILL "${FETCHES[@]}" 2>/dev/null || true
  fi
}

# Waits for a child, and kills it when nothing moves for too long, or when it takes too long in total.
# Arguments: pid, seconds without movement, seconds in total, function that sets POSITION (bytes, growing with each movement), and
# its arguments. A background process calls the function after each fifth of the seconds without movement (2 to 10 s); STILL is
# the number of seconds since the last movement.
# Exit: the child's, or STOOD_STILL.
wait_while_moving() {
  local watcher status=0 verdict=0
  watch_movement "$@" &
  watcher=$!
  # hides bash's message about the killed child
  { wait "$1" || status=$?; } 2>/dev/null
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || verdict=$?
  if ((verdict == STOOD_STILL)); then return "$STOOD_STILL"; fi
  return "$status"
}

# The background process of wait_while_moving, with its arguments. Exit: STOOD_STILL when it killed the child.
watch_movement() {
  local pid="$1" limit="$2" bound="$3" tick quiet started="$SECONDS" moved="$SECONDS" last=0
  local POSITION=0 STILL=0
  shift 3
  tick=$((limit < 10 ? 2 : limit < 50 ? limit / 5 : 10))
  # reading from a pipe that nobody writes to sleeps without another process
  exec {quiet}<> <(:)
  while read -r -t "$tick" -u "$quiet" || kill -0 "$pid" 2>/dev/null; do
    "$@"
    if ((POSITION >= last + LEAST_MOVEMENT)); then
      moved="$SECONDS"
    fi
    # the bytes of an ended process no longer count
    if ((POSITION >= last + LEAST_MOVEMENT || POSITION < last)); then
      last="$POSITION"
    fi
    STILL=$((SECONDS - moved))
    if ((STILL >= limit || SECONDS - started >= bound)); then
      kill -KILL "$pid" 2>/dev/null || true
      return "$STOOD_STILL"
    fi
  done
}
