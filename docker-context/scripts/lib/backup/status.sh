# How a backup ends: done, skipped or failed, said in the log and in BACKUP_STATUS_FILE. As a pod's termination message that is one
# line, `done: `, `skipped: ` or `failed: ` and the text; as a record on the volume the last good backup with its time, how its
# retention ended, and how the last run ended.
# Reads DOING.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # results are shared between the files

readonly SKIPPED=3
SAID=''  # how it ended, once that was said
DOING='' # what to say when it ends in the middle

# Writes the status. Arguments: done, skipped or failed; text; first lines of the record (default: those that it has).
write_status() {
  local now kept
  SAID="$1"
  if [ "$BACKUP_STATUS_FILE" = /dev/termination-log ]; then
    leave_message "$1: $2"
  elif [ -w "$RECORDS" ]; then
    TZ=UTC0 printf -v now '%(%F %T)T UTC' -1
    kept="${3-$(sed -n '/^[^ ]* at /!p' "$BACKUP_STATUS_FILE" 2>/dev/null || true)}"
    write_record "$BACKUP_STATUS_FILE" "${kept:-no good backup yet}"$'\n'"$1 at $now: $2"
  fi
}

# Ends the process as failed. Arguments: what happened.
fail() {
  error "$1"
  write_status failed "$1"
  exit 1
}

# Ends the process as skipped. Arguments: why.
skip() {
  warn "$1"
  write_status skipped "$1"
  exit "$SKIPPED"
}

# Ends the process as done, without a backup. Arguments: why none is needed.
finish() {
  info "$1: nothing to do"
  write_status "done" "$1"
  exit 0
}

# Notes a good backup with the time of now; without it monitoring can't tell how old the last is. Arguments: name, its retention.
record_backup() {
  local now
  TZ=UTC0 printf -v now '%(%F %T)T UTC' -1
  write_status "done" "$now $1; $2" "$now $1"$'\n'"$2"
  info "last good backup: $1 at $now; $2"
}

# At the end of the process: one that nothing was said of has failed.
end_with_words() {
  local status="$?"
  rm -rf "$WORK"
  if [ -z "$SAID" ] && ((status != 0)); then
    DOING="${DOING:-the backup ended early (above)}"
    error "$DOING"
    write_status failed "$DOING"
    exit 1
  fi
}
