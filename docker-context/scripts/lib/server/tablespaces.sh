# Tablespaces, which base backups, restores and upgrades here don't cover: their files lie outside the data folder, or in it but
# outside what is copied. With pg_tblspc not writable, a server can't create one, for any role: neither the link nor the folder of
# one in place (allow_in_place_tablespaces). Everything else only reads that folder; a replay that would create one stops.
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

# Makes CREATE TABLESPACE impossible, for superusers too. Where tablespaces exist, the folder stays writable: to drop one, the
# server must write there. Arguments: data folder.
forbid_tablespaces() {
  if [ -n "$(tablespaces_in "$1")" ]; then
    chmod u+w "$1/pg_tblspc"
    return 0
  fi
  if [ -w "$1/pg_tblspc" ]; then chmod 0500 "$1/pg_tblspc"; fi
  [ ! -w "$1/pg_tblspc" ] || warn "CREATE TABLESPACE can't be refused, the file system of $1 keeps no modes: don't make any, base backups don't cover them"
}

# At boot: forbids them, unless crash recovery comes first, which may have to create one that was dropped since; then sync_roles
# does that beside the running server. Warns when there are some. Arguments: data folder.
guard_tablespaces() {
  local found
  found="$(tablespaces_in "$1")"
  if [ -n "$found" ]; then
    warn "tablespaces are in use ($found): base backups, restores and upgrades don't cover them. Move what is in them to pg_default (ALTER TABLE ALL IN TABLESPACE ... SET TABLESPACE pg_default), then DROP TABLESPACE"
  elif [ "$(control "$1" 'Database cluster state')" = 'shut down' ]; then
    forbid_tablespaces "$1"
  fi
}
