import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../local/process";
import { type Container, docker, newVolume } from "./docker";
import { imageOf } from "./majors";
import { backup, boot } from "./restore";
import { ask, keptPrograms } from "./upgrade";

/** What breaks tools that read every database. Run it as the superuser in database postgres of an empty cluster from 17 on. */
export const CATALOGS = readFileSync(join(__dirname, "catalogs.sql"), "utf8");

/** What must be corrected in it before pg_upgrade accepts it; a restore accepts all of it. */
export const TAMED = String.raw`
ALTER DATABASE closed ALLOW_CONNECTIONS true;
DROP DATABASE half;
SELECT E'ALTER DATABASE "new\nline" RENAME TO "no new line"' \gexec
`;

const SUM = `'SELECT md5(string_agg(t::text, '','' ORDER BY t::text COLLATE "C")) AS x FROM %s t'`;
const IN_EACH = `
SELECT current_database(), relname, (xpath('/row/x/text()', query_to_xml(format(${SUM}, oid::regclass), false, true, '')))[1]
  FROM pg_class WHERE relkind IN ('r', 'm', 'p') AND relpersistence <> 't' AND relispopulated AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
  ORDER BY relname;
SELECT current_database(), 'sequences', string_agg(sequencename || ' ' || coalesce(last_value::text, '-'), ',' ORDER BY sequencename) FROM pg_sequences;
SELECT current_database(), 'large objects', md5(string_agg(oid || lomowner::regrole::text || md5(lo_get(oid)), '' ORDER BY oid)) FROM pg_largeobject_metadata;
SELECT current_database(), 'views', count(*) FROM pg_views WHERE schemaname NOT IN ('pg_catalog', 'information_schema');
SELECT current_database(), 'rules and policies', (SELECT count(*) FROM pg_rules WHERE schemaname = 'public'), (SELECT count(*) FROM pg_policy),
  (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_event_trigger), (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_foreign_table);
SELECT current_database(), 'indexes', count(*) FROM pg_index WHERE indisvalid AND indrelid::regclass::text !~ '^pg_|^information_schema|slugs' AND indexrelid >= 16384;
SELECT current_database(), 'extensions', string_agg(extname, ' ' ORDER BY extname) FROM pg_extension;
`;
const OF_ALL = `
SELECT rolname, rolcanlogin, rolconnlimit FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1;
SELECT datname, datdba::regrole, encoding, datcollate, datallowconn, datconnlimit, datistemplate, (SELECT string_agg(acl::text, ',' ORDER BY acl::text) FROM unnest(datacl) AS acl) FROM pg_database WHERE datname !~ '^template' ORDER BY 1;
SELECT setdatabase::text, setrole::regrole, setconfig FROM (SELECT coalesce(d.datname, '') AS setdatabase, setrole, setconfig::text
  FROM pg_db_role_setting AS s LEFT JOIN pg_database AS d ON d.oid = setdatabase) AS setting ORDER BY 1, 2;
SELECT subname, subenabled, subpublications FROM pg_subscription;
`;

/** Everything in such a cluster that must survive, read by the image's own way into each database. */
export async function hostileContent(server: Container): Promise<string> {
  const script = `BULK=/tmp/content; . /usr/local/bin/entrypoint.sh; POSTGRES_USER=postgres; empty_bulk; cat >/tmp/in-each.sql <<'SQL'
${IN_EACH}
SQL
in_each_database /var/run/postgresql /tmp/in-each.sql || die "$(each_problem)"`;
  const { code, stdout, stderr } = await server.bash(script);
  if (code !== 0) throw new Error(stderr.slice(-2000));
  return `${stdout}\n${await ask(server, "postgres", OF_ALL)}`;
}

/** A stopped cluster of a major with all of it, a base backup, and what `hostileContent` says. */
export async function prepareHostile(
  major: number,
  sql = CATALOGS,
): Promise<{ volume: string; content: string }> {
  const volume = await newVolume();
  const server = await boot(volume, {}, await imageOf(major));
  await docker(["exec", "-i", server.id, "psql", "-U", "postgres", "-Xq", "-f", "-"], sql);
  await leaveTemporaryTables(server);
  await backup(server);
  await keptPrograms(server);
  const content = await hostileContent(server);
  await server.stop();
  await server.remove();
  return { volume, content };
}

/** A kill leaves a session's temporary tables in the catalogs, in a schema that no session uses. */
async function leaveTemporaryTables(server: Container): Promise<void> {
  const session = server.exec(
    "psql",
    "-U",
    "postgres",
    "-c",
    "CREATE TEMP TABLE left_over AS SELECT 1",
    "-c",
    "SELECT pg_sleep(600)",
    "shop",
  );
  await until(
    "the session sleeps",
    async () =>
      (await server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")) === "1",
  );
  await server.kill("KILL");
  await session;
  await server.ends();
  await server.start();
  await server.isUp();
}
