# How a backup ends: done, skipped or failed, in the log and in BACKUP_STATUS_FILE. As a pod's termination message that is one
# line, `done: `, `skipped: ` or `failed: ` and the text; as a record on the volume: the last good backup with its time, the
# result of its retention, and the result of the last run.
# Reads DOING.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # results are shared between the files

readonly SKIPPED=3
SAID=''  # the result, once reported
DOING='' # what to report when it ends midway

# Writes the status. Arguments: done, skipped or failed; text; first lines of the record (default: the present ones).
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

# Records a good backup with the current time, so that monitoring can tell its age. Arguments: name, its retention.
record_backup() {
  local now
  TZ=UTC0 printf -v now '%(%F %T)T UTC' -1
  write_status "done" "$now $1; $2" "$now $1"$'\n'"$2"
  info "last good backup: $1 at $now; $2"
}

# At the end of the process: a run without a reported result has failed.
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
