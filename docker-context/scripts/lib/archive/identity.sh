# Who owns the archive: two databases with the same prefix must both keep all of their backups. An owner is an object
# owners/<uuid>.json in the archive that no other one replaces; its volume knows the uuid. A stranger archives nothing, deletes
# nothing and takes no backup, but keeps serving. Records: `archive` below .postgres-stack: uuid, prefix_<major> (claimed there),
# takeover, collision_<major>; in memory ARCHIVE_IDENTITY: owner, or `stranger: ` or `unknown: ` and the reason; then the prefix.
# Sets IDENTITY, IDENTITY_WHY and VOLUME_ARCHIVE.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly ARCHIVE_RECORD="$RECORDS/archive"
readonly ARCHIVE_IDENTITY="$RUN/archive-identity"
readonly IDENTITY_TRUSTED=300 # seconds for which archive-wal trusts the last answer
readonly IS_STRANGER=3

declare -A VOLUME_ARCHIVE=()

# Finds out who owns the archive, claims an unowned one, and logs problems. Never fails. Sets what find_identity does.
# Arguments: time limit in seconds.
settle_identity() {
  find_identity "$1"
  case "$IDENTITY" in
    stranger) error "$(stranger_text)" ;;
    unknown) warn "whether the archive is this database's is not known yet: $IDENTITY_WHY; it is asked again later" ;;
  esac
}

# The same without logging. Sets IDENTITY (owner, stranger, unknown; empty without an archive) and IDENTITY_WHY.
# Arguments: time limit in seconds; `human` for a takeover by order; segment to be archived.
find_identity() {
  IDENTITY='' IDENTITY_WHY=''
  if ! [ -e "$WALG_ENV" ]; then return 0; fi
  attempt ask_identity "$1" "${2-}" "${3-}"
  if ((STATUS != 0)); then
    attempt write_identity "unknown: ${PROBLEM:-it can not be asked (above)}" ''
  fi
  read_identity
}

# Prints the message for a stranger.
stranger_text() {
  echo "the archive is not this database's: $IDENTITY_WHY. Nothing is archived, backed up or deleted there, and the database serves on: give it a prefix of its own; where it replaces the one that wrote there, run backup.sh --take-over"
}

# Sets IDENTITY, IDENTITY_WHY and IDENTITY_PREFIX from the last answer.
read_identity() {
  local first=''
  IDENTITY='' IDENTITY_WHY='' IDENTITY_PREFIX=''
  if [ -e "$ARCHIVE_IDENTITY" ]; then
    { read -r first && read -r IDENTITY_PREFIX; } <"$ARCHIVE_IDENTITY" || true
  fi
  IDENTITY="${first%%: *}"
  if [[ "$first" == *": "* ]]; then IDENTITY_WHY="${first#*: }"; fi
}

# Arguments: first line, prefix.
write_identity() {
  printf '%s\n%s\n' "${1//$'\n'/ }" "$2" >"$ARCHIVE_IDENTITY.new"
  mv -f "$ARCHIVE_IDENTITY.new" "$ARCHIVE_IDENTITY"
}

# Exit: 0 when this database owned the archive within the last minutes. Needs WAL-G's environment.
identity_is_fresh() {
  local asked
  read_identity
  asked="$(stat -c %Y "$ARCHIVE_IDENTITY" 2>/dev/null || echo 0)"
  [[ "$IDENTITY" == owner && "$IDENTITY_PREFIX" == "$(archive_prefix)" ]] && ((EPOCHSECONDS - asked < IDENTITY_TRUSTED))
}

# Ends the process, a child of attempt, with the reason as PROBLEM. Arguments: reason.
not_known() {
  PROBLEM="$1"
  exit 1
}

# Queries the archive and writes the answer. A lock serialises possible claims. Runs by attempt. Arguments: as find_identity.
ask_identity() {
  local folder="$RUN/identity" verdict='' uuids='' why='' live='' ASK_UNTIL=$((SECONDS + $1)) ASKING lock="$RUN/identity.lock"
  if [ -w "$RECORDS" ]; then lock="$ARCHIVE_RECORD.lock"; fi
  exec {ASKING}>"$lock"
  flock -w "$1" "$ASKING" || not_known "another process asks for it already"
  load_walg_env || not_known "$WALG_ENV or a secret it names can't be read"
  # an unmounted folder looks empty
  if [ -n "${WALG_FILE_PREFIX-}" ] && ! [ -d "$WALG_FILE_PREFIX" ]; then not_known "$WALG_FILE_PREFIX does not exist"; fi
  if [ -e "$folder" ]; then rm -rf "$folder"; fi
  mkdir "$folder"
  read_fields VOLUME_ARCHIVE "$ARCHIVE_RECORD"
  gather_owners "$folder"
  plan_identity "$folder" "$2" "$3"
  if [ "$verdict" = unowned ]; then
    gather_evidence "$folder"
    plan_identity "$folder" "$2" "$3"
  fi
  become_owner "$folder" "$2" "$3"
  case "$verdict" in
    owner) write_identity owner "$(archive_prefix)" ;;
    stranger) write_identity "stranger: $why" "$(archive_prefix)" ;;
    *) not_known "a claim of this database does not show in the archive" ;;
  esac
  rm -rf "$folder"
}

# Carries out the plan. Sets verdict: owner or stranger. Arguments: as plan_identity.
become_owner() {
  if [[ "$verdict" == @(claim|takeover|adopt|withdraw) ]] && ! [ -w "$RECORDS" ]; then
    not_known "the database's own container has not claimed it yet; it does so as soon as it reaches the store"
  fi
  if [ "$verdict" = rename ]; then
    if [ -w "$RECORDS" ]; then put_owner "$uuids"; fi
    verdict=owner
  fi
  case "$verdict" in
    claim) claim '' ;;
    takeover) claim "$uuids" ;;
    adopt)
      VOLUME_ARCHIVE[uuid]="$uuids" VOLUME_ARCHIVE[prefix_$PG_MAJOR]="$(archive_prefix)"
      # so that this volume is known as an old copy once another goes on
      write_record "$ARCHIVE_RECORD" "$(print_fields VOLUME_ARCHIVE)" adopt
      ;;
  esac
  if [[ "$verdict" == @(claim|takeover|adopt|withdraw) ]]; then confirm "$@"; fi
  if [ "$verdict" = owner ] && [ -w "$RECORDS" ]; then be_owner "$1" "$2"; fi
}

# Reads the owners and the live timeline. Exit: 1 when they can't be read. Arguments: folder.
gather_owners() {
  read_objects_into 'owners/*.json' "$1/owners" || return
  read_objects_into live.json "$1/live.json" || return
  if ! [ -s "$1/live.json" ]; then rm "$1/live.json"; fi
}

# Reads whose base backups and WAL are in an archive without owners. Exit: 1 when they can't be read. Arguments: folder.
gather_evidence() {
  local newest
  list_backups_into "$1/backups.json" || return
  : >"$1/wal-system"
  walg_into "$1/wal" st ls wal_005/ || return
  newest="$(awk '$1 == "obj" && $NF ~ /^[0-9A-F]+(\.[a-z0-9]+)?$/ && $NF > newest { newest = $NF } END { print newest }' "$1/wal")"
  rm -f "$1/wal"
  if [ -n "$newest" ]; then system_of_segment "$newest" "$1/wal-system"; fi
}

# Writes the system identifier from a stored segment's header into a file. Arguments: the segment's full name, file.
system_of_segment() {
  local options=(--decrypt) header
  if [[ "$1" == *.* ]]; then options+=(--decompress); fi
  run_walg "$STORE_SECONDS" "$NO_BOUND" st cat "${options[@]}" "wal_005/$1" 2>/dev/null |
    perl -e 'read STDIN, $_, 32; print; 1 while read STDIN, $_, 65536' >"$2.header" ||
    not_known "WAL segment $1 of the archive, which would tell whose it is, can't be read: is the key of encryption the right one?"
  [ "$(stat -c %s "$2.header")" = 32 ] || not_known "WAL segment $1 of the archive is cut short"
  header="$(od -An -tu8 -j 24 -N 8 "$2.header")"
  echo "${header// /}" >"$2"
}

# Sets verdict, uuids, why and live. Arguments: folder, takeover by order, segment to be archived.
plan_identity() {
  local prefix fields claimed='' takeover="$2" collision="${VOLUME_ARCHIVE[collision_$PG_MAJOR]-}"
  prefix="$(archive_prefix)"
  # the colliding segment may be sent again: whoever removed the other copy wants it stored
  if [[ "${collision#* }" != "$prefix" || "${collision%% *}" == "$3" || -n "$2" ]]; then collision=''; fi
  if [ "${VOLUME_ARCHIVE[prefix_$PG_MAJOR]-}" = "$prefix" ]; then claimed=1; fi
  if [ -z "$takeover" ] && [ "${VOLUME_ARCHIVE[takeover]-}" = "$prefix" ]; then takeover=1; fi
  fields=("uuid=${VOLUME_ARCHIVE[uuid]-}" "claimed=$claimed" "takeover=$takeover" "collision=${collision%% *}" "prefix=$prefix"
    "owner=$(archive_owner)" "system=$(system_of_data "$PGDATA")" "timeline=$(timeline_of_data "$PGDATA" "$3")" "cloned_from=$(cloned_from)")
  run_identity_plan "$1" "${fields[@]}"
}

# Sets verdict, uuids, why and live. Arguments: folder, the plan's fields.
run_identity_plan() {
  local word rest
  verdict='' uuids='' why='' live=''
  perl "$LIB/planner/planner.pl" identity "$@" >"$1/plan" 2>"$1/plan.err" || not_known "$(tail -n 1 "$1/plan.err")"
  while read -r word rest; do
    case "$word" in
      verdict) read -r verdict uuids <<<"$rest" ;;
      why) why="$rest" ;;
      live) live="$rest" ;;
    esac
  done <"$1/plan"
}

# Sets PROBLEM: why a restore onto a volume without data may not take over the archive, judged by its owner's name; empty when it
# may, or when the archive can't be queried.
takeover_problem() {
  attempt judge_owners "$(read_field "$ARCHIVE_RECORD" uuid)" '' "$(archive_owner)"
  if ((STATUS != IS_STRANGER)); then
    PROBLEM=''
    return 0
  fi
  PROBLEM="the archive can't be taken over by a restore: $PROBLEM. Restore from it with a prefix of this database's own (RESTORE_FROM), or clone it"
}

# Runs by attempt. Arguments: uuid, system, owner. Exit: IS_STRANGER, with the reason as PROBLEM.
judge_owners() {
  local folder="$RUN/judged" verdict='' uuids='' why='' live='' ASK_UNTIL=$((SECONDS + STORE_SECONDS))
  load_walg_env || not_known "$WALG_ENV or a secret it names can't be read"
  local fields=("uuid=$1" "system=$2" "owner=$3" claimed=1 "prefix=$(archive_prefix)")
  if [ -e "$folder" ]; then rm -rf "$folder"; fi
  mkdir "$folder"
  gather_owners "$folder" || exit
  run_identity_plan "$folder" "${fields[@]}"
  if [ "$verdict" = unowned ]; then
    gather_evidence "$folder" || exit
    run_identity_plan "$folder" "${fields[@]}"
  fi
  rm -rf "$folder"
  if [ "$verdict" = stranger ]; then
    PROBLEM="$why"
    exit "$IS_STRANGER"
  fi
}
