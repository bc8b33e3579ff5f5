# A database's identity for its archive, the claim by which it owns the archive, and what the volume remembers of both.
# Sets VOLUME_ARCHIVE; reads PREFIX_VARIABLE.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

# Prints this database's name; a Job has only the volume's record.
archive_owner() {
  if [ -n "${VOLUME_OWNER-}" ]; then echo "$VOLUME_OWNER"; else read_record "$RECORDS/owner"; fi
}

# Prints the system identifier of data of any major: the control file begins with it. Arguments: data folder.
system_of_data() {
  local control="$1/global/pg_control"
  [ -e "$control" ] || control+=.old # pg_upgrade has started to link
  control="$(od -An -tu8 -N8 "$control")"
  echo "${control// /}"
}

# Prints the newest timeline of data of any major, from their histories, the control file and the segment to be archived.
# Arguments: data folder, segment.
timeline_of_data() {
  local newest=1 name
  for name in "$1"/pg_wal/????????.history "$2" "$(control_timeline "$1")"; do
    name="${name##*/}"
    if [[ "${name:0:8}" =~ ^[0-9A-F]{8}$ ]] && ((16#${name:0:8} > newest)); then newest=$((16#${name:0:8})); fi
  done
  echo "$newest"
}

# Prints the timeline of the last checkpoint as 8 digits; nothing for data of another major. Arguments: data folder.
control_timeline() {
  local bin="/usr/lib/postgresql/$PG_MAJOR/bin/pg_controldata" timeline
  [ -x "$bin" ] || return 0
  timeline="$(LC_ALL=C "$bin" -D "$1")"
  if [[ "$timeline" =~ Latest\ checkpoint\'s\ TimeLineID:\ *([0-9]+) ]]; then printf '%08X' "${BASH_REMATCH[1]}"; fi
}

# Prints the archive that this volume was cloned from; nothing when it is no clone.
cloned_from() {
  local request from
  request="$(read_field "$RECORDS/restores/clone.restore" request)"
  if [[ "$request" =~ \ from=([^\ ]*) ]]; then
    from="${BASH_REMATCH[1]#file://}"
    echo "${from%/}"
  fi
}

# Stores this volume's claim. Writes its uuid to the volume first, so that a kill in between leaves no unknown claim. Needs
# WAL-G's environment. Arguments: uuids that it replaces, separated by commas.
claim() {
  if [ -z "${VOLUME_ARCHIVE[uuid]-}" ] || [ -n "$1" ]; then VOLUME_ARCHIVE[uuid]="$(</proc/sys/kernel/random/uuid)"; fi
  unset "VOLUME_ARCHIVE[prefix_$PG_MAJOR]"
  write_record "$ARCHIVE_RECORD" "$(print_fields VOLUME_ARCHIVE)" claim
  put_owner "$1"
}

# Arguments: uuids that this volume's claim replaces, separated by commas.
put_owner() {
  local list=''
  if [ -n "$1" ]; then list="\"${1//,/\",\"}\""; fi
  put_object "owners/${VOLUME_ARCHIVE[uuid]}.json" "$(json_object "uuid=${VOLUME_ARCHIVE[uuid]}" "system=$(system_of_data "$PGDATA")" \
    "owner=$(archive_owner)" "replaces:=[$list]" "at:=$EPOCHSECONDS")"
}

# Checks again after a claim: a simultaneous claim is visible by now, and then both databases withdraw theirs. Sets verdict.
# Arguments: as plan_identity.
confirm() {
  gather_owners "$1"
  plan_identity "$@"
  if [ "$verdict" = withdraw ]; then
    remove_object "owners/${VOLUME_ARCHIVE[uuid]}.json"
    verdict=stranger why+=", which came at the same moment; asked again later"
  fi
}

# Records on the volume that this database owns the archive, and marks the live timeline there if the mark is missing. Needs
# WAL-G's environment. Arguments: folder, `human` for a takeover by order.
be_owner() {
  local prefix before timeline taken="${VOLUME_ARCHIVE[takeover]-}"
  prefix="$(archive_prefix)"
  before="$(print_fields VOLUME_ARCHIVE)"
  VOLUME_ARCHIVE[prefix_$PG_MAJOR]="$prefix"
  unset 'VOLUME_ARCHIVE[takeover]'
  if [ -n "$2" ]; then unset "VOLUME_ARCHIVE[collision_$PG_MAJOR]"; fi
  if [ "$(print_fields VOLUME_ARCHIVE)" != "$before" ]; then
    store_histories
    write_record "$ARCHIVE_RECORD" "$(print_fields VOLUME_ARCHIVE)" owner-of-archive
    info "the archive $prefix is this database's"
  fi
  timeline="$(timeline_of_data "$PGDATA" '')"
  # an archive that this database left and uses again does not know the timelines in between
  if ! [ -e "$1/live.json" ] || [ "$taken" = "$prefix" ] || [ -n "$2" ] || ((${live:-0} < timeline)); then
    mark_live "$timeline"
  fi
}

# The data were replaced on purpose, so the archive follows them: the next check takes it over if it belongs to this volume, to
# this owner, or to this system without an owner's name.
permit_takeover() {
  local -A VOLUME_ARCHIVE
  if [ -z "$PREFIX_VARIABLE" ]; then return 0; fi
  read_fields VOLUME_ARCHIVE "$ARCHIVE_RECORD"
  VOLUME_ARCHIVE[takeover]="$(versioned_prefix "${!PREFIX_VARIABLE}")"
  write_record "$ARCHIVE_RECORD" "$(print_fields VOLUME_ARCHIVE)" takeover
}

# Records that the archive holds different content for a segment. Needs WAL-G's environment. Arguments: segment.
remember_collision() {
  local -A VOLUME_ARCHIVE
  read_fields VOLUME_ARCHIVE "$ARCHIVE_RECORD"
  VOLUME_ARCHIVE[collision_$PG_MAJOR]="$1 $(archive_prefix)"
  write_record "$ARCHIVE_RECORD" "$(print_fields VOLUME_ARCHIVE)" collision
  rm -f "$ARCHIVE_IDENTITY"
}

# Clears that record once the segment is stored. Needs WAL-G's environment. Arguments: segment.
forget_collision() {
  local -A VOLUME_ARCHIVE
  read_fields VOLUME_ARCHIVE "$ARCHIVE_RECORD"
  if [ -z "${VOLUME_ARCHIVE[collision_$PG_MAJOR]-}" ]; then return 0; fi
  if [ "${VOLUME_ARCHIVE[collision_$PG_MAJOR]}" != "$1 $(archive_prefix)" ]; then return 0; fi
  unset "VOLUME_ARCHIVE[collision_$PG_MAJOR]"
  write_record "$ARCHIVE_RECORD" "$(print_fields VOLUME_ARCHIVE)" collision
}
