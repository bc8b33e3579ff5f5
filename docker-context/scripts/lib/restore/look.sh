# The first step of a restore: what is to be known before anything is touched, and who is told that a base backup is read.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # arrays and results are shared between the files

readonly READING_SECONDS=21600 # for so long a base backup is spared when a restore dies; renewed after a third of it

# Makes the plan for REQUEST, which is a new one. Sets PLAN, and PROBLEM: empty, or why it is refused, with what could be reached.
look_at_plan() {
  PROBLEM=''
  if ! id_is_new; then return 0; fi
  look_at_owner
  if [ -n "$PROBLEM" ]; then return 0; fi
  plan_restore
  if [ -n "${PLAN[problem]}" ]; then
    PROBLEM="${PLAN[problem]}${PLAN[window]:+. ${PLAN[window]}}${PLAN[room]:+; ${PLAN[room]}}"
    return 0
  fi
  attempt find_tablespaces
  if ((STATUS == 0)); then PROBLEM=''; fi
}

# Exit: 0 when the archive does not know the id either: a volume that was lost, or a record, took its own knowledge along. Else, or
# when it can't be asked, PROBLEM says so.
id_is_new() {
  if [[ "${REQUEST[id]}" == @(|"$CLONE") ]]; then return 0; fi
  archive_request_state "${REQUEST[id]}" || return 1
  if [ -z "$ARCHIVE_REQUEST" ]; then return 0; fi
  PROBLEM="this id was used before, as the archive knows (it is $ARCHIVE_REQUEST: $ARCHIVE_REQUEST_TEXT), and an id is used once: ask with a new id; for the newest data, to: latest"
  return 1
}

# Sets PROBLEM: why this stack may not restore its own archive onto a volume without data and go on with it; else empty.
look_at_owner() {
  if [ "${REQUEST[id]}" = "$CLONE" ] || [ -n "${REQUEST[from]}" ] || [ -s "$PGDATA/PG_VERSION" ]; then return 0; fi
  takeover_problem
}

# Looks into the base backups of PLAN for tablespaces. Run by attempt, in whose child it loads the credentials. Exit: 1; PROBLEM.
find_tablespaces() {
  local name found
  # shellcheck disable=SC1090 # written by the entrypoint or just now
  . "$(archive_environment)"
  for name in ${PLAN[backups]}; do
    walg_into "$RUN/sentinel" st cat "basebackups_005/${name}_backup_stop_sentinel.json"
    found="$(perl -MJSON::PP -0777 -ne 'my $of = decode_json($_)->{Spec} or exit;
      print join ", ", map { "$_ in $of->{$_}{loc}" } sort grep { /^\d+$/ } keys %$of' "$RUN/sentinel")"
    if [ -n "$found" ]; then
      PROBLEM="base backup $name has tablespaces ($found), which are not covered: they would be written into the folders that are in use. Choose one that was taken before or after them (RESTORE_BACKUP)"
      return 1
    fi
  done
}

# Stores the segments that the old server had no time to archive: they are the newest WAL, and later restores need them.
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

# Takes the plan over into the journal.
start_fetching() {
  local name
  for name in kind target timeline system live old_wal bytes end backups promised; do
    JOURNAL["$name"]="${PLAN[$name]-}"
  done
  JOURNAL[backup]="${JOURNAL[backups]%% *}"
  info "${PLAN[window]}; ${PLAN[room]}; using ${JOURNAL[backup]}"
  bring_to_target
}

# Says in the archive that the base backup is read, so that its retention spares it, and the WAL after it.
say_reading() {
  READING_SAID="$SECONDS"
  : "${JOURNAL[reader]:=$(</proc/sys/kernel/random/uuid)}"
  attempt add_reader "$(archive_environment)" "${JOURNAL[reader]}" "${JOURNAL[backup]}" "$READING_SECONDS" "$(title "${JOURNAL[id]}")"
  ((STATUS == 0)) || warn "the archive can't be told that ${JOURNAL[backup]} is read ($PROBLEM): its retention may delete it meanwhile"
}

# Says so again in time. Called again and again.
say_still_reading() {
  if ((SECONDS - ${READING_SAID:--READING_SECONDS} >= READING_SECONDS / 3)); then say_reading; fi
}

# The reading is over, when there was any.
end_reading() {
  if [ -z "${JOURNAL[reader]-}" ]; then return 0; fi
  attempt remove_reader "$(archive_environment)" "${JOURNAL[reader]}"
  unset 'JOURNAL[reader]'
}
