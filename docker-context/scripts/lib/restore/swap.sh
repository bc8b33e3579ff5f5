# Exchanges the data folders and completes a restore or its undo. Which folders exist shows which rename is left, so the next boot
# finishes after a kill between two renames.
# Sets JOURNAL; reads REQUEST and PREFIX_VARIABLE.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # arrays and results are shared between the files

begin_swap() {
  end_reading
  forget_collations
  if [ "${JOURNAL[old]}" = present ]; then
    write_record "$PRE_RESTORE_OF" "${JOURNAL[id]}"
  fi
  rm -f "$TRIES_FILE"
  enter_step swapping
  swap
}

swap() {
  if [ "${JOURNAL[id]}" != "$CLONE" ]; then permit_takeover; fi
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
  JOURNAL=([id]="$id" [request]="$(outcome_of "$id" request)" [undo]=true [major]="$PG_MAJOR"
  [left]="$(newest_local_timeline)")
  : "${JOURNAL[request]:=$(request_text REQUEST)}"
  enter_step undoing
  swap_back
}

swap_back() {
  JOURNAL[undo]=true JOURNAL[major]="$PG_MAJOR" # journals of older images have neither
  : "${JOURNAL[left]:=$(newest_local_timeline)}"
  forget_collations
  if [ -d "$PRE_RESTORE" ] && [ -s "$PGDATA/PG_VERSION" ]; then
    publish_folder "$PGDATA" "$UNDONE" setting-restored-aside
  fi
  if [ -d "$PRE_RESTORE" ]; then
    publish_folder "$PRE_RESTORE" "$PGDATA" putting-back
  fi
  permit_takeover
  enter_step branching
  finish_undo
}

# The old data are back; moves them to a new timeline.
finish_undo() {
  branch_off "${JOURNAL[left]}"
  record_outcome undone "the data from before the restore serve again on timeline $(timeline_of "$PGDATA"); the restored ones are kept in $UNDONE"
  info "restore ${JOURNAL[id]} undone: the data from before it serve again on timeline $(timeline_of "$PGDATA"), the restored ones are kept in $UNDONE"
  # that timeline has no base backup yet
  JOURNAL[keep_old]=true
  enter_step finishing
  forget_request "${JOURNAL[id]}" true
}

# Runs beside the server: the restore is done once the server has answered as a primary; then the new timeline gets a base backup,
# without which only the old one leads to it. Exit: 1 when something is left to do; PROBLEM.
finish_restore() {
  local title
  read_restore_journal
  title="$(title "${JOURNAL[id]-}")"
  case "${JOURNAL[step]-}" in
    swapped)
      if [ "$(sql -c 'SELECT pg_is_in_recovery()')" != f ]; then
        PROBLEM="the server does not answer as a primary"
        return 1
      fi
      record_outcome "done" "$(durations)"
      info "$title done: $(durations)"
      enter_step finishing
      ;;
    finishing) ;;
    *) return 0 ;;
  esac
  if [ -n "$PREFIX_VARIABLE" ]; then
    if [ "${JOURNAL[id]}" != "$CLONE" ] && [ "${JOURNAL[undo]-}" != true ]; then record_archive_request "${JOURNAL[id]}" "done" "${JOURNAL[request]}"; fi
    attempt backup.sh --new-timeline
    if ((STATUS != 0)); then
      PROBLEM="$title is done, but there is no base backup of timeline ${JOURNAL[new_timeline]:-$(timeline_of "$PGDATA")} yet (above)"
      return 1
    fi
  fi
  if [ "${JOURNAL[keep_old]}" = false ]; then
    discard_old
  fi
  close_journal
}

# Removes the data from before the restore, unless an undo was requested meanwhile. Once the record of their restore is gone,
# restore.sh refuses to undo it.
discard_old() {
  lock_requests
  if undo_is_asked_for "${JOURNAL[id]}"; then
    info "$(title "${JOURNAL[id]}") is to be undone, so the data from before it are kept"
    unlock_requests
    return
  fi
  rm -f "$PRE_RESTORE_OF"
  unlock_requests
  rm -rf "$PRE_RESTORE"
}

# Prints how long the steps took.
durations() {
  printf 'timeline %s; fetch %s s, replay %s s, verify %s s, total %s s' "${JOURNAL[new_timeline]}" \
    "$((JOURNAL[recovering_at] - JOURNAL[fetching_at]))" "$((JOURNAL[verifying_at] - JOURNAL[recovering_at]))" \
    "$((JOURNAL[stopped_at] - JOURNAL[verifying_at]))" "$((EPOCHSECONDS - JOURNAL[started_at]))"
}
