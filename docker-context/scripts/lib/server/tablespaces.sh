# Tablespaces, which base backups, restores and upgrades here don't cover: files outside of the data folder, or in it beside what
# is copied. A server can't make one where it may not write into pg_tblspc, whoever asks: neither the link nor the folder of
# one in place (allow_in_place_tablespaces). All else only reads that folder, replay too, so a replay that would make one stops.
# shellcheck shell=bash

# Prints the tablespaces of a cluster, such as `16400 in /mnt/fast, 16401 in place`; nothing when there are none. Needs no server.
# Arguments: data folder.
tablespaces_in() {
  local found
  [ -d "$1/pg_tblspc" ] || return 0
  found="$(find "$1/pg_tblspc" -mindepth 1 -maxdepth 1 \( -type l -printf '%f in %l\n' -o -printf '%f in place\n' \))"
  [ -n "$found" ] || return 0
  sort <<<"$found" | paste -sd , | sed 's/,/, /g'
}

# Makes CREATE TABLESPACE impossible, for superusers too. Where there are tablespaces they stay as they are: to drop one, the
# server has to write there. Arguments: data folder.
forbid_tablespaces() {
  if [ -n "$(tablespaces_in "$1")" ]; then
    chmod u+w "$1/pg_tblspc"
    return 0
  fi
  if [ -w "$1/pg_tblspc" ]; then chmod 0500 "$1/pg_tblspc"; fi
  [ ! -w "$1/pg_tblspc" ] || warn "CREATE TABLESPACE can't be refused, the file system of $1 keeps no modes: don't make any, base backups don't cover them"
}

# At boot: forbids them, unless crash recovery is to come, which may have to make one that was dropped since; then that is done
# behind the running server. Says so where there are some. Arguments: data folder.
guard_tablespaces() {
  local found
  found="$(tablespaces_in "$1")"
  if [ -n "$found" ]; then
    warn "tablespaces are in use ($found): base backups, restores and upgrades don't cover them. Move what is in them to pg_default (ALTER TABLE ALL IN TABLESPACE ... SET TABLESPACE pg_default), then DROP TABLESPACE"
  elif [ "$(control "$1" 'Database cluster state')" = 'shut down' ]; then
    forbid_tablespaces "$1"
  fi
}
