# An upgrade request and its outcome. UPGRADE is the journal, the record .postgres-stack/upgrade; outcomes are
# upgrades/<id>.upgrade: each id works once. Sets OLD_MAJOR, OLD: the cluster that is or was upgraded.
# Sets VERDICT; reads PG_UPGRADE and PG_REINDEX_COLLATIONS.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly UPGRADE_FILE="$RECORDS/upgrade"
readonly UPGRADES="$RECORDS/upgrades"
readonly UPGRADE_WARNINGS="$RECORDS/upgrade-warnings" # what was left undone, one line each, for the outcome

declare -A UPGRADE=()

# Reads the request into PG_UPGRADE and PG_UPGRADE_*, with defaults, and the journal.
read_upgrade() {
  : "${PG_UPGRADE:=}" "${PG_UPGRADE_MODE:=link}" "${PG_UPGRADE_KEEP_OLD:=false}" "${PG_UPGRADE_BACKUP_MAX_AGE:=3600}"
  : "${PG_UPGRADE_UNDO:=false}" "${PG_UPGRADE_FORCE:=false}" "${PG_REINDEX_COLLATIONS:=false}"
  read_upgrade_journal
}

read_upgrade_journal() {
  read_journal UPGRADE "$UPGRADE_FILE" 'asked|backing-up|upgrading|upgraded|starting|handing-over|handed-over|finishing-upgrade|undoing-upgrade'
}

# Checks the form of the request, with the rest of the environment.
check_upgrade() {
  local name
  read_upgrade
  for name in PG_UPGRADE_KEEP_OLD PG_UPGRADE_UNDO PG_UPGRADE_FORCE PG_REINDEX_COLLATIONS; do
    [[ "${!name}" == @(true|false) ]] || refuse "$name: '${!name}' is neither true nor false"
  done
  if [ -z "$PG_UPGRADE" ]; then
    [ "$PG_UPGRADE_UNDO" = false ] || refuse "PG_UPGRADE: needed with PG_UPGRADE_UNDO: the id of the upgrade that is to be undone"
    return 0
  fi
  [[ "$PG_UPGRADE" =~ ^[A-Za-z0-9._-]{1,63}$ ]] || refuse "PG_UPGRADE: the id of an upgrade has 1 to 63 letters, digits, dots, underscores or hyphens"
  check_number PG_UPGRADE_BACKUP_MAX_AGE 0 1000000000
  case "$PG_UPGRADE_MODE" in
    link) [ "$PG_UPGRADE_KEEP_OLD" = false ] || refuse "PG_UPGRADE_KEEP_OLD: has no sense with the mode link, whose old files are the new ones: use copy or clone" ;;
    clone | copy) ;;
    swap) refuse "PG_UPGRADE_MODE: swap takes the old data apart, so a kill in its middle would leave neither: link takes as little room and leads back until the new server has started" ;;
    *) refuse "PG_UPGRADE_MODE: '$PG_UPGRADE_MODE' is none of link, clone, copy" ;;
  esac
}

# Prints what makes two requests with the same id equal.
upgrade_text() { printf 'to=%s mode=%s keep_old=%s' "$PG_MAJOR" "$PG_UPGRADE_MODE" "$PG_UPGRADE_KEEP_OLD"; }

# Prints one field of an id's outcome, nothing when it has none.
# Arguments: id, field.
upgrade_outcome() { read_field "$UPGRADES/$1.upgrade" "$2"; }

# Records the outcome of the journal's upgrade.
# Arguments: state (done, failed, withdrawn, undone), message.
record_upgrade() {
  # shellcheck disable=SC2034 # read by write_outcome
  local -A outcome=([state]="$1" [message]="$2")
  local name
  for name in request from to mode kept; do
    outcome["$name"]="${UPGRADE[$name]-}"
  done
  write_outcome outcome "$UPGRADES/${UPGRADE[id]}.upgrade" "upgrade-$1"
}

# Warns of what is left undone, and keeps it for the outcome of the upgrade under way, if any. Arguments: message, one line.
warn_later() {
  warn "$1"
  if [ -n "${UPGRADE[step]-}" ]; then printf '%s\n' "$1" >>"$UPGRADE_WARNINGS"; fi
}

# Prints these warnings for a message: the first few, and their number.
describe_warnings() {
  [ -s "$UPGRADE_WARNINGS" ] || return 0
  awk -v most=5 'NR <= most { list = list "; " $0 } END { printf "; left undone: %d%s%s", NR, list, (NR > most) ? "; and more, see the log" : "" }' "$UPGRADE_WARNINGS"
}

# Arguments: step.
enter_upgrade_step() { write_step UPGRADE "$UPGRADE_FILE" "$1" "upgrade ${UPGRADE[id]}"; }

close_upgrade() {
  rm -f "$UPGRADE_WARNINGS"
  remove_record "$UPGRADE_FILE" closing-upgrade
  UPGRADE=()
}

# Exit: 0 when the journal's upgrade can no longer return to the old data: with link, once the new server starts on them.
past_return() {
  case "${UPGRADE[step]-}" in
    starting) [ "${UPGRADE[mode]}" = link ] ;;
    handing-over | handed-over | finishing-upgrade) true ;;
    *) false ;;
  esac
}

# Prints the only folder on the volume with data of an older major; nothing when there is none or several.
old_cluster() {
  local folder found=()
  while IFS= read -r folder; do
    if [ -n "$folder" ] && (($(<"$folder/PG_VERSION") < PG_MAJOR)); then found+=("$folder"); fi
  done <<<"$(cluster_folders)"
  if ((${#found[@]} == 1)); then printf '%s' "${found[0]}"; fi
}

# Judges the request for a new upgrade. Touches nothing. Sets VERDICT and, except for the first, PROBLEM: begin, settled (done
# before, or nothing to do), refused.
judge_upgrade() {
  local state
  state="$(upgrade_outcome "$PG_UPGRADE" state)"
  VERDICT=refused PROBLEM=''
  OLD="$(old_cluster)"
  if [ "$state" = "done" ] && [ "$(upgrade_outcome "$PG_UPGRADE" to)" != "$PG_MAJOR" ]; then
    PROBLEM="upgrade $PG_UPGRADE was used before, for PostgreSQL $(upgrade_outcome "$PG_UPGRADE" from) -> $(upgrade_outcome "$PG_UPGRADE" to): choose a new id"
  elif [ "$state" = "done" ]; then
    VERDICT=settled PROBLEM="upgrade $PG_UPGRADE is done since $(upgrade_outcome "$PG_UPGRADE" at): $(upgrade_outcome "$PG_UPGRADE" message)"
  elif [ -n "$state" ]; then
    PROBLEM="upgrade $PG_UPGRADE was $state: $(upgrade_outcome "$PG_UPGRADE" message). For another attempt choose a new id"
  elif [ -s "$PGDATA/PG_VERSION" ]; then
    VERDICT=settled PROBLEM="upgrade $PG_UPGRADE: the data are of PostgreSQL $PG_MAJOR already"
  elif [ -z "$OLD" ]; then
    PROBLEM="upgrade $PG_UPGRADE: the volume holds $(describe_clusters), so there is nothing to upgrade to PostgreSQL $PG_MAJOR: leave the request out for a new database"
  else
    OLD_MAJOR="$(<"$OLD/PG_VERSION")"
    VERDICT=begin
  fi
}

# Prints which data are on the volume.
describe_clusters() {
  local folder found=()
  while IFS= read -r folder; do
    [ -z "$folder" ] || found+=("PostgreSQL $(<"$folder/PG_VERSION") in $folder")
  done <<<"$(cluster_folders)"
  if ((${#found[@]} == 0)); then
    printf 'no data'
  else
    printf -v found '%s, ' "${found[@]}"
    printf '%s' "${found%, }"
  fi
}
