# The way back from an upgrade, in the old major's image: before the point of no return, the old data as they are; after it, their
# kept copy, or else the newest data in the old major's archive, by the steps of a restore.
# Sets UPGRADE and UNDO_BY_RESTORE; reads PG_UPGRADE.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

# Handles a journal that the old image found. Ends the process when its data can no longer be opened and no undo is requested.
return_to_old_image() {
  if [ "${UPGRADE[step]}" = undoing-upgrade ]; then
    swap_upgrade_back
  elif ! past_return; then
    leave_upgrade withdrawn "the image of PostgreSQL $PG_MAJOR was put back at step ${UPGRADE[step]}"
  elif [ "$PG_UPGRADE_UNDO" = false ]; then
    die "upgrade ${UPGRADE[id]} has started PostgreSQL ${UPGRADE[to]} on these data (step ${UPGRADE[step]}), so this image can't open them; nothing was touched: put the image of PostgreSQL ${UPGRADE[to]} back, or go back with PG_UPGRADE_UNDO=true (upgrade: {id: ${UPGRADE[id]}, undo: true}), which loses what was written since"
  fi
}

# Prints a field of the upgrade to be undone, from its journal or its outcome. Arguments: field.
undone_upgrade() {
  if [ "${UPGRADE[id]-}" = "$PG_UPGRADE" ]; then
    if [ "$1" = state ]; then echo "done"; else echo "${UPGRADE[$1]-}"; fi
  else
    upgrade_outcome "$PG_UPGRADE" "$1"
  fi
}

# Arguments: what is wrong. Ends the process when there are no data to serve.
decline_undo() {
  [ -s "$PGDATA/PG_VERSION" ] || die "upgrade $PG_UPGRADE can't be undone: $1. Nothing was touched; the volume holds $(describe_clusters)"
  warn "upgrade $PG_UPGRADE can't be undone: $1. Nothing was touched, the data serve on"
}

# Puts the kept copy back, or lets the restore of the newest backup follow (UNDO_BY_RESTORE, which read_request reads).
begin_undo_upgrade() {
  local state from
  state="$(undone_upgrade state)" from="$(undone_upgrade from)"
  if [ "$state" = undone ]; then
    info "upgrade $PG_UPGRADE is undone since $(upgrade_outcome "$PG_UPGRADE" at): nothing to do"
  elif [ "$state" != "done" ]; then
    decline_undo "it is ${state:-not known}"
  elif [ "$from" != "$PG_MAJOR" ]; then
    decline_undo "that needs the image of PostgreSQL $from"
  elif [ "$(undone_upgrade mode)" != link ] && [ -d "$PGDATA.pre-upgrade" ]; then
    UPGRADE=([id]="$PG_UPGRADE" [request]="$(undone_upgrade request)" [from]="$from" [to]="$(undone_upgrade to)"
    [mode]="$(undone_upgrade mode)" [old]="$PGDATA")
    enter_upgrade_step undoing-upgrade
    swap_upgrade_back
  else
    # linked files without a control file belong to the new server
    if [ -s "$PGDATA/PG_VERSION" ] && ! [ -e "$PGDATA/global/pg_control" ]; then
      rm -rf "$PGDATA.pre-upgrade"
      publish_folder "$PGDATA" "$PGDATA.pre-upgrade" setting-links-aside
    fi
    UNDO_BY_RESTORE=true
  fi
}

swap_upgrade_back() {
  local old="${UPGRADE[old]}" new="$VOLUME/${UPGRADE[to]}/docker"
  if [ -d "$old.pre-upgrade" ] && [ -s "$new/PG_VERSION" ]; then
    rm -rf "$new.undone"
    publish_folder "$new" "$new.undone" setting-new-aside
  fi
  if [ -d "$old.pre-upgrade" ]; then
    publish_folder "$old.pre-upgrade" "$old" putting-old-back
  fi
  forget_collations
  record_upgrade undone "the data from before it serve again; the upgraded ones are kept in $new.undone"
  info "upgrade ${UPGRADE[id]} undone: the data from before it serve again, the upgraded ones are kept in $new.undone"
  close_upgrade
}

# Runs beside the server, by attempt: once the restore that undoes the upgrade is done, sets the new major's data aside.
finish_undo_upgrade() {
  local new
  [ -n "${UNDO_BY_RESTORE-}" ] && [ "$(outcome_of "undo-$PG_UPGRADE" state)" = "done" ] || return 0
  new="$VOLUME/$(undone_upgrade to)/docker"
  UPGRADE=([id]="$PG_UPGRADE" [request]="$(undone_upgrade request)" [from]="$PG_MAJOR" [to]="$(undone_upgrade to)" [mode]="$(undone_upgrade mode)")
  if [ -s "$new/PG_VERSION" ]; then
    rm -rf "$new.undone"
    publish_folder "$new" "$new.undone" setting-new-aside
  fi
  rm -rf "$PGDATA.pre-upgrade" "$new.upgrade"
  record_upgrade undone "the newest data of PostgreSQL $PG_MAJOR were restored; the upgraded ones are kept in $new.undone"
  info "upgrade $PG_UPGRADE undone: the newest data of PostgreSQL $PG_MAJOR were restored, the upgraded ones are kept in $new.undone"
  if [ -e "$UPGRADE_FILE" ]; then close_upgrade; fi
}
