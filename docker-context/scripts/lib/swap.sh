# Exchanging the data folders, and what follows: the end of a restore and its undoing. Which rename is still to be made shows
# in which folders exist, so a kill between two renames is finished by the next boot.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

begin_swap() {
  forget_collations
  if [ "${JOURNAL[old]}" = present ]; then
    write_record "$PRE_RESTORE_OF" "${JOURNAL[id]}"
  fi
  enter_step swapping
  swap
}

swap() {
  if [ -d "$STAGING" ] && [ -s "$PGDATA/PG_VERSION" ]; then
    publish_folder "$PGDATA" "$PRE_RESTORE" setting-aside
  fi
  if [ -d "$STAGING" ]; then
    publish_folder "$STAGING" "$PGDATA" publishing
  fi
  enter_step swapped
}

begin_undo() {
  local id="${REQUEST[id]}"
  rm -rf "$UNDONE"
  JOURNAL=([id]="$id" [request]="$(outcome_of "$id" request)")
  : "${JOURNAL[request]:=$(request_text REQUEST)}"
  enter_step undoing
  swap_back
}

swap_back() {
  forget_collations
  if [ -d "$PRE_RESTORE" ] && [ -s "$PGDATA/PG_VERSION" ]; then
    publish_folder "$PGDATA" "$UNDONE" setting-restored-aside
  fi
  if [ -d "$PRE_RESTORE" ]; then
    publish_folder "$PRE_RESTORE" "$PGDATA" putting-back
  fi
  record_outcome undone "the data from before the restore serve again; the restored ones are kept in $UNDONE"
  info "restore ${JOURNAL[id]} undone: the data from before it serve again, the restored ones are kept in $UNDONE"
  close_journal
}

# Behind the running server: the restore is done when that has answered as a primary; then the new timeline gets a base
# backup, without which it could only be restored through the old one.
finish_restore() {
  local title
  read_fields JOURNAL "$JOURNAL_FILE"
  title="$(title "${JOURNAL[id]-}")"
  case "${JOURNAL[step]-}" in
    swapped)
      [ "$(sql -c 'SELECT pg_is_in_recovery()')" = f ] || return 1
      record_outcome "done" "$(durations)"
      info "$title done: $(durations)"
      enter_step finishing
      ;;
    finishing) ;;
    *) return 0 ;;
  esac
  # backup.sh finds nothing to do when the server is being stopped
  if [ -n "$PREFIX_VARIABLE" ] && ! { backup.sh && pg_isready -q; }; then
    error "$title is done, but there is no base backup of timeline ${JOURNAL[new_timeline]} yet (above): the next start tries again"
    return 0
  fi
  if [ "${JOURNAL[keep_old]}" = false ]; then
    rm -rf "$PRE_RESTORE" "$PRE_RESTORE_OF"
  fi
  close_journal
}

# Prints how long the steps took.
durations() {
  printf 'timeline %s; fetch %s s, replay %s s, verify %s s, total %s s' "${JOURNAL[new_timeline]}" \
    "$((JOURNAL[recovering_at] - JOURNAL[fetching_at]))" "$((JOURNAL[verifying_at] - JOURNAL[recovering_at]))" \
    "$((JOURNAL[stopped_at] - JOURNAL[verifying_at]))" "$((EPOCHSECONDS - JOURNAL[started_at]))"
}
