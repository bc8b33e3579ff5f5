# Retention after a base backup: the planner names what to delete, from the live history. A failure leaves the backup good.
# Needs WAL-G's environment. Reads IDENTITY and IDENTITY_WHY, and SYSTEM, TIMELINE and WORK as proof.sh does.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

# Deletes what exceeds BACKUP_RETAIN, and checks that it is gone. Runs by attempt; PROBLEM says why it failed. Writes the result
# into WORK/retention.
apply_retention() {
  local word name deleted=0 before=''
  find_identity "$STORE_SECONDS"
  [ "$IDENTITY" = owner ] || not_known "$IDENTITY_WHY"
  gather_retention
  perl "$LIB/planner/planner.pl" retention "$WORK" "live=$TIMELINE" "system=$SYSTEM" "retain=$BACKUP_RETAIN" "now=$EPOCHSECONDS" \
    >"$WORK/plan" 2>"$WORK/plan.err" || not_known "$(tail -n 1 "$WORK/plan.err")"
  while read -r word name; do
    case "$word" in
      delete)
        delete_backup "$name"
        deleted=$((deleted + 1))
        ;;
      wal-before) before="$name" ;;
    esac
  done <"$WORK/plan"
  if ((deleted > 0)); then
    see_deleted
    if [ -n "$before" ]; then delete_wal_before "$before"; fi
  fi
  echo "deleted $deleted" >"$WORK/retention"
}

# Reads the planner's other input; the proof has just written backups.json. An unreadable reader ends retention: nobody knows
# which base backup it reads.
gather_retention() {
  read_objects_into 'readers/*.json' "$WORK/readers"
  gather_history
}

# Writes the history of the server's timeline into WORK/history.
gather_history() {
  local history
  if ((TIMELINE == 1)); then return 0; fi
  printf -v history '%08X.history' "$TIMELINE"
  rm -f "$WORK/history"
  if [ -e "$PGDATA/pg_wal/$history" ]; then
    cp "$PGDATA/pg_wal/$history" "$WORK/history"
  else
    walg_into "$WORK/fetched" wal-fetch "$history" "$WORK/history"
  fi
}

# Arguments: base backup.
delete_backup() {
  PROBLEM="base backup $1 can't be deleted (above)"
  walg delete target "$1" --confirm
  remove_object "backups/$1.json"
  PROBLEM=''
}

# WAL-G compares WAL by number here, and base backups by start time: the planner chose a base backup that is first by both.
# Arguments: base backup.
delete_wal_before() {
  PROBLEM="WAL before $1 can't be deleted (above)"
  walg delete before "$1" --use-sentinel-time --confirm
  PROBLEM=''
}

# Ends the process when a deleted base backup is still listed.
see_deleted() {
  local left
  list_backups_into "$WORK/backups.json"
  perl "$LIB/planner/planner.pl" backups "$WORK" "system=$SYSTEM" >"$WORK/after"
  left="$(sed -n 's/^delete //p' "$WORK/plan" | grep -xF -f - "$WORK/after" || true)"
  [ -z "$left" ] || not_known "the store keeps ${left//$'\n'/, } although they were deleted"
}
