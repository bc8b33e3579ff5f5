# Rehearses an upgrade on a disposable volume: the old image fills it with the archive's newest data; the new one upgrades them by
# the steps of the real upgrade, archives nothing, and reports in Markdown what to expect.
# Sets RESTORE_ID, RESTORE_TO, PG_UPGRADE, PG_REINDEX_COLLATIONS, REHEARSAL and PREFIX_VARIABLE; reads UPGRADE,
# SERVER_FLAGS and OLD_MAJOR.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly REHEARSED_CLONE="$RECORDS/rehearsed-clone"

# With the image of the old major. Ends the process when the volume is not empty or the restore is refused.
clone_for_rehearsal() {
  read_environment
  lock_volume
  if [ -n "$(cluster_folders)" ] && ! [ -e "$REHEARSED_CLONE" ]; then
    die "the volume holds $(describe_clusters); nothing was touched: a rehearsal fills an empty one"
  fi
  RESTORE_ID=rehearsal RESTORE_TO=latest
  settle_restore
  [ -s "$PGDATA/PG_VERSION" ] || die "the archive could not be restored (above), so nothing can be rehearsed"
  write_record "$REHEARSED_CLONE" "$(durations)"
  rm -f "$JOURNAL_FILE"
  attempt stash_binaries
  ((STATUS == 0)) || die "without the programs of PostgreSQL $PG_MAJOR the next major can't open its data"
}

# With the image of the new major. Prints the report. Ends the process when the upgrade would be refused or fails.
rehearse() {
  local before handed open analysis began="$EPOCHSECONDS" PROBLEM=''
  read_environment
  lock_volume
  PG_UPGRADE=rehearsal PG_REINDEX_COLLATIONS=true REHEARSAL=true PREFIX_VARIABLE=''
  before="$(used_mib)"
  begin_upgrade
  [ "${UPGRADE[step]-}" = handed-over ] || die "nothing was rehearsed (above)"
  handed="$EPOCHSECONDS"
  if [ -s "$UPGRADE_COLLATIONS" ]; then guard_collations; fi
  open="$EPOCHSECONDS"
  empty_bulk
  write_generated_settings "$PGDATA"
  start_private "$PGDATA" "$UPGRADE_LOG" "$PRIVATE" postgres "${SERVER_FLAGS[@]}" -c archive_mode=off \
    -c event_triggers=off -c log_min_messages=error
  wait_private "$PGDATA" || die "the upgraded server does not start (above)"
  analysis="$EPOCHSECONDS"
  private_vacuumdb --analyze-in-stages >/dev/null 2>"$BULK/vacuumdb" ||
    warn_later "the upgraded data can't all be analyzed: $(tail -n 1 "$BULK/vacuumdb")"
  report_rehearsal "$before" "$((EPOCHSECONDS - analysis))" "$((open - handed))" "$((open - began))"
  stop_private || die "$PROBLEM"
}

# Prints the MiB used on the volume.
used_mib() { du -sm "$VOLUME" | cut -f 1; }

# Prints the extensions of all databases, with their versions, from the private server.
list_extensions() {
  cat >"$BULK/list.sql" <<'SQL'
SELECT format('- %s: %s %s', current_database(), extname, extversion) FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname;
SQL
  in_each_database "$PRIVATE" "$BULK/list.sql"
}

# Arguments: MiB used before; seconds of the analysis, of the index rebuild, without service.
report_rehearsal() {
  local warnings extensions size
  warnings="$(
    if [ -s "$UPGRADE_WARNINGS" ]; then sed 's/^/- /' "$UPGRADE_WARNINGS"; fi
    awk '{ $1 = $1 } /^(warning|notice)$/ { print "- " last ": " $0 } / (warning|notice)$/ { print "- " $0 } { last = $0 }' "$PG_UPGRADE_LOG"
  )"
  extensions="$(list_extensions)"
  size="$(private_sql "$PRIVATE" postgres -c "SELECT pg_size_pretty(sum(pg_database_size(oid))) FROM pg_database")"
  cat <<EOF
# Rehearsal of the upgrade from PostgreSQL $OLD_MAJOR to $PG_MAJOR

Cloned from the archive ($(read_record "$REHEARSED_CLONE")), $size, mode ${UPGRADE[mode]}; the stack was left alone.

| step | seconds |
|---|---|
| preflight | $(between asked backing-up) |
| pg_upgrade | $(between upgrading starting) |
| start, verification, extensions, missing statistics | $(between starting handing-over) |
| indexes in another order | $3 |
| **without service** (and the base backup, when the last is older than \`backupMaxAge\`) | **$4** |
| \`vacuumdb --analyze-in-stages\`, afterwards | $2 |

Room used on the volume beside the old data: $(($(used_mib) - $1)) MiB.

## Warnings

${warnings:-None.}

## Extensions after the upgrade

${extensions:-None.}

## Collations

$(if [ -s "$UPGRADE_COLLATIONS" ]; then
    echo "\`upgrade.reindexCollations: true\` is needed. $(describe_change "$UPGRADE_COLLATIONS")"
  else
    echo "No index is in another order."
  fi)
EOF
}
