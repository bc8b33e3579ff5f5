# Reads a private server's tables to find damage. Only damage counts: read errors, checksums and catalogs (SQLSTATE classes 58 and
# XX), a full disk, a session that breaks down. Other errors of a table are not ours to judge.
# Reads SERVER_DATA.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly TABLES_TOLD=20
readonly TABLES_IN_SESSION=500 # a session caches each table and its indexes

# Reads the first and the last block of every table and materialized view, which PostgreSQL checks against their checksums.
# Arguments: socket's folder. Exit: 1 when something is damaged or can't be read; PROBLEM says what.
read_all_tables() {
  local failed="$BULK/failed" state database table file told=0 what
  mkdir -p "$BULK"
  write_reads "$BULK/reads.sql" true
  if ! in_each_database "$1" "$BULK/reads.sql" -v FETCH_COUNT=1000 >"$failed"; then
    PROBLEM="the data can't be read: $(each_problem)"
    return 1
  fi
  while read -r state database table file; do
    told=$((told + 1))
    if ((told > TABLES_TOLD)) && ! is_damage "$state" "$file"; then continue; fi
    what="$(describe_table "$1" "$database" "$table") (SQLSTATE $state)"
    if is_damage "$state" "$file"; then
      PROBLEM="the data are damaged: $what"
      return 1
    fi
    warn "a table can't be read, which is no damage: $what"
  done <"$failed"
  if ((told > TABLES_TOLD)); then warn "there are $((told - TABLES_TOLD)) more of such tables"; fi
}

# Writes psql commands that read each table of a database and, when that fails, print a line with the SQLSTATE, the oids of
# database and table, and the file. Skips other access methods, and tables that do not outlive a restart.
# Arguments: file, condition on pg_class.
write_reads() {
  cat >"$1" <<SQL
\\o $BULK/these.sql
SELECT format(E'SELECT (SELECT count(*) FROM ONLY %1\$s WHERE ctid < ''(1,0)''), (SELECT count(*) FROM ONLY %1\$s
  WHERE ctid >= (SELECT format(''(%%s,0)'', greatest(pg_relation_size(%3\$s) / current_setting(''block_size'')::int - 1, 0))::tid));
\\\\if :ERROR\n\\\\echo :SQLSTATE %2\$s %3\$s %4\$s\n\\\\endif', c.oid::regclass, d.oid, c.oid, pg_relation_filepath(c.oid))
    || CASE WHEN row_number() OVER () % $TABLES_IN_SESSION = 0 THEN E'\n\\\\connect' ELSE '' END
  FROM pg_class AS c, pg_database AS d
  WHERE datname = current_database() AND relkind IN ('r', 'm', 't') AND relpersistence = 'p' AND relispopulated
    AND relam = (SELECT oid FROM pg_am WHERE amname = 'heap') AND $2;
\\o /dev/null
\\set ON_ERROR_STOP off
\\i $BULK/these.sql
\\set ON_ERROR_STOP on
\\o
SQL
}

# Exit: 0 when an error shows damage. A missing file (58P01) may be a library's, which another image may lack.
# Arguments: SQLSTATE, the table's file below the data folder.
is_damage() {
  case "$1" in
    58P01) [ ! -e "$SERVER_DATA/$2" ] ;;
    XX* | 58* | 53100) true ;;
    *) false ;;
  esac
}

# Prints a table's name, its database's, and its read error, on one line. Arguments: socket's folder, oids of both.
describe_table() {
  local name table words
  name="$(private_sql "$1" postgres -c "SELECT datname || '.' FROM pg_database WHERE oid = $2")" || true
  name="${name%.}"
  table="$(private_sql "$1" "$name" -c "SELECT $3::regclass")" || true
  write_reads "$BULK/again.sql" "c.oid = $3"
  words="$(private_sql "$1" "$name" -f "$BULK/again.sql" 2>&1 >/dev/null | grep -m 1 -o 'ERROR: .*')" || true
  printf '%s of database %s: %s' "${table:-the table with oid $3}" "$name" "${words#ERROR:  }" | tr '\n' ' '
}
