# Finds which indexes depend on which collations, from a running private server of 17, 18 or 19.
# A line has 11 fields, separated by tabs: database, kind (index; partitions: a table whose bounds are compared by
# the collation; closed: a database that refuses connections), oid, file node, bytes, name, collation, provider (c, i, b),
# locale, version recorded in the catalog, version that the server's libraries provide. In the database's name, backslash, tab and
# line breaks are \\, \t, \n and \r. There may be very many lines, so they are in files and go through awk.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

COLLATION_ERROR="$RUN/collations.error"

# Arguments: socket's folder or host, database, psql's. Prints fields separated by tabs; writes errors, one line each, into
# COLLATION_ERROR.
collation_sql() { private_sql "$1" "$2" -F $'\t' -v VERBOSITY=terse "${@:3}" 2>"$COLLATION_ERROR"; }

# Prints the last error of collation_sql.
collation_error() {
  local words
  words="$(sed -nE 's/.*(ERROR|FATAL): *//p' "$COLLATION_ERROR" | paste -sd ' ')"
  echo "${words:-$(tail -n 1 "$COLLATION_ERROR")}"
}

# Writes a line for each index, and each other kind of object, that depends on a collation with a recorded version, and for each
# of these collations. An index depends on the collations of its keys, also within arrays, domains, ranges and composite types, on
# those by which its expressions and its predicate compare, and with jsonb keys on the database's default. Operator classes that
# compare bytes, and hashes under deterministic collations, depend on none. This opens no index: a session caches each relation
# that it opened, 10 KiB each.
# Arguments: socket's folder, file. Exit: 1 when a database can't be read; PROBLEM says which.
read_collations() {
  write_collation_commands >"$BULK/collations.sql"
  in_each_database "$1" "$BULK/collations.sql" -F $'\t' -v VERBOSITY=terse >"$2" || {
    PROBLEM="the databases can't all be looked into: $(each_problem)"
    return 1
  }
  read_closed_databases "$1" >>"$2" || {
    PROBLEM="the databases can't be listed: $(collation_error)"
    return 1
  }
}

# Arguments: socket's folder. Prints a line for each database that refuses connections.
read_closed_databases() {
  collation_sql "$1" postgres <<'SQL'
SELECT replace(replace(replace(replace(datname, '\', '\\'), E'\t', '\t'), E'\n', '\n'), E'\r', '\r'), 'closed', oid, 0, 0, '-',
    'default', datlocprovider, coalesce(datlocale, datcollate), datcollversion, coalesce(pg_database_collation_actual_version(oid), '-')
  FROM pg_database
  WHERE NOT datallowconn AND datconnlimit <> -2 AND datname <> 'template0' AND datcollversion IS NOT NULL
SQL
}

# Prints the query for a database, unique indexes first, because their rebuild may fail.
write_collation_commands() {
  cat <<'SQL'
WITH RECURSIVE version AS (
  SELECT 'pg_catalog."default"'::regcollation::oid AS oid, '"default"' AS name, datlocprovider AS provider,
      coalesce(datlocale, datcollate) AS locale, datcollversion AS recorded
    FROM pg_database WHERE datname = current_database() AND datcollversion IS NOT NULL
  UNION ALL
  SELECT oid, oid::regcollation::text, collprovider, coalesce(colllocale, collcollate), collversion
    FROM pg_collation WHERE collversion IS NOT NULL AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))
), candidate AS (
  SELECT i.*, m.amname, c.relpages
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam
    WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND i.indisvalid
), element AS (
  SELECT n.indexrelid, n.amname, a.atttypid AS type, a.attcollation AS collation
    FROM candidate AS n JOIN pg_attribute AS a ON a.attrelid = n.indexrelid AND a.attnum <= n.indnkeyatts
      JOIN pg_opclass AS o ON o.oid = n.indclass[a.attnum - 1] JOIN pg_opfamily AS f ON f.oid = o.opcfamily
    WHERE f.opfname NOT IN ('text_pattern_ops', 'bpchar_pattern_ops')
  UNION
  SELECT e.indexrelid, e.amname, part.type, part.collation
    FROM element AS e, LATERAL (
      SELECT typelem AS type, 0::oid AS collation FROM pg_type WHERE oid = e.type AND typcategory = 'A'
      UNION ALL SELECT typbasetype, 0 FROM pg_type WHERE oid = e.type AND typtype = 'd'
      UNION ALL SELECT rngsubtype, rngcollation FROM pg_range WHERE e.type IN (rngtypid, rngmultitypid)
      UNION ALL SELECT a.atttypid, a.attcollation
        FROM pg_type AS t JOIN pg_attribute AS a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE t.oid = e.type AND t.typtype = 'c'
    ) AS part
), dependency AS (
  SELECT e.indexrelid, e.collation FROM element AS e JOIN pg_collation AS k ON k.oid = e.collation
    WHERE NOT (e.amname = 'hash' AND k.collisdeterministic)
  UNION
  SELECT indexrelid, 'pg_catalog."default"'::regcollation FROM element WHERE type = 'jsonb'::regtype AND amname = 'btree'
  UNION
  SELECT n.indexrelid, word::oid
    FROM candidate AS n,
      regexp_matches(concat(n.indexprs, ' ', n.indpred), ':inputcollids? (?:\(o )?([0-9 ]+)', 'g') AS match,
      regexp_split_to_table(trim(match[1]), ' +') AS word
), object AS (
  SELECT 'index' AS kind, n.indexrelid AS oid, pg_relation_filenode(n.indexrelid) AS node,
      greatest(n.relpages::bigint * current_setting('block_size')::int, (pg_stat_file(pg_relation_filepath(n.indexrelid), true)).size) AS bytes, n.indisunique AS first, d.collation
    FROM dependency AS d JOIN candidate AS n USING (indexrelid)
  UNION
  SELECT 'partitions', p.partrelid, 0, 0, false, k.oid
    FROM pg_partitioned_table AS p, unnest(p.partcollation::oid[]) AS key (oid) JOIN pg_collation AS k ON k.oid = key.oid
    WHERE p.partstrat = 'r' OR NOT k.collisdeterministic
)
SELECT replace(replace(replace(replace(current_database(), '\', '\\'), E'\t', '\t'), E'\n', '\n'), E'\r', '\r'), o.kind, o.oid, o.node, o.bytes,
    translate(o.oid::regclass::text, E'\t\n\r', '   '), translate(v.name, E'\t\n\r', '   '), v.provider, v.locale, v.recorded,
    coalesce(pg_collation_actual_version(v.oid), '-')
  FROM object AS o JOIN version AS v ON v.oid = o.collation
  ORDER BY o.first DESC, o.oid::regclass::text;
SQL
}

# Prints a server's version of a collation, - when it has none. The C library is this image's.
# Arguments: socket's folder, provider (c, i, b), locale. Exit: psql's.
actual_version() {
  case "$2:$3" in
    b:*) echo 1 ;;
    c:C | c:C.* | c:POSIX) echo - ;;
    c:*) c_library_version ;;
    *)
      collation_sql "$1" postgres -v locale="$3" <<'SQL'
SET icu_validation_level = disabled;
BEGIN;
CREATE COLLATION pg_temp.asked (provider = icu, locale = :'locale');
SELECT coalesce(collversion, '-') FROM pg_collation WHERE oid = 'pg_temp.asked'::regcollation;
ROLLBACK;
SQL
      ;;
  esac
}

# Replaces the versions in lines with another server's, as for an upgrade, whose old server may still have the old ICU.
# Arguments: socket's folder of the other server, file with lines. Exit: 1 when it does not answer; PROBLEM says so.
take_versions_from() {
  local provider locale version
  cut -f 8,9 "$2" | sort -u >"$BULK/asked"
  while IFS=$'\t' read -r provider locale; do
    version="$(actual_version "$1" "$provider" "$locale")" || {
      PROBLEM="the version of collation $locale can't be asked for: $(collation_error)"
      return 1
    }
    printf '%s\t%s\t%s\n' "$provider" "$locale" "$version"
  done <"$BULK/asked" >"$BULK/answered"
  awk -F '\t' -v OFS='\t' 'NR == FNR { version[$1, $2] = $3; next } { $11 = version[$8, $9]; print }' "$BULK/answered" "$2" >"$2.new"
  mv -f "$2.new" "$2"
}
