#!/bin/bash
# Reloads changed settings and confirms that the server runs with them. This container's conf.d holds the wanted files; the
# server's copy may lag (a changed ConfigMap takes up to a minute to reach a pod).
# Environment: PGHOST, PGPORT, PGUSER, PGPASSWORD_FILE, APPLY_DEADLINE (seconds, 180).
# Exit: 0 every setting of conf.d is in effect, 1 with the reason on stderr and as the pod's termination message.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/common/log.sh"
. "$LIB/common/psql.sh"

COMPONENT=apply-settings
readonly CONF_D=/etc/postgresql/conf.d

# Prints `md5 path` of every wanted file.
wanted_files() {
  local file LC_ALL=C
  for file in "$CONF_D"/*.conf; do
    [ -e "$file" ] && md5sum "$file" | awk '{ print $1, $2 }'
  done
  return 0
}

# Prints `md5 path` of every file that the server sees.
live_files() {
  sql -v folder="$CONF_D" <<'SQL'
SELECT md5(pg_read_binary_file(path)) || ' ' || path
  FROM (SELECT :'folder' || '/' || name AS path FROM pg_ls_dir(:'folder') AS name WHERE name LIKE '_%.conf' AND name NOT LIKE '.%') AS files
  ORDER BY path COLLATE "C"
SQL
}

# Prints `name value` of every setting that conf.d sets now or set at the last reload, and of the given names.
# Arguments: names, separated by spaces (optional).
current_values() {
  sql -F ' ' -v folder="$CONF_D" -v also="${1-}" <<'SQL'
SELECT name, current_setting(name, true) FROM pg_settings
  WHERE starts_with(sourcefile, :'folder') OR name = ANY (string_to_array(:'also', ' '))
    OR name IN (SELECT name FROM pg_file_settings WHERE starts_with(sourcefile, :'folder'))
  ORDER BY name
SQL
}

# Prints the errors in the server's files, except for settings that need a restart: PostgreSQL lists those as errors too.
file_errors() {
  sql <<'SQL'
SELECT concat_ws(' ', f.name, 'in', f.sourcefile, 'line', f.sourceline || ':', f.error)
  FROM pg_file_settings AS f LEFT JOIN pg_settings AS s ON lower(s.name) = lower(f.name)
  WHERE f.error IS NOT NULL AND s.context IS DISTINCT FROM 'postmaster'
SQL
}

# Prints the settings of conf.d that are not in effect, and why. For those that this session sets for itself, such as
# statement_timeout, the files decide.
# Arguments: load time before the reload.
unconfirmed() {
  sql -v folder="$CONF_D" -v before="$1" <<'SQL'
WITH files AS MATERIALIZED (SELECT * FROM pg_file_settings)
SELECT 'the server has not reloaded yet' WHERE pg_conf_load_time() <= :'before'::timestamptz
UNION ALL
SELECT concat(f.name, CASE
    WHEN s.pending_restart THEN ' needs a restart'
    WHEN s.name IS NULL THEN ' is unknown to the server'
    WHEN f.error IS NOT NULL THEN concat(': ', f.error)
    WHEN rules.sourcefile LIKE '%/postgresql.auto.conf' THEN ' is overridden by ALTER SYSTEM'
    ELSE concat(' is overridden by ', s.source, ' ', rules.sourcefile) END)
  FROM (SELECT DISTINCT ON (lower(name)) name, sourcefile, sourceline, error FROM files
    WHERE starts_with(sourcefile, :'folder') ORDER BY lower(name), seqno DESC) AS f
  LEFT JOIN pg_settings AS s ON lower(s.name) = lower(f.name)
  LEFT JOIN LATERAL (
    SELECT s.sourcefile, s.sourceline WHERE s.source <> 'client'
    UNION ALL
    (SELECT sourcefile, sourceline FROM files WHERE lower(name) = lower(f.name) AND s.source = 'client' ORDER BY seqno DESC LIMIT 1)
  ) AS rules ON true
  WHERE s.pending_restart OR f.error IS NOT NULL OR (rules.sourcefile, rules.sourceline) IS DISTINCT FROM (f.sourcefile, f.sourceline)
SQL
}

# Makes one attempt. Sets REASON when it is too early. Exit: 0 when every setting is in effect.
apply_once() {
  local live before errors
  REASON="the server can't be asked"
  live="$(live_files)" || return
  REASON="the server does not see the new files yet"
  [ "$live" = "$(wanted_files)" ] || return
  errors="$(file_errors)" || return
  [ -z "$errors" ] || die_with_message "PostgreSQL rejects settings, their old values stay in effect (its log says why): $errors"
  [ -n "$OLD" ] || OLD="$(current_values)" || return
  before="$(sql -c "SELECT pg_conf_load_time()")" || return
  sql -c 'SELECT pg_reload_conf()' >/dev/null || return
  REASON="$(await_reload "$before")"
  [ -z "$REASON" ]
}

# Waits at most 5 s until a new session sees the reload. Prints what is not in effect by then.
# Arguments: load time before the reload.
await_reload() {
  local end=$((SECONDS + 5)) problems
  until problems="$(unconfirmed "$1")" && [ -z "$problems" ]; do
    if ((SECONDS >= end)); then
      echo "${problems:-the server does not answer}"
      return
    fi
    sleep 0.2
  done
}

# Logs every setting whose value changed.
log_changes() {
  local name value old
  while read -r name value; do
    [ -n "$name" ] || continue
    old="$(awk -v name="$name" '$1 == name { sub(/^[^ ]* /, ""); print }' <<<"$OLD")"
    [ "$old" = "$value" ] || info "$name: $old -> $value"
  done <<<"$(current_values "$(awk '{ print $1 }' <<<"$OLD" | paste -sd ' ')")"
}

_main() {
  local end=$((SECONDS + ${APPLY_DEADLINE:-180}))
  OLD=''
  use_server
  until apply_once; do
    ((SECONDS < end)) || die_with_message "the settings are not in effect after ${APPLY_DEADLINE:-180} s: $REASON"
    sleep 1
  done
  log_changes
  info "every setting of $CONF_D is in effect"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
