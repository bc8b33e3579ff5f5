# A major upgrade, step by step. The journal records each step before it is taken, so that the next boot knows where it stopped:
#   asked              checks what it needs, also with the old server on a private socket and with the new settings on a
#                      still empty cluster: nothing has been touched
#   backing-up         takes a base backup of the old server if the last one is old; its WAL has been archived
#   upgrading          pg_upgrade fills <PGDATA>.upgrade; up to here a kill returns to the old data and begins again
#   upgraded           pg_upgrade is done, and its data are on the disk
#   starting           the new server runs on a private socket; with link the old data are gone from here on
#   handing-over       the old folder becomes .pre-upgrade, .upgrade becomes PGDATA
#   handed-over        the server starts on the new data; done once it has answered with the right passwords
#   finishing-upgrade  takes a base backup of the new major, then removes the old major's leftovers and the journal
#   undoing-upgrade    the new folder becomes .undone, .pre-upgrade becomes the old folder again
# Sets UPGRADE, OLD and OLD_MAJOR; reads PG_UPGRADE, VERDICT, SERVER, REHEARSAL, SERVER_FLAGS and PREFIX_VARIABLE.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly NEW_STAGING="$PGDATA.upgrade"
readonly UNSAID="something failed (above)"
readonly UPGRADE_LOG="$RECORDS/upgrade.log"
readonly OLD_COLLATIONS="$BULK/upgrade.collations"        # the old server's collation versions
readonly UPGRADE_COLLATIONS="$RECORDS/upgrade-collations" # what must be rebuilt

# At boot, before the data are opened: finishes or gives up what an earlier boot began, then begins the present request. Ends the
# process when there are no data of this major to serve afterwards.
settle_upgrade() {
  if [ -n "${UPGRADE[step]-}" ]; then
    OLD="${UPGRADE[old]}" OLD_MAJOR="${UPGRADE[from]}"
    case "$PG_MAJOR" in
      "${UPGRADE[to]}") resume_upgrade ;;
      "${UPGRADE[from]}") return_to_old_image ;;
      *) die "upgrade ${UPGRADE[id]} from PostgreSQL ${UPGRADE[from]} to ${UPGRADE[to]} is under way, this image runs $PG_MAJOR; nothing was touched: use an image of one of them" ;;
    esac
  fi
  if [ "$PG_UPGRADE_UNDO" = true ]; then
    begin_undo_upgrade
  elif [ -n "$PG_UPGRADE" ] && [ -z "${UPGRADE[step]-}" ]; then
    begin_upgrade
  fi
}

begin_upgrade() {
  local VERDICT PROBLEM
  judge_upgrade
  case "$VERDICT" in
    settled) info "$PROBLEM: nothing to do" ;;
    refused)
      [ -s "$PGDATA/PG_VERSION" ] || die "$PROBLEM. Nothing was touched"
      warn "$PROBLEM"
      ;;
    begin)
      UPGRADE=([id]="$PG_UPGRADE" [request]="$(upgrade_text)" [from]="$OLD_MAJOR" [to]="$PG_MAJOR" [old]="$OLD"
      [mode]="$PG_UPGRADE_MODE" [keep_old]="$PG_UPGRADE_KEEP_OLD" [boots]=1 [started_at]="$EPOCHSECONDS")
      run_upgrade
      ;;
  esac
}

# Continues where an earlier boot of this image was interrupted.
resume_upgrade() {
  local step="${UPGRADE[step]}"
  case "$step" in
    asked | backing-up | upgrading | upgraded | starting)
      if ! past_return && [ -n "$(upgrade_outcome "${UPGRADE[id]}" state)" ]; then
        # it was interrupted while giving up
        put_old_back
        close_upgrade
        return
      elif ! past_return && { [ "$PG_UPGRADE" != "${UPGRADE[id]}" ] || [ "$(upgrade_text)" != "${UPGRADE[request]}" ] || [ "$PG_UPGRADE_UNDO" = true ]; }; then
        leave_upgrade withdrawn "the request was withdrawn or changed at step $step"
        return
      fi
      info "upgrade ${UPGRADE[id]} was interrupted at step $step and goes on"
      UPGRADE[boots]=$((UPGRADE[boots] + 1))
      if [[ "$step" == @(upgraded|starting) ]]; then
        start_upgraded
      elif ((UPGRADE[boots] > BOOTS)); then
        leave_upgrade failed "it was interrupted $BOOTS times, last at step $step"
        begin_upgrade
      else
        put_old_back
        run_upgrade
      fi
      ;;
    handing-over) hand_over ;;
    undoing-upgrade) swap_upgrade_back ;;
  esac
}

# Puts the old data back as the old server left them: pg_upgrade renames their control file once it has begun to link.
put_old_back() {
  local control="$OLD/global/pg_control"
  if [ -e "$control.old" ] && ! [ -e "$control" ]; then
    mv -T "$control.old" "$control"
    sync "$OLD/global"
  fi
  rm -rf "$NEW_STAGING" "$OLD/postmaster.pid" "$UPGRADE_COLLATIONS" "$BULK"
}

# Gives up the upgrade while the old data are intact. Arguments: state (failed, withdrawn), message.
leave_upgrade() {
  put_old_back
  record_upgrade "$1" "$2"
  warn "upgrade ${UPGRADE[id]} $1: $2. The data of PostgreSQL $OLD_MAJOR are whole in $OLD"
  close_upgrade
}

# Ends the boot with nothing changed; the next one checks again. Arguments: message.
refuse_upgrade() {
  put_old_back
  if [ -e "$UPGRADE_FILE" ]; then close_upgrade; fi
  die "upgrade $PG_UPGRADE refused: $1. Nothing was changed: the image of PostgreSQL $OLD_MAJOR still serves these data"
}

# The same while the new cluster is being created and the old server may run. Arguments: message.
refuse_with_server() {
  wait "$making" || true
  if [ -n "$SERVER" ]; then stop_private || true; fi
  refuse_upgrade "$1"
}

# Ends the boot after pg_upgrade or the new server failed; the id is used up. Arguments: message.
fail_upgrade() {
  local id="${UPGRADE[id]}"
  leave_upgrade failed "$1"
  die "upgrade $id failed: $1. Put the image of PostgreSQL $OLD_MAJOR back, it serves on; for another attempt choose a new id"
}

# Runs the steps up to the hand-over. Servers are children of this process, so only work on them runs by attempt.
run_upgrade() {
  local PROBLEM='' SERVER='' WAY_BACK='' NO_WAY_BACK='' making
  name_old_programs "$OLD_MAJOR"
  attempt check_old_data
  if ((STATUS != 0)); then refuse_upgrade "${PROBLEM:-$UNSAID}"; fi
  enter_upgrade_step asked
  rm -rf "$NEW_STAGING" "$PGDATA.undone" "$UPGRADE_WARNINGS"
  empty_bulk
  make_new_cluster "$NEW_STAGING" &
  making=$!
  start_old_server
  attempt look_at_old_server
  if ((STATUS == 0)) && [ "$REHEARSAL" = false ]; then seek_way_back "$PG_UPGRADE_BACKUP_MAX_AGE"; fi
  if ((STATUS != 0)); then refuse_with_server "${PROBLEM:-$UNSAID}"; fi
  wait "$making" || refuse_with_server "$(new_cluster_problem)"
  attempt look_at_new_cluster
  if ((STATUS != 0)); then refuse_with_server "${PROBLEM:-$UNSAID}"; fi
  enter_upgrade_step backing-up
  if [ "$REHEARSAL" = false ]; then back_up_old; fi
  if ((STATUS != 0)); then refuse_with_server "${PROBLEM:-$UNSAID}"; fi
  stop_private || refuse_upgrade "$PROBLEM"
  enter_upgrade_step upgrading
  attempt run_pg_upgrade
  if ((STATUS != 0)); then fail_upgrade "${PROBLEM:-$UNSAID}"; fi
  cp "$BULK/altered.conf" "$NEW_STAGING/postgresql.auto.conf" # pg_upgrade does not copy ALTER SYSTEM's settings
  sync -f "$NEW_STAGING"
  enter_upgrade_step upgraded
  start_upgraded
}

look_at_old_server() {
  check_old_server "$PRIVATE"
  read_collations "$PRIVATE" "$OLD_COLLATIONS"
}

look_at_new_cluster() {
  try_new_settings "$NEW_STAGING"
  check_new_collations "$OLD_COLLATIONS" "$NEW_STAGING" "$UPGRADE_COLLATIONS"
}

# Starts the new server privately, proves it, and hands over. Once the old data can't be put back, the next start retries.
start_upgraded() {
  local PROBLEM='' SERVER=''
  enter_upgrade_step starting
  empty_bulk
  write_generated_settings "$NEW_STAGING"
  start_private "$NEW_STAGING" "$UPGRADE_LOG" "$PRIVATE" postgres "${SERVER_FLAGS[@]}" -c archive_mode=on -c archive_command= \
    -c archive_library= -c autovacuum=off -c event_triggers=off -c max_logical_replication_workers=0 -c log_min_messages=error
  wait_private "$NEW_STAGING" || end_without_new_server "the new server does not start ($(sed -n 's/.* FATAL:  //p' "$UPGRADE_LOG" | tail -n 1))"
  attempt settle_new_server
  if ((STATUS != 0)); then
    abandon_private
    end_without_new_server "${PROBLEM:-$UNSAID}"
  fi
  stop_private || end_without_new_server "$PROBLEM"
  attempt sync -f "$NEW_STAGING"
  if ((STATUS != 0)); then end_without_new_server "the new data can't be written to the disk (above)"; fi
  hand_over
}

# Ends the boot: with the old data or, once they are gone, naming the ways on. Arguments: message.
end_without_new_server() {
  past_return || fail_upgrade "$1"
  die "upgrade ${UPGRADE[id]}: $1. The next start tries again. PG_UPGRADE_FORCE=true (upgrade: {force: true}) serves data as they are that were found damaged; the way back is the backup: the image of PostgreSQL $OLD_MAJOR with PG_UPGRADE_UNDO=true (upgrade: {id: ${UPGRADE[id]}, undo: true})"
}

hand_over() {
  enter_upgrade_step handing-over
  if [ -d "$NEW_STAGING" ] && [ -s "$OLD/PG_VERSION" ]; then
    publish_folder "$OLD" "$OLD.pre-upgrade" setting-old-aside
  fi
  if [ -d "$NEW_STAGING" ]; then
    publish_folder "$NEW_STAGING" "$PGDATA" publishing-new
  fi
  if [ -s "$UPGRADE_COLLATIONS" ]; then
    plan_reindex "$UPGRADE_COLLATIONS"
  else
    record_collations
  fi
  rm -f "$JOURNAL_FILE" # of a restore whose last base backup was taken just now, or will be
  write_record "$RECORDS/cluster-$PG_MAJOR" initialised
  rm -rf "$BULK"
  enter_upgrade_step handed-over
}

# Runs beside the server, by attempt: the upgrade is done; takes the new archive's first base backup, then removes the old data.
finish_upgrade() {
  read_upgrade_journal
  OLD="${UPGRADE[old]-}" OLD_MAJOR="${UPGRADE[from]-}"
  case "${UPGRADE[step]-}" in
    handed-over)
      if [ "${UPGRADE[keep_old]}" = true ]; then UPGRADE[kept]="$OLD.pre-upgrade"; fi
      record_upgrade "done" "$(upgrade_durations)"
      info "upgrade ${UPGRADE[id]} done: $(upgrade_durations)"
      enter_upgrade_step finishing-upgrade
      ;;
    finishing-upgrade) ;;
    *) return 0 ;;
  esac
  if [ -n "$PREFIX_VARIABLE" ]; then
    attempt backup.sh --new-timeline
    if ((STATUS != 0)); then
      error "upgrade ${UPGRADE[id]} is done, but there is no base backup of PostgreSQL $PG_MAJOR yet (exit code $STATUS, above): the old data stay, and the next start tries again"
      return 0
    fi
  fi
  if [ -z "${UPGRADE[kept]-}" ]; then rm -rf "$OLD.pre-upgrade"; fi
  rm -f "$UPGRADE_COLLATIONS"
  remove_old_stashes
  close_upgrade
}

# Prints the seconds between two steps. Arguments: the earlier, the later.
between() { echo "$((UPGRADE[$2_at] - UPGRADE[$1_at]))"; }

# Prints how long the steps took, and the way back.
upgrade_durations() {
  UPGRADE[done_at]="$EPOCHSECONDS"
  printf 'PostgreSQL %s -> %s, mode %s; preflight %s s, backup %s s, pg_upgrade %s s, verified %s s, total %s s; the way back: %s' \
    "$OLD_MAJOR" "$PG_MAJOR" "${UPGRADE[mode]}" "$(between asked backing-up)" "$(between backing-up upgrading)" \
    "$(between upgrading starting)" "$(between starting handing-over)" "$(between started "done")" \
    "${UPGRADE[kept]:-the base backup in the archive of PostgreSQL $OLD_MAJOR}"
  describe_warnings
}
