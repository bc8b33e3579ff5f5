# Libraries that shared_preload_libraries no longer names, and what in the databases fails without them. No list says which
# library must be preloaded: the scratch server, which runs without it, shows that.
# Reads FOLDER.
# shellcheck shell=bash disable=SC2154 # results are shared between the files

# Prints what needs a library that is preloaded now and would not be, one line each.
# Arguments: settings to come, as a JSON object.
library_problems() {
  local library removed="$FOLDER/removed"
  removed_libraries "$1" >"$removed"
  while IFS= read -r library; do
    library_users "$library" >"$FOLDER/users"
    if [ -s "$FOLDER/users" ]; then
      printf -- '- shared_preload_libraries without %s: %s need it preloaded: leave it there, or drop them.\n' "$library" \
        "$(sort -u "$FOLDER/users" | head -n 5 | paste -sd ',' | sed 's/,/, /g')"
    fi
  done <"$removed"
}

# Arguments: settings to come, as a JSON object.
removed_libraries() {
  sql -v wanted="$1" <<'SQL'
WITH listed(list, now) AS (
    VALUES (current_setting('shared_preload_libraries'), true), (:'wanted'::json->>'shared_preload_libraries', false)
  ),
  library AS (
    SELECT regexp_replace(btrim(name, ' "'), '^.*/|\.so$', '', 'g') AS name, now FROM listed, string_to_table(list, ',') AS name
  )
SELECT name FROM library WHERE now AND name <> '' EXCEPT SELECT name FROM library WHERE NOT now
SQL
}

# Prints what fails unless the library is preloaded. Arguments: library.
library_users() {
  local extensions="$FOLDER/extensions" extension
  attempt load_library "$1"
  if ((STATUS != 0)); then # it does not even load on demand
    slots_of "$1"
    ask_each_database users_of_functions "$1"
    return 0
  fi
  ask_each_database extensions_with "$1" >"$extensions"
  sort -u -o "$extensions" "$extensions"
  while IFS= read -r extension; do
    attempt read_views_of "$extension"
    if ((STATUS != 0)); then ask_each_database users_of_extension "$extension"; fi
  done <"$extensions"
}

# Exit: not 0 when a session of the scratch server can't load the library on demand. Arguments: library.
load_library() { scratch_sql -v library="$1" <<<"LOAD :'library'" >"$FOLDER/load.log" 2>&1; }

# Prints the replication slots whose output plugin is the library. Arguments: library.
slots_of() {
  sql -v library="$1" <<'SQL'
SELECT 'replication slot ' || quote_ident(slot_name) FROM pg_replication_slots WHERE plugin = :'library'
SQL
}

# Prints the database's extensions with functions in the library. Arguments: library.
extensions_with() {
  sql -v library="$1" <<'SQL'
SELECT DISTINCT extname FROM pg_proc AS p
  JOIN pg_depend AS d ON (d.classid, d.objid, d.deptype) = ('pg_proc'::regclass, p.oid, 'e')
  JOIN pg_extension AS e ON e.oid = d.refobjid
  WHERE regexp_replace(probin, '^.*/|\.so$', '', 'g') = :'library'
SQL
}

# Prints the database's extensions with functions in the library, and functions without an extension. Arguments: library.
users_of_functions() {
  sql -v library="$1" <<'SQL'
SELECT DISTINCT format('%s in database %I', coalesce('extension ' || quote_ident(extname), 'function ' || p.oid::regprocedure),
    current_database())
  FROM pg_proc AS p LEFT JOIN pg_depend AS d ON (d.classid, d.objid, d.deptype) = ('pg_proc'::regclass, p.oid, 'e')
  LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
  WHERE regexp_replace(probin, '^.*/|\.so$', '', 'g') = :'library'
SQL
}

# Creates an extension in the scratch server and reads its views. Exit: not 0 when one works only with its library preloaded.
# Arguments: extension.
read_views_of() {
  scratch_sql -v extension="$1" >"$FOLDER/views" 2>&1 <<'SQL'
CREATE EXTENSION IF NOT EXISTS :"extension" CASCADE;
SELECT format('SELECT 1 FROM %s LIMIT 1', v.oid::regclass) FROM pg_class AS v
  JOIN pg_depend AS d ON (d.classid, d.objid, d.deptype) = ('pg_class'::regclass, v.oid, 'e')
  JOIN pg_extension AS e ON e.oid = d.refobjid
  WHERE relkind = 'v' AND extname = :'extension' \gexec
SQL
}

# Prints what uses an extension's objects in the database without being one of them. Arguments: extension.
users_of_extension() {
  sql -v extension="$1" <<'SQL'
WITH member AS (
    SELECT classid, objid FROM pg_depend
      JOIN pg_extension AS e ON (refclassid, refobjid) = ('pg_extension'::regclass, e.oid)
      WHERE deptype = 'e' AND extname = :'extension'
    UNION SELECT 'pg_extension'::regclass, oid FROM pg_extension WHERE extname = :'extension'
  ),
  used AS (
    SELECT DISTINCT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS classid,
        coalesce(r.ev_class, d.objid) AS objid
      FROM member AS m JOIN pg_depend AS d ON (d.refclassid, d.refobjid, d.deptype) = (m.classid, m.objid, 'n')
      LEFT JOIN pg_rewrite AS r ON (d.classid, d.objid) = ('pg_rewrite'::regclass, r.oid)
  )
SELECT format('%s in database %I', pg_describe_object(classid, objid, 0), current_database()) FROM used
  WHERE (classid, objid) NOT IN (SELECT classid, objid FROM member) ORDER BY 1
SQL
}
