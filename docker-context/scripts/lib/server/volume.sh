# The volume: its owner, the major of its data, and its first initialisation.
# Records below .postgres-stack: `owner`, `cluster-<major>` = initialising | initialised; collation/guard.sh has its own.
# Sets POSTGRES_INITDB_ARGS; reads SERVER_FLAGS.
# shellcheck shell=bash disable=SC2153 # STATUS is attempt's

# Holds a lock on the volume until the last process of the server has ended, so that two containers on one volume, which can't see
# each other's processes, never both write. Sets LOCK, the file descriptor, which the server inherits.
lock_volume() {
  [ -d "$RECORDS" ] || mkdir -p "$RECORDS" || die "the volume $VOLUME is not writable for uid $EUID; nothing was touched: check its owner and mode"
  exec {LOCK}>"$RECORDS/lock"
  if ! flock -n "$LOCK"; then
    info "another server runs on this volume; waiting up to 60 s for it to end"
    interruptible flock -w 60 "$LOCK" || die "another server still runs on this volume; it was left alone: stop it first"
  fi
  # a killed server leaves its socket's lock file, whose pid may now belong to another process of this container
  if compgen -G '/var/run/postgresql/.s.PGSQL.*' >/dev/null; then rm -f /var/run/postgresql/.s.PGSQL.*; fi
}

# Removes what a killed server and its uploads left: the pid file, whose pid may now belong to another process of this container
# (the lock proves that no server runs), and WAL-G's notes of segments it uploaded ahead, perhaps to another prefix; a segment
# that is pushed again is compared, not stored twice.
remove_leftovers() {
  local left
  for left in "$PGDATA/postmaster.pid" "$PGDATA/pg_wal/walg_data/walg_archive_status"; do
    if [ -e "$left" ]; then rm -rf "$left"; fi
  done
}

# Prints the folders on the volume that hold a cluster, one per line.
cluster_folders() {
  local folder
  for folder in "$VOLUME" "$VOLUME/data" "$VOLUME"/*/docker; do
    if [ -s "$folder/PG_VERSION" ]; then
      echo "$folder"
    fi
  done
}

# Refuses a volume of another stack, or data without an owner. Does nothing when VOLUME_OWNER is empty.
check_owner() {
  local recorded
  [ -n "$VOLUME_OWNER" ] || return 0
  recorded="$(read_record "$RECORDS/owner")"
  if [ -z "$recorded" ] && [ -n "$(cluster_folders)" ]; then
    die "the volume holds data without an owner's record, so it may be another stack's; nothing was touched. If it belongs to $VOLUME_OWNER, write that name into $RECORDS/owner"
  elif [ -n "$recorded" ] && [ "$recorded" != "$VOLUME_OWNER" ]; then
    die "the volume belongs to $recorded, not to $VOLUME_OWNER; nothing was touched: give this stack a volume of its own"
  fi
}

# Decides what PGDATA is. Exit: 0 when it holds a cluster of this major, 1 when it must be initialised; ends the process for
# everything else.
check_cluster() {
  local others version state
  state="$(read_record "$RECORDS/cluster-$PG_MAJOR")"
  if [ -s "$PGDATA/PG_VERSION" ]; then
    version="$(<"$PGDATA/PG_VERSION")"
    [ "$version" = "$PG_MAJOR" ] || die "$PGDATA holds data of PostgreSQL $version, this image runs $PG_MAJOR; nothing was touched: use an image of PostgreSQL $version"
    return 0
  fi
  if [ -n "$(ls -A "$PGDATA" 2>/dev/null)" ]; then
    die "$PGDATA holds files but no PG_VERSION, so it is no whole cluster; nothing was touched: restore it from a backup"
  fi
  others="$(cluster_folders)"
  if [ -n "$others" ]; then
    die "the volume holds data of PostgreSQL $(<"${others%%$'\n'*}/PG_VERSION") in ${others//$'\n'/, }, this image runs $PG_MAJOR; nothing was touched. To upgrade: PG_UPGRADE=<id> (upgrade: {id: ...}); otherwise put the image of its own version back"
  fi
  if [ "$state" = initialised ]; then
    die "$PGDATA is empty although a cluster was initialised on this volume, so data is missing; nothing was touched: mount the right volume, restore a backup, or remove $RECORDS to begin anew"
  fi
  return 1
}

# Creates a cluster and what the user wants in it, with the real server's settings except the archive's. Arguments: folder.
make_first_cluster() {
  local flags=("${SERVER_FLAGS[@]}")
  # pg_ctl, with which the official image starts that server, can't pass them on
  if [[ "${flags[*]}" == *[[:cntrl:]]* ]]; then flags=(-c config_file=/etc/postgresql/postgresql.conf); fi
  export POSTGRES_PASSWORD POSTGRES_INITDB_ARGS="${POSTGRES_INITDB_ARGS-}" PGDATA="$1"
  "$LIB/server/first-cluster" initdb
  keep_locale_settings "$1"
  write_generated_settings "$1"
  "$LIB/server/first-cluster" fill postgres "${flags[@]}" -c archive_mode=off -D "$1" -c "data_directory=$1"
}

# Initialises a cluster beside PGDATA and moves it there whole, so that a kill at any moment leaves no cluster or a complete one.
initialise() {
  local staging="$PGDATA.initdb" found
  rm -rf "$staging"
  check_archive_is_empty
  if [ -n "$VOLUME_OWNER" ]; then
    write_record "$RECORDS/owner" "$VOLUME_OWNER"
  fi
  write_record "$RECORDS/cluster-$PG_MAJOR" initialising
  mkdir -p "${PGDATA%/*}"
  info "initialising PostgreSQL $PG_MAJOR in $staging"
  # the default from 18 on
  if ((PG_MAJOR < 18)) && wants_checksums; then POSTGRES_INITDB_ARGS="--data-checksums ${POSTGRES_INITDB_ARGS-}"; fi
  attempt make_first_cluster "$staging"
  ((STATUS == 0)) || die "the initialisation failed (above); the next start begins it anew: correct the cause first"
  # a sourced script may end the initialisation with exit 0
  [ "$(control "$staging" 'Database cluster state')" = "shut down" ] ||
    die "the initialisation did not come to its end, and nothing was kept: does a script in /docker-entrypoint-initdb.d exit or exec? Correct it; the next start begins anew"
  found="$(tablespaces_in "$staging")"
  [ -z "$found" ] ||
    die "the scripts of the initialisation made tablespaces ($found), which base backups don't cover; nothing was kept: leave CREATE TABLESPACE out and start again"
  publish_folder "$staging" "$PGDATA"
  record_collations
}

# Makes PGDATA a cluster of this major or ends the process.
ensure_cluster() {
  check_owner
  settle_upgrade
  settle_restore
  if ! check_cluster; then
    initialise
  fi
  remove_leftovers
  if [ "$(read_record "$RECORDS/cluster-$PG_MAJOR")" != initialised ]; then
    write_record "$RECORDS/cluster-$PG_MAJOR" initialised
  fi
  guard_tablespaces "$PGDATA"
  guard_collations
}
