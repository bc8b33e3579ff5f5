# Checks what an upgrade needs before anything is touched. Functions that fail say why in PROBLEM, with the way out.
# Sets PLANS, OLD_WAL and SEGMENT_BYTES; reads OLD_BIN, OLD, OLD_MAJOR, PREFIX_VARIABLE, REHEARSAL and POSTGRES_INITDB_ARGS.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly INDEXES_TOLD=20                 # of each database
readonly NEW_CATALOGS=$((256 * 1048576)) # bytes of an empty cluster, its WAL and what pg_upgrade writes, rounded up; or 8 segments

# Prints a field of pg_controldata of the old data, by their own major's program.
# Arguments: field.
old_control() { with_old_libraries env LC_ALL=C "$OLD_BIN/pg_controldata" -D "$OLD" 2>/dev/null | sed -n "s/^$1: *//p"; }

# Checks what needs no server. Needs OLD and OLD_MAJOR, and name_old_programs. Runs by attempt. Exit: 1; PROBLEM says why.
check_old_data() {
  check_old_place
  use_stash "$OLD_MAJOR"
  check_old_checksums
  check_upgrade_room
  check_new_archive
}

# Exit: 1; PROBLEM says why.
check_old_place() {
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
  else
    return 0
  fi
  return 1
}

# Exit: 1; PROBLEM says why.
check_old_checksums() {
  local checksums
  checksums="$(old_control 'Data page checksum version')"
  if [ -z "$checksums" ]; then
    PROBLEM="the control file of $OLD can't be read: restore a backup with the image of PostgreSQL $OLD_MAJOR"
  elif [ "$checksums" = 0 ] && wants_checksums; then
    PROBLEM="the data have no page checksums, and new clusters have them: switch them on with the image of PostgreSQL $OLD_MAJOR (pg_checksums --enable on the stopped server), or keep going without: POSTGRES_INITDB_ARGS=--no-data-checksums"
  elif [ "$checksums" != 0 ] && ! wants_checksums; then
    PROBLEM="the data have page checksums and POSTGRES_INITDB_ARGS asks for none: take --no-data-checksums out"
  else
    return 0
  fi
  return 1
}

# Exit: 0 when this image creates clusters with page checksums.
wants_checksums() { [[ " ${POSTGRES_INITDB_ARGS-} " != *" --no-data-checksums "* ]]; }

# Checks that what the mode copies fits on the volume.
check_upgrade_room() {
  local needed segment free old
  segment="$(old_control 'Bytes per WAL segment')"
  needed=$((8 * segment > NEW_CATALOGS ? 8 * segment : NEW_CATALOGS))
  if [ "$PG_UPGRADE_MODE" = copy ]; then
    needed=$((needed + $(du -s -B1 --exclude=pg_wal "$OLD" | cut -f 1)))
  fi
  free="$(df --output=avail -B1 "$VOLUME" | tail -n 1)"
  # leftovers of an earlier attempt are removed first
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

# Checks what only a server knows, and reports every obstacle, not just the first. Writes the files $BULK/objects: for each
# database its name, how many relations pg_dump locks, extensions that this image lacks, and invalid indexes; $BULK/encodings: how
# many databases and roles set a client encoding.
# Arguments: socket's folder or host of the old server. Exit: 1; PROBLEM says why.
check_old_server() {
  local answer found=()
  ask_old "$1" "SELECT string_agg(format('%s of %s in %s', gid, owner, database), ', ') FROM pg_prepared_xacts"
  if [ -n "$answer" ]; then found+=("transactions are prepared and neither committed nor rolled back: $answer (COMMIT PREPARED or ROLLBACK PREPARED)"); fi
  ask_old "$1" "SELECT string_agg(slot_name, ', ') FROM pg_replication_slots WHERE NOT temporary"
  if [ -n "$answer" ]; then found+=("replication slots would be lost: $answer (let their consumers finish, then pg_drop_replication_slot)"); fi
  ask_old "$1" "SELECT string_agg(quote_ident(datname), ', ') FROM pg_database WHERE NOT datallowconn AND datconnlimit <> -2 AND datname <> 'template0'"
  if [ -n "$answer" ]; then found+=("databases refuse connections, so pg_upgrade can't read them: $answer (ALTER DATABASE ... ALLOW_CONNECTIONS true, or DROP DATABASE)"); fi
  ask_old "$1" "SELECT string_agg(quote_ident(datname), ', ') FROM pg_database WHERE datconnlimit = -2"
  if [ -n "$answer" ]; then found+=("databases were dropped only in part: $answer (DROP DATABASE)"); fi
  ask_old "$1" "SELECT string_agg(quote_literal(name), ', ') FROM (SELECT datname AS name FROM pg_database UNION ALL SELECT rolname FROM pg_roles) AS names WHERE name ~ '[\n\r]'"
  if [ -n "$answer" ]; then found+=("names of databases or roles have a line break, which pg_upgrade does not take: $answer (ALTER ... RENAME)"); fi
  ask_old "$1" "SELECT count(*) FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setting ILIKE 'client_encoding=%'"
  echo "$answer" >"$BULK/encodings"
  read_old_objects "$1"
  answer="$(awk -F '\t' '$3 != "" { split($3, names, " "); for (i in names) list = list (list ? ", " : "") names[i] " (database " $1 ")" } END { printf "%s", list }' "$BULK/objects")"
  warn_of_invalid_indexes
  if [ -n "$answer" ]; then found+=("this image lacks extensions that are in use: $answer (use an image that has them, or DROP EXTENSION)"); fi
  if ((${#found[@]} > 0)); then
    printf -v answer '%s; ' "${found[@]}"
    PROBLEM="${answer%; }. With the image of PostgreSQL $OLD_MAJOR, as it says in parentheses, then come again"
    return 1
  fi
}

# Arguments: socket's folder or host of the old server. Exit: 1; PROBLEM says why.
read_old_objects() {
  local here
  here="$(find "/usr/share/postgresql/$PG_MAJOR/extension" -name '*.control' -printf '%f ' | sed 's/\.control / /g')"
  cat >"$BULK/objects.sql" <<SQL
SELECT translate(current_database(), E'\t\n\r', '   '), (SELECT count(*) FROM pg_class WHERE relkind NOT IN ('i', 'I', 't')),
  (SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension WHERE extname <> ALL (string_to_array('$here', ' '))),
  (SELECT translate(string_agg(indexrelid::regclass::text, ', '), E'\t\n\r', '   ')
    FROM (SELECT indexrelid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE NOT indisvalid AND relkind = 'i' LIMIT $INDEXES_TOLD) AS invalid);
SQL
  in_each_database "$1" "$BULK/objects.sql" -F $'\t' >"$BULK/objects" || {
    PROBLEM="the databases of PostgreSQL $OLD_MAJOR can't all be looked into: $(each_problem)"
    return 1
  }
}

# pg_dump leaves out what a failed CREATE INDEX CONCURRENTLY has left behind.
warn_of_invalid_indexes() {
  local lost
  lost="$(awk -F '\t' '$4 != "" { list = list (list ? "; " : "") $4 " (database " $1 ")" } END { printf "%s", list }' "$BULK/objects")"
  if [ -n "$lost" ]; then warn "invalid indexes do not come along, the new version is without them: $lost. Make them again if they are wanted"; fi
}

# Prints the locks per connection that leave room for this many dumps of the largest databases.
# Arguments: connections, dumps at once, file of check_old_server.
locks_for() {
  sort -t $'\t' -k 2,2nr "$3" | awk -F '\t' -v connections="$1" -v dumps="$2" -v least="$MANY_LOCKS" '
    NR <= dumps { sum += $2 }
    END { needed = int(sum * 1.2 / connections) + 1; print (needed > least ? needed : least) }'
}

# Sets answer. Arguments: socket's folder or host, SQL. Exit: 1 with PROBLEM.
ask_old() {
  answer="$(private_sql "$1" postgres -c "$2" 2>"$RUN/old-server-error")" || {
    PROBLEM="the server of PostgreSQL $OLD_MAJOR can't be asked: $(<"$RUN/old-server-error")"
    return 1
  }
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

# Checks that the old major's archive leads back here: its newest base backup is whole, opens with the current key, ended no
# longer ago than PG_UPGRADE_BACKUP_MAX_AGE, and WAL follows it without a gap. Prints the backup, or why it does not count.
# Runs by attempt, because it loads the credentials. Exit: 1 when it does not lead back.
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

# Exit: 1 when the archive's contents are not reliable; PROBLEM says why.
plan_way_back() {
  local timeline
  timeline="$(old_control "Latest checkpoint's TimeLineID")"
  if ((timeline > 1)); then read_history "$timeline" archive || return; fi
  ask_planner way "timeline=$timeline" "segment_bytes=$SEGMENT_BYTES" "system=$(old_control 'Database system identifier')" \
    "max_age=$PG_UPGRADE_BACKUP_MAX_AGE" "now=$EPOCHSECONDS"
}
