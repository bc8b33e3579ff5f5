# Proves that a base backup is good: its parts, and the WAL that makes it consistent, are in the archive. Needs WAL-G's
# environment and a server; SYSTEM, TIMELINE, SEGMENT_BYTES and ARCHIVE_MODE are the server's. WORK is a folder. Functions that
# fail say why in PROBLEM.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

COMPRESSED=.lz4 # the suffix of WAL names

# Writes the names of this database's base backups into a file, oldest first. Exit: 1 when they can't be listed.
# Arguments: file, timeline (empty: any).
own_backups_into() {
  list_backups_into "$WORK/backups.json" || return
  perl "$LIB/planner/planner.pl" backups "$WORK" "system=$SYSTEM" "timeline=$2" >"$1" 2>"$1.err" && return
  PROBLEM="$(tail -n 1 "$1.err")"
  return 1
}

# Checks that the archive has a segment by reading its first byte, under the name that today's compression gives it, or another.
# Exit: 1 when it is missing or unreadable. Arguments: segment.
is_in_archive() {
  local suffix
  for suffix in "$COMPRESSED" .lz4 .zst .br .lzma .lzo ''; do
    if [ -n "$(run_walg "$STORE_SECONDS" "$NO_BOUND" st cat "wal_005/$1$suffix" 2>/dev/null | has_byte)" ]; then
      COMPRESSED="$suffix"
      return 0
    fi
  done
  return 1
}

# Prints something when a byte arrives on stdin, and reads no further than it must.
has_byte() {
  local LC_ALL=C byte=''
  IFS= read -r -d '' -n 1 byte || [ -n "$byte" ] || return 0
  echo yes
}

# Waits until the server has archived everything up to a segment. Exit: 1 when nothing moves for two deadlines.
# Arguments: segment.
wait_until_archived() {
  local waiting left='' since="$SECONDS" query
  query="SELECT count(*) || ' ' || coalesce((SELECT last_archived_wal FROM pg_stat_archiver), '') FROM pg_ls_archive_statusdir()
    WHERE name ~ '^[0-9A-F]{24}\.ready\$' AND left(name, 24) <= '$1'"
  while true; do
    # a connection's warning about a collation version mismatch is no answer
    waiting="$(PGOPTIONS="$UNDISTURBED" sql -c "$query" 2>"$WORK/sql.err")" || {
      PROBLEM="the server can't be asked what is archived: $(<"$WORK/sql.err")"
      return 1
    }
    if [[ "$waiting" == "0 "* ]]; then return 0; fi
    if [ "$waiting" != "$left" ]; then left="$waiting" since="$SECONDS"; fi
    if ((SECONDS - since > 2 * ARCHIVE_DEADLINE)); then
      PROBLEM="WAL segment $1 is not archived: ${waiting%% *} wait, and nothing moved for $((SECONDS - since)) s (the server's log says why)"
      return 1
    fi
    sleep 0.5
  done
}

# Completes a segment and sees it in the archive, before hours of work: without WAL a base backup is worthless, and different
# content means that the archive belongs to another database. Exit: 1 when the segment does not arrive.
check_archiving() {
  local segment
  if [ "$ARCHIVE_MODE" = off ]; then
    PROBLEM="nothing is archived: archive_mode is off"
    return 1
  fi
  segment="$(
    PGOPTIONS="$UNDISTURBED" sql 2>"$WORK/sql.err" <<'SQL'
SELECT pg_logical_emit_message(false, 'postgres-stack', 'a base backup begins') \g /dev/null
SELECT pg_walfile_name(pg_switch_wal() - 1); -- the one before where archive_timeout has just completed it
SQL
  )" || {
    PROBLEM="no WAL segment can be completed: $(<"$WORK/sql.err")"
    return 1
  }
  wait_until_archived "$segment" || return
  is_in_archive "$segment" && return
  PROBLEM="WAL segment $segment counts as archived, but the archive does not hold it: does another archive_command run, or does something delete there?"
  return 1
}

# Proves the base backup that was just made, and stores its manifest. Runs by attempt. Arguments: file with the previous names.
# Writes the name into WORK/name.
prove_backup() {
  local name word rest last=''
  own_backups_into "$WORK/after" "$TIMELINE"
  name="$(grep -vxF -f "$1" "$WORK/after" | tail -n 1 || true)"
  [ -n "$name" ] || not_known "wal-g reported success, but the archive lists no new base backup"
  walg_into "$WORK/parts" st ls "basebackups_005/$name/tar_partitions/"
  perl "$LIB/planner/planner.pl" proof "$WORK" "name=$name" "segment_bytes=$SEGMENT_BYTES" >"$WORK/proof" 2>"$WORK/proof.err" ||
    not_known "$(tail -n 1 "$WORK/proof.err")"
  last="$(sed -n 's/^segment //p' "$WORK/proof" | tail -n 1)"
  wait_until_archived "$last"
  while read -r word rest; do
    case "$word" in
      segment) is_in_archive "$rest" || not_known "WAL segment $rest, which makes it consistent, is not in the archive" ;;
      manifest) put_object "backups/$name.json" "$rest" ;;
    esac
  done <"$WORK/proof"
  echo "$name" >"$WORK/name"
}
