# The first step of a restore: what must be known before anything is touched.
# Reads PLAN, REQUEST, ARCHIVE_REQUEST and ARCHIVE_REQUEST_TEXT.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # arrays and results are shared between the files

# Makes the plan for REQUEST, a new one. Sets PLAN, and PROBLEM: empty, or why it is refused, with what could be reached.
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

# Exit: 0 when the archive does not know the id either: a lost volume or record takes its own knowledge along. Else, or when the
# archive can't be queried, PROBLEM says so.
id_is_new() {
  if [[ "${REQUEST[id]}" == @(|"$CLONE") ]]; then return 0; fi
  archive_request_state "${REQUEST[id]}" || return 1
  if [ -z "$ARCHIVE_REQUEST" ]; then return 0; fi
  PROBLEM="this id was used before, as the archive knows (it is $ARCHIVE_REQUEST: $ARCHIVE_REQUEST_TEXT), and an id is used once: ask with a new id; for the newest data, to: latest"
  return 1
}

# Sets PROBLEM: why this stack may not restore its own archive onto a volume without data and continue it; else empty.
look_at_owner() {
  if [ "${REQUEST[id]}" = "$CLONE" ] || [ -n "${REQUEST[from]}" ] || [ -s "$PGDATA/PG_VERSION" ]; then return 0; fi
  takeover_problem
}

# Searches PLAN's base backups for tablespaces. Runs by attempt, in whose child it loads the credentials. Exit: 1; PROBLEM.
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
