# The collation guard. PostgreSQL takes the order of text from the C library and ICU; with another version of these, an existing
# index may be in the wrong order, and PostgreSQL then silently returns wrong answers. So data that were last served with other or
# unknown versions are checked privately before clients come in.
# The record .postgres-stack/collations says which versions order the indexes: `glibc=2.41 icu=76.1`, or during a rebuild
# `reindexing glibc=2.43 icu=78.1` and the lines of read.sh with the earlier file nodes: an index with another file node is
# rebuilt already, whichever image comes next.
# Sets SERVER; reads SERVER_FLAGS, UPGRADE, OLD_MAJOR and PG_REINDEX_COLLATIONS.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly COLLATIONS="$RECORDS/collations"
readonly COLLATION_REPORT="$RECORDS/collation-report"
readonly COLLATION_LOG="$RECORDS/collations.log" # not in memory: crash recovery may log a lot
readonly LISTED=20

# Prints the version of the C library as PostgreSQL reports it.
c_library_version() {
  local version
  version="$(getconf GNU_LIBC_VERSION)"
  echo "${version#glibc }"
}

# Prints this image's collation versions, in the form of the record.
collation_providers() {
  local icu linked
  linked="$(LD_TRACE_LOADED_OBJECTS=1 postgres)" # like ldd
  icu=/none
  if [[ "$linked" =~ libicui18n\.so[^\ ]*\ =\>\ ([^\ ]*) ]]; then icu="${BASH_REMATCH[1]}"; fi
  icu="$(readlink -f "$icu")"
  echo "glibc=$(c_library_version) icu=${icu##*.so.}"
}

# Records that every index is ordered by this image's versions.
record_collations() { write_record "$COLLATIONS" "$(collation_providers)"; }

# Records that this image has begun to rebuild. With the permit, the next guard_collations continues from here: the lines count
# whatever the catalogs say, because after an upgrade those no longer know the earlier versions.
# Arguments: file with lines of affected_collations.
plan_reindex() {
  {
    echo "reindexing $(collation_providers)"
    cat "$1"
  } >"$COLLATIONS.new"
  publish_record "$COLLATIONS.new" "$COLLATIONS" reindexing
}

# Removes the record, because the data are replaced: the next guard_collations checks their indexes. Durable with the next sync.
forget_collations() { rm -f "$COLLATIONS"; }

# Prints the lines that need a rebuild or a warning, one for each object: those whose recorded version differs from the provided
# one, and those of an unfinished rebuild. If that was begun with other versions than this image's, those that it had rebuilt.
# Arguments: file with lines.
affected_collations() {
  awk -F '\t' -v OFS='\t' -v record="$COLLATIONS" -v provided="$(collation_providers)" '
    BEGIN {
      if ((getline head < record) > 0 && head ~ /^reindexing /) {
        same = head == "reindexing " provided
        while ((getline < record) > 0) {
          node[$1, $3] = $4
          # its order was another one although the versions agree
          forced[$1, $3] = $10 == $11
        }
      }
    }
    {
      changed = $10 != $11
      if ($2 == "index" && ($1, $3) in node) {
        changed = changed || same || forced[$1, $3] || $4 != node[$1, $3]
        if (same && $4 != node[$1, $3]) {
          $4 = node[$1, $3]
          $5 = 0
        }
      }
      if (changed && !seen[$1, $2, $3]++) print
    }' "$1"
}

# Prints what changed and what depends on it, the first LISTED objects by name. Arguments: file with lines.
describe_change() {
  awk -F '\t' -v listed="$LISTED" '
    $10 != $11 && !seen[$8, $10, $11]++ {
      versions = versions (versions ? ", " : "") ($8 == "c" ? "glibc" : $8 == "i" ? "ICU collation" : "builtin collation") " " $10 " -> " $11
    }
    { kinds[$2]++ }
    NR <= listed {
      what = $2 == "index" ? $6 : $2 == "partitions" ? "bounds of " $6 : "refuses connections"
      list = list (list ? ", " : "") $1 ": " what
    }
    END {
      printf "%s: indexes: %d", (versions ? versions : "a rebuild that was begun"), kinds["index"]
      if (kinds["partitions"]) printf ", partitioned tables: %d", kinds["partitions"]
      if (kinds["closed"]) printf ", databases that refuse connections: %d", kinds["closed"]
      printf " (%s%s)", list, (NR > listed) ? ", and " (NR - listed) " more" : ""
    }' "$1"
}

# Writes the whole list for people. Arguments: file with lines, earlier record.
write_collation_report() {
  {
    echo "Ordered by ${2:-unknown versions}, this image has $(collation_providers)."
    awk -F '\t' 'BEGIN { print "database\tkind\tname\tcollation\tversion before\tversion now" }
      { print $1 "\t" $2 "\t" $6 "\t" $7 "\t" $10 "\t" $11 }' "$1"
  } >"$COLLATION_REPORT.new"
  publish_record "$COLLATION_REPORT.new" "$COLLATION_REPORT" collation-report
}

# Warns of what an index rebuild can't fix. Arguments: file with lines.
warn_of_the_rest() {
  local database kind name
  awk -F '\t' '$2 != "index" { print $1 "\t" $2 "\t" $6 }' "$1" | while IFS=$'\t' read -r database kind name; do
    case "$kind" in
      partitions) warn "collations: rows of $name in database $database may lie in the wrong partition now: see docs/collations.md" ;;
      closed) warn "collations: database $database refuses connections, so its indexes were not rebuilt: see docs/collations.md" ;;
    esac
  done
}

# At boot, before the server starts: ensures that every index is in the order of this image's C library and ICU, or ends the
# process. Costs nothing when the record says so.
guard_collations() {
  local provided record handlers problem PROBLEM=''
  provided="$(collation_providers)"
  record="$(collation_record)"
  if [ "$record" = "$provided" ]; then return 0; fi
  if [ -e "$PGDATA/recovery.signal" ] || [ -e "$PGDATA/standby.signal" ]; then
    warn "collations: the data ask for recovery, so what $provided changes can't be looked at; a start after it does"
    return 0
  fi
  report_progress "collations: looking at the data privately: last served with ${record:-versions that nobody recorded}, now with $provided"
  empty_bulk
  handlers="$(trap -p TERM INT)"
  trap 'stop_private || true; info "stopped before the server was started"; exit 143' TERM INT
  open_privately
  problem="$PROBLEM"
  if [ -n "$SERVER" ]; then
    attempt settle_collations
    if ((STATUS != 0)); then problem="${PROBLEM:-the data could not all be looked at (above)}"; fi
    stop_private || : "${problem:=$PROBLEM}"
  fi
  eval "$handlers"
  rm -rf "$PROGRESS_LINE" "$BULK"
  [ -z "$problem" ] || die "collations: $problem"
  record_collations
  rm -f "$COLLATION_REPORT"
}

# Prints the record's first line, nothing without a record. A rebuild may have very many lines.
collation_record() {
  local first=''
  if ! [ -e "$COLLATIONS" ]; then return 0; fi
  IFS= read -r first <"$COLLATIONS" || [ -n "$first" ] || return 0
  printf '%s\n' "$first"
}

# Starts the private server on PGDATA, as crash-safe as the real one, which archives the WAL later. No background job changes the
# data. Sets SERVER; when it does not start, that is empty, and PROBLEM says why.
open_privately() {
  local setting archive=on flags=("${SERVER_FLAGS[@]}")
  write_generated_settings "$PGDATA"
  if [ "$(postgres -C wal_level -D "$PGDATA" "${SERVER_FLAGS[@]}" 2>/dev/null)" = minimal ]; then
    archive=off
  fi
  for setting in "archive_mode=$archive" archive_command= archive_library= autovacuum=off \
    jit=off event_triggers=off max_logical_replication_workers=0 synchronous_standby_names= log_min_messages=error; do
    flags+=(-c "$setting")
  done
  start_private "$PGDATA" "$COLLATION_LOG" "$PRIVATE" postgres "${flags[@]}"
  if ! wait_private "$PGDATA"; then
    SERVER=''
    PROBLEM="the server does not start ($(sed -n 's/.* FATAL:  //p' "$COLLATION_LOG" | tail -n 1)); what $provided changes can't be looked at"
  fi
}

# Decides with the private server running. Exit: 1 when the real server must not start; PROBLEM says why.
settle_collations() {
  local lines="$BULK/collations.lines" affected="$BULK/collations.affected"
  local permit="PG_REINDEX_COLLATIONS=true (upgrade: {reindexCollations: true})" before="the image from before"
  if [[ "$record" == glibc=* ]]; then before+=" with $record"; fi
  if [ -n "${UPGRADE[step]-}" ]; then before="the image of PostgreSQL $OLD_MAJOR with PG_UPGRADE_UNDO=true"; fi
  read_collations "$PRIVATE" "$lines"
  affected_collations "$lines" >"$affected"
  if ! [ -s "$affected" ]; then
    refresh_versions "$PRIVATE"
    info "collations: no index depends on a version that changed; the catalogs have the versions of $provided"
  elif [ "${PG_REINDEX_COLLATIONS:-false}" != true ]; then
    write_collation_report "$affected" "$record"
    PROBLEM="$(describe_change "$affected"). They may be in the wrong order now, so no client was let in; nothing was changed. All of them: $COLLATION_REPORT. Two ways on: $permit rebuilds just these; or put back $before"
    return 1
  else
    check_reindex_room "$affected"
    plan_reindex "$affected"
    reindex_changed "$PRIVATE" "$affected"
    warn_of_the_rest "$affected"
    info "collations: rebuilt for $(describe_change "$affected")"
  fi
}
