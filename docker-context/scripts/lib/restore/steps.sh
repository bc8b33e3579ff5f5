# A restore, step by step. The journal records each step before it is taken, so that the next boot knows where it stopped:
#   requested  the preflight: nothing has been touched
#   fetching   fetches the base backup into <PGDATA>.restore; begins again after a kill
#   recovering a private server replays WAL there; continues after a kill, but fetches all of it again after a restart of the
#              machine: nothing is synced to the disk before `stopped`
#   verifying  that server has been promoted and is being checked
#   stopped    it was stopped cleanly
#   swapping   PGDATA becomes .pre-restore, .restore becomes PGDATA; from here on the restore is finished, not given up
#   swapped    the server starts on the restored data; done once it has answered as a primary with the right passwords
#   finishing  takes a base backup of the new timeline, then removes the journal
#   undoing    PGDATA becomes .undone, .pre-restore becomes PGDATA again
#   branching  a private server moves that to a new timeline; then the journal is removed
# Sets JOURNAL; reads REQUEST, VERDICT, PLAN and RECOVERED.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly BOOTS=5

# Gives up and keeps the old data: removes the staging folder, which may be what filled the volume, records an outcome, logs an
# error. Without old data, ends the process and records no outcome, so that the next boot tries again.
# Arguments: state (refused, failed, withdrawn), message.
give_up() {
  local title
  title="$(title "${JOURNAL[id]}")"
  rm -rf "$STAGING"
  end_reading
  if [ "${JOURNAL[old]}" = absent ]; then
    if [ "$1" = failed ]; then count_try "$2"; fi
    remove_record "$JOURNAL_FILE" closing
    die "$title $1: $2. There are no old data to serve, and nothing was initialised; the next start tries again"
  fi
  record_outcome "$1" "$2"
  close_journal
  error "$title $1: $2. The old data were not touched and serve on; for another attempt choose a new id"
}

# At boot, before the data are opened: finishes or gives up what an earlier boot began, then begins the present request.
settle_restore() {
  read_restore_journal
  drop_other_major
  drop_second_request
  read_request
  case "${JOURNAL[step]-}" in
    requested | fetching | recovering | verifying | stopped) resume_restore ;;
    swapping) swap ;;
    undoing) swap_back ;;
    branching) finish_undo ;;
  esac
  if [[ -n "${REQUEST[id]-}" && "${JOURNAL[step]-}" != @(undoing|branching) ]]; then
    begin_request
  fi
}

# Handles a restore of another major: only one that was to undo an upgrade yields to the upgraded data, which it has not touched.
drop_other_major() {
  local major="${JOURNAL[major]:-$PG_MAJOR}"
  if [ "$major" = "$PG_MAJOR" ]; then return 0; fi
  [[ "${JOURNAL[id]}" == undo-* && -s "$PGDATA/PG_VERSION" ]] ||
    die "$(title "${JOURNAL[id]}") of PostgreSQL $major is under way (step ${JOURNAL[step]}), this image runs $PG_MAJOR; nothing was touched: use the image of PostgreSQL $major until it is done"
  rm -rf "$VOLUME/$major/docker.restore"
  drop_journal
}

# Continues a restore that an earlier boot did not finish, if it is still wanted.
resume_restore() {
  local id="${JOURNAL[id]}" boots=$((JOURNAL[boots] + 1)) state
  state="$(outcome_of "$id" state)"
  if [ -n "$state" ]; then
    # it was interrupted while giving up
    rm -rf "$STAGING"
    close_journal
    read_request
  elif [[ "${REQUEST[id]-}" != "$id" || "${JOURNAL[request]}" != "$(request_text REQUEST)" || "${REQUEST[undo]}" = true ]]; then
    give_up withdrawn "the request was withdrawn or changed at step ${JOURNAL[step]}"
    read_request
  elif ((boots > BOOTS)); then
    give_up failed "it was interrupted $BOOTS times, last at step ${JOURNAL[step]}"
  else
    info "$(title "$id") was interrupted at step ${JOURNAL[step]} and goes on"
    JOURNAL[boots]="$boots"
    enter_step "${JOURNAL[step]}"
    run_restore
  fi
}

# Begins a request that has no journal yet, or says why not.
begin_request() {
  local VERDICT PROBLEM
  judge_request
  case "$VERDICT" in
    begin) begin_restore ;;
    undo) begin_undo ;;
    settled) forget_request "${REQUEST[id]}" "${REQUEST[undo]}" ;;
    spent)
      [ -s "$PGDATA/PG_VERSION" ] || die "$PROBLEM. There are no data to serve; nothing was touched"
      warn "$PROBLEM"
      forget_request "${REQUEST[id]}" "${REQUEST[undo]}"
      ;;
    refused) decline "$PROBLEM" ;;
  esac
}

# Refuses a request without recording it. Ends the process when there are no data to serve.
# Arguments: message.
decline() {
  [ -s "$PGDATA/PG_VERSION" ] || die "$1. There are no data to serve; nothing was touched"
  error "$1. Nothing was touched, the data serve on"
  forget_request "${REQUEST[id]}" "${REQUEST[undo]}"
}

begin_restore() {
  JOURNAL=([id]="${REQUEST[id]}" [to]="${REQUEST[to]}" [request]="$(request_text REQUEST)"
  [keep_old]="${REQUEST[keep_old]}" [major]="$PG_MAJOR" [boots]=1 [old]=absent [started_at]="$EPOCHSECONDS")
  if [ "${REQUEST[id]}" = "$CLONE" ]; then
    check_archive_is_empty
  fi
  if [ -s "$PGDATA/PG_VERSION" ]; then
    JOURNAL[old]=present
  elif [ -n "$VOLUME_OWNER" ]; then
    write_record "$RECORDS/owner" "$VOLUME_OWNER"
  fi
  enter_step requested
  run_restore
}

# Runs the steps from the journal's on, up to the swap.
run_restore() {
  local PROBLEM=''
  case "${JOURNAL[step]}" in
    requested)
      archive_old_wal
      look_at_plan
      if [ -n "$PROBLEM" ]; then
        give_up refused "$PROBLEM"
        return
      fi
      start_fetching
      ;;
    fetching) bring_to_target ;;
    recovering | verifying)
      if [ "${JOURNAL[boot_id]-}" != "$(boot_id)" ]; then
        info "the machine restarted meanwhile, so what was fetched may not all have reached the disk: fetching anew"
        bring_to_target
      elif [ -d "$STAGING" ]; then
        recover_to_target
      else
        # it was interrupted while giving up
        bring_to_target
      fi
      ;;
    stopped) begin_swap ;;
  esac
}

# Archives the segments that the old server did not get to: they are the newest WAL, and later restores need them.
archive_old_wal() {
  local mark
  for mark in "$PGDATA/pg_wal/archive_status/"*.ready; do
    [ -e "$mark" ] || return 0
    mark="${mark##*/}"
    attempt archive-wal "$PGDATA/pg_wal/${mark%.ready}"
    if ((STATUS != 0)); then
      warn "WAL of the old data is not all archived (above); this restore reads it from the volume"
      return 0
    fi
  done
}

# Copies the plan into the journal.
start_fetching() {
  local name
  for name in kind target timeline system live old_wal bytes end backups promised; do
    JOURNAL["$name"]="${PLAN[$name]-}"
  done
  JOURNAL[backup]="${JOURNAL[backups]%% *}"
  info "${PLAN[window]}; ${PLAN[room]}; using ${JOURNAL[backup]}"
  bring_to_target
}

# Prints what changes when the machine restarts, or the pod moves; a unique value where the kernel does not say.
boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo "unknown at $EPOCHREALTIME"; }

bring_to_target() {
  JOURNAL[boot_id]="$(boot_id)"
  say_reading
  enter_step fetching
  attempt fetch_backup
  if ((STATUS != 0)); then
    give_up failed "$PROBLEM"
    return
  fi
  enter_step recovering
  recover_to_target
}

recover_to_target() {
  local rest RECOVERED
  say_still_reading
  recover
  if [ "$RECOVERED" = missed ]; then
    rest="${JOURNAL[backups]#"${JOURNAL[backup]}"}"
    if [ "${JOURNAL[kind]}" = time ] && [ "${JOURNAL[live]}" = true ]; then
      # nothing was committed between the end of the old data's WAL and the target
      info "no commit came after the target ${JOURNAL[to]}: the end of WAL is what it looked like then"
      JOURNAL[kind]=latest
      enter_step recovering
      recover_to_target
      return
    elif [ -n "$rest" ]; then
      JOURNAL[backups]="${rest# }"
      JOURNAL[backup]="${JOURNAL[backups]%% *}"
      info "${JOURNAL[to]} did not come after that base backup; trying the one before"
      bring_to_target
      return
    fi
  fi
  if [ "$RECOVERED" != promoted ]; then
    give_up failed "$PROBLEM"
    return
  fi
  enter_step verifying
  verify
  if [ -n "$PROBLEM" ]; then
    abandon_private
    give_up failed "$PROBLEM"
    return
  fi
  stop_private_server
  if [ -n "$PROBLEM" ]; then
    give_up failed "$PROBLEM"
    return
  fi
  enter_step stopped
  begin_swap
}
