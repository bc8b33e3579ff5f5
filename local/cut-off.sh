# shellcheck shell=bash disable=SC2154 # the folder `work` is the script's that sources this
# Recovers from an interrupted update, whose runner or job has ended. The database keeps running, but the stack's state has a
# lock, and operations with an unknown outcome. Sourced after lib.sh, with STACK and the folder `work`.

# A tag of the stack names the running update. It is set before the update takes the lock, and removed once the update has ended.
# Its words: host, process id and page of the run, then host and process id of earlier interrupted updates that it repairs.
MARK=postgres-stack:update
CUT_OFF=""
RUN_PAGE="${GITHUB_RUN_ID:+${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}/actions/runs/$GITHUB_RUN_ID}"

# Runs pulumi with a mark that names this process. The caller removes the mark.
# Arguments: of pulumi. Sets STATUS: its exit code; LOG: its file of stderr
run_marked() {
  LOG="$work/log"
  : >"$LOG"
  mark_and_run "$@" &
  STATUS=0
  wait $! || STATUS=$?
  cat "$LOG" >&2
}

# Removes the mark, unless a signal ended pulumi: a killed pulumi leaves its lock, and the mark says whose it is.
unmark() {
  if ((STATUS < 129 || STATUS > 192)); then pulumi stack tag rm "$MARK" --stack "$STACK"; fi
}

# The mark holds the process id of this shell, which pulumi replaces. Bash 3.2 has no variable for it, so a child prints it.
mark_and_run() {
  local own
  own="$(exec sh -c 'echo "$PPID"')"
  pulumi stack tag set "$MARK" "$(uname -n) $own ${RUN_PAGE:-by-hand}${CUT_OFF:+ $CUT_OFF}" --stack "$STACK"
  exec pulumi "$@" 2>"$LOG"
}

# Repairs the state after an interrupted update: removes its lock, and adopts what it was about to create.
# The mark stays until a refresh has read those objects, because the state lists them before anybody knows that they exist.
# Exit: 1 if another update may be running; then nothing was changed
heal() {
  local left host pid page older
  left="$(pulumi stack tag ls --stack "$STACK" --json)"
  left="$(printf '%s' "$left" | node -p 'JSON.parse(require("fs").readFileSync(0))[process.argv[1]] ?? ""' "$MARK")"
  pulumi stack export --stack "$STACK" --file "$work/state.json"
  run_ts local/interrupted.ts "$work/state.json" "$work/taken-over.json" >"$work/interrupted"
  if [[ -z "$left" && ! -s "$work/interrupted" ]]; then return; fi
  if [[ -n "$left" ]]; then
    refuse_running "$left"
    read -r host pid page older <<<"$left"
    CUT_OFF="$host $pid${older:+ $older}"
    if ((${#CUT_OFF} > 120)); then CUT_OFF="${CUT_OFF% * *}"; fi # a tag of Pulumi Cloud holds 256 characters
    say "The last update of the stack '$STACK' was cut off ($page). First, what it left is repaired."
  else
    say "Operations of the stack '$STACK' were interrupted by hand. First, what they left is repaired."
  fi
  cat "$work/interrupted"
  write_state
  run_marked refresh --stack "$STACK" --yes --skip-preview --non-interactive
  if ((STATUS != 0)); then
    die "The running objects could not be read (above), so no update was started. The state lists what was interrupted as if it existed." \
      "Run this again: it reads first. Don't update the stack in another way before."
  fi
  unmark
  CUT_OFF=""
}

# Ends the script if the update that a mark names may still be running.
# Arguments: the mark
refuse_running() {
  local host pid page free
  read -r host pid page _ <<<"$1"
  if [[ "$host" == "$(uname -n)" ]]; then
    if [[ "$(ps -o comm= -p "$pid" || true)" == *pulumi ]]; then
      die "Another update of the stack '$STACK' is running here, as process $pid; nothing was changed. Wait for it to end."
    fi
    # runners of several repositories may share a host name, so it does not identify this machine
    if [[ -z "$RUN_PAGE" || "$page" == by-hand ]]; then return; fi
  fi
  # a run of the same workflow, so of the same concurrency group: it must have ended, or this run would not have started
  if [[ -n "$RUN_PAGE" && "${page%/runs/*}" == "${RUN_PAGE%/runs/*}" ]]; then return; fi
  free="pulumi cancel --stack $STACK; pulumi refresh --stack $STACK; pulumi stack tag rm $MARK --stack $STACK"
  die "An update of the stack '$STACK' began on $host (process $pid, $page) and has not ended; nothing was changed." \
    "If nothing runs there any more: $free"
}

# Writes the state with the interrupted operations resolved. Removes only the interrupted update's lock.
write_state() {
  local holder
  pulumi stack export --stack "$STACK" --file "$work/state-now.json"
  if ! cmp -s "$work/state.json" "$work/state-now.json"; then
    die "Somebody else is updating the stack '$STACK'; nothing was changed. Wait for it to end, and run this again."
  fi
  run_marked stack import --stack "$STACK" --file "$work/taken-over.json"
  if ((STATUS == 0)); then return; fi
  # Pulumi names the lock holder of a self-managed backend like this: USER@HOST (pid NUMBER)
  sed -nE 's/.*created by [^ @]+@([^ ]+) \(pid ([0-9]+)\).*/\1 \2/p' "$LOG" >"$work/holders"
  holder="$(sort -u "$work/holders")"
  if [[ -z "$holder" || " $CUT_OFF " != *" $holder "* ]]; then
    if [[ -z "$CUT_OFF" ]]; then unmark; fi
    die "The state of the stack '$STACK' can't be written (above), and that is not the lock of the update that was cut off." \
      "Nothing was changed. If another update is running, wait for it to end, and run this again."
  fi
  say "Removing the lock of that update: its process is gone."
  pulumi cancel --yes --stack "$STACK" --non-interactive
  run_marked stack import --stack "$STACK" --file "$work/taken-over.json"
  if ((STATUS != 0)); then die "The state of the stack '$STACK' can't be written (above); nothing was changed. Run this again."; fi
}
