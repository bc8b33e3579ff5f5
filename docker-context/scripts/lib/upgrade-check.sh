# What an upgrade needs, looked at before anything is touched. Functions that fail say why in PROBLEM, with the way out.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly NEW_CATALOGS=$((256 * 1048576)) # bytes of an empty cluster, its WAL and what pg_upgrade writes, rounded up

# Prints a field of pg_controldata of the old data, by their own program.
# Arguments: field.
old_control() { with_old_libraries env LC_ALL=C "$OLD_BIN/pg_controldata" -D "$OLD" 2>/dev/null | sed -n "s/^$1: *//p"; }

# What can be seen without a server. Needs OLD and OLD_MAJOR.
check_old_data() {
  local checksums
  if [ -z "$PREFIX_VARIABLE" ] && [ "$REHEARSAL" = false ]; then
    PROBLEM="no backup is configured, and after the upgrade the backup is the way back: set a prefix such as WALG_S3_PREFIX"
  elif ((OLD_MAJOR + 1 != PG_MAJOR)); then
    PROBLEM="PostgreSQL $OLD_MAJOR -> $PG_MAJOR is more than one major: upgrade to $((OLD_MAJOR + 1)) first"
  elif [ "$OLD" != "$VOLUME/$OLD_MAJOR/docker" ]; then
    PROBLEM="the data lie in $OLD; only those in $VOLUME/$OLD_MAJOR/docker can be upgraded: move them there"
  elif [ -e "$JOURNAL_FILE" ] && ! grep -qx 'step=finishing' "$JOURNAL_FILE"; then
    PROBLEM="a restore of PostgreSQL $OLD_MAJOR is under way: start the image of PostgreSQL $OLD_MAJOR until it is done"
  elif [ -n "$(tablespaces_in "$OLD")" ]; then
    PROBLEM="tablespaces are in use ($(tablespaces_in "$OLD")), which base backups and upgrades here don't cover: with the image of PostgreSQL $OLD_MAJOR, move what is in them to pg_default and drop them"
  elif ! use_stash "$OLD_MAJOR"; then
    return 1
  else
    checksums="$(old_control 'Data page checksum version')"
    if [ -z "$checksums" ]; then
      PROBLEM="the control file of $OLD can't be read: restore a backup with the image of PostgreSQL $OLD_MAJOR"
    elif [ "$checksums" = 0 ] && wants_checksums; then
      PROBLEM="the data have no page checksums, and new clusters have them: switch them on with the image of PostgreSQL $OLD_MAJOR (pg_checksums --enable on the stopped server), or keep going without: POSTGRES_INITDB_ARGS=--no-data-checksums"
    elif [ "$checksums" != 0 ] && ! wants_checksums; then
      PROBLEM="the data have page checksums and POSTGRES_INITDB_ARGS asks for none: take --no-data-checksums out"
    else
      check_upgrade_room
      return
    fi
  fi
  return 1
}

# Exit: 0 when a cluster that this image makes has page checksums.
wants_checksums() { [[ " ${POSTGRES_INITDB_ARGS-} " != *" --no-data-checksums "* ]]; }

# Checks that what the mode copies fits on the volume.
check_upgrade_room() {
  local needed="$NEW_CATALOGS" free old
  if [ "$PG_UPGRADE_MODE" = copy ]; then
    needed=$((needed + $(du -s -B1 --exclude=pg_wal "$OLD" | cut -f 1)))
  fi
  free="$(df --output=avail -B1 "$VOLUME" | tail -n 1)"
  # what a former attempt left is removed first
  for old in "$NEW_STAGING" "$PGDATA.undone"; do
    if [ -d "$old" ]; then free=$((free + $(du -s -B1 "$old" | cut -f 1))); fi
  done
  if ((needed > free)); then
    PROBLEM="the volume is too small for mode $PG_UPGRADE_MODE: room needed $((needed / MIB)) MiB, found $((free / MIB)) MiB; grow it$(
      if [ "$PG_UPGRADE_MODE" = copy ]; then printf ', or use link'; fi
    )"
    return 1
  fi
}

# Checks that the archive of the new major is empty: segments of two systems would collide there.
check_new_archive() {
  [ "$REHEARSAL" = true ] || archive_is_empty || {
    PROBLEM="$PROBLEM. What an upgrade that was undone has left there is to be removed first"
    return 1
  }
}

# What only a server can say. Arguments: socket's folder or host of the old server.
check_old_server() {
  local answer database missing=() databases
  ask_old "$1" postgres "SELECT string_agg(format('%s of %s in %s', gid, owner, database), ', ') FROM pg_prepared_xacts" || return
  if [ -n "$answer" ]; then
    PROBLEM="transactions are prepared and neither committed nor rolled back: $answer. With the image of PostgreSQL $OLD_MAJOR: COMMIT PREPARED or ROLLBACK PREPARED"
    return 1
  fi
  ask_old "$1" postgres "SELECT string_agg(slot_name, ', ') FROM pg_replication_slots WHERE NOT temporary" || return
  if [ -n "$answer" ]; then
    PROBLEM="replication slots would be lost: $answer. With the image of PostgreSQL $OLD_MAJOR: let their consumers finish, then pg_drop_replication_slot"
    return 1
  fi
  databases="$(private_databases "$1")" || {
    PROBLEM="the databases of PostgreSQL $OLD_MAJOR can't be listed (above)"
    return 1
  }
  while IFS= read -r database; do
    ask_old "$1" "$database" 'SELECT extname FROM pg_extension' || return
    for answer in $answer; do
      if ! [ -e "/usr/share/postgresql/$PG_MAJOR/extension/$answer.control" ]; then missing+=("$answer (database $database)"); fi
    done
  done <<<"$databases"
  if ((${#missing[@]} > 0)); then
    printf -v answer '%s, ' "${missing[@]}"
    PROBLEM="this image lacks extensions that are in use: ${answer%, }. Use an image that has them, or drop them with the image of PostgreSQL $OLD_MAJOR"
    return 1
  fi
}

# Sets answer. Arguments: socket's folder or host, database, SQL. Exit: 1 with PROBLEM.
ask_old() {
  if answer="$(private_sql "$1" "$2" -c "$3" 2>"$RUN/old-server-error")"; then return 0; fi
  PROBLEM="the server of PostgreSQL $OLD_MAJOR can't be asked: $(<"$RUN/old-server-error")"
  return 1
}

# Writes the WAL-G environment of the old major's archive. Prints its path.
old_archive_environment() {
  local file="$RUN/walg-$OLD_MAJOR.env"
  cat >"$file" <<EOF
. $WALG_ENV || return 1
export $PREFIX_VARIABLE="\${$PREFIX_VARIABLE%/*}/$OLD_MAJOR"
export PG_MAJOR=$OLD_MAJOR PGDATA=$OLD
EOF
  echo "$file"
}

# Looks whether the archive of the old major leads back here: its newest base backup is whole, opens with the key of today, ended
# no longer ago than PG_UPGRADE_BACKUP_MAX_AGE, and WAL follows it without a gap. Exit: 1 when it does not; PROBLEM says why.
# Runs in a subshell of its own, because it loads the credentials. Prints the backup, or why it does not count.
fresh_backup() {
  local name PROBLEM=''
  local -A way=()
  # shellcheck disable=SC1090 # written just now
  . "$(old_archive_environment)" || {
    echo "a secret of the archive can't be read"
    return 1
  }
  PLANS="$RUN/plans.$BASHPID" OLD_WAL='' SEGMENT_BYTES="$(old_control 'Bytes per WAL segment')"
  mkdir -p "$PLANS"
  if read_archive && plan_way_back; then
    read_fields way "$PLANS/way.plan"
    PROBLEM="${way[problem]}"
    for name in ${way[chain]-}; do
      [ -n "$PROBLEM" ] || { is_whole_backup "$name" && opens_with_key "$name"; } || break
    done
  fi
  rm -rf "$PLANS"
  echo "${PROBLEM:-${way[backup]}}"
  [ -z "$PROBLEM" ]
}

# Exit: 1 when the archive can't be understood; PROBLEM says why.
plan_way_back() {
  local timeline
  timeline="$(old_control "Latest checkpoint's TimeLineID")"
  if ((timeline > 1)); then read_history "$timeline" archive || return; fi
  ask_planner way "timeline=$timeline" "segment_bytes=$SEGMENT_BYTES" "system=$(old_control 'Database system identifier')" \
    "max_age=$PG_UPGRADE_BACKUP_MAX_AGE" "now=$EPOCHSECONDS"
}
