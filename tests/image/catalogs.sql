-- A cluster full of what breaks tools that read every database: run by psql as the superuser in database postgres of 17 or later.
-- catalogs.ts knows how to make it, what it holds, and which of it has to be put right before an upgrade.
\set ON_ERROR_STOP on
SET client_min_messages = error;

-- roles
CREATE ROLE "Owner ""of"" it's = all, with spaces.and.dots" LOGIN;
CREATE ROLE "näme ☃" IN ROLE "Owner ""of"" it's = all, with spaces.and.dots";
CREATE ROLE hurried LOGIN; ALTER ROLE hurried SET statement_timeout = '1ms'; ALTER ROLE hurried SET default_transaction_read_only = on;
CREATE ROLE nobody NOLOGIN;
CREATE ROLE "back\slash" CONNECTION LIMIT 0;

-- databases, each with a table that tells whose it is
CREATE DATABASE model;
\connect model
CREATE TABLE kept AS SELECT n, n::text AS word FROM generate_series(1, 100) AS n; CREATE INDEX kept_word ON kept (word);
\connect postgres
ALTER DATABASE model IS_TEMPLATE true CONNECTION LIMIT 0;
CREATE DATABASE "a=b" TEMPLATE model;
CREATE DATABASE "postgresql://nowhere/x" TEMPLATE model;
CREATE DATABASE "host=nowhere dbname=x" TEMPLATE model OWNER "Owner ""of"" it's = all, with spaces.and.dots";
CREATE DATABASE "it's ""quoted""; -- $1 `id` $(id)" TEMPLATE model;
CREATE DATABASE "-d dots.and spaces " TEMPLATE model;
CREATE DATABASE "ünïcöde ☃" TEMPLATE model;
CREATE DATABASE "back\slash\\n%s%%" TEMPLATE model;
CREATE DATABASE "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" TEMPLATE model;
CREATE DATABASE "tab	in it" TEMPLATE model;
CREATE DATABASE private TEMPLATE model; REVOKE CONNECT ON DATABASE private FROM PUBLIC;
CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
CREATE DATABASE "icu" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de';

-- what pg_upgrade does not take, and a restore does
CREATE DATABASE closed TEMPLATE model; ALTER DATABASE closed ALLOW_CONNECTIONS false;
CREATE DATABASE half TEMPLATE model; UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half';
SELECT E'CREATE DATABASE "new\nline" TEMPLATE model' \gexec

-- its sessions are of no use to anybody who does not say what he wants
CREATE DATABASE hostile;
\connect hostile
SET client_min_messages = error;
CREATE TABLE kept AS SELECT n, n::text AS word FROM generate_series(1, 100) AS n; CREATE INDEX ON kept (word);
CREATE SCHEMA evil;
CREATE FUNCTION evil.fail_text(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE OPERATOR evil.= (FUNCTION = evil.fail_text, LEFTARG = text, RIGHTARG = text);
\connect postgres
ALTER DATABASE hostile SET default_transaction_read_only = on;
ALTER DATABASE hostile SET statement_timeout = '1ms';
ALTER DATABASE hostile SET lock_timeout = '1ms';
ALTER DATABASE hostile SET transaction_timeout = '1ms';
ALTER DATABASE hostile SET idle_session_timeout = '1ms';
ALTER DATABASE hostile SET search_path = evil;
ALTER DATABASE hostile SET role = 'nobody';
ALTER DATABASE hostile SET session_preload_libraries = 'not_there';
ALTER DATABASE hostile SET default_transaction_isolation = 'serializable';
ALTER DATABASE hostile SET default_tablespace = 'not_there';
ALTER DATABASE hostile SET client_encoding = 'LATIN1';
ALTER DATABASE hostile SET datestyle = 'German';
ALTER DATABASE hostile SET bytea_output = 'escape';
ALTER DATABASE hostile SET session_replication_role = 'replica';
ALTER DATABASE hostile SET zero_damaged_pages = on;
ALTER DATABASE hostile SET ignore_checksum_failure = on;
ALTER DATABASE hostile SET default_toast_compression = 'lz4';
ALTER DATABASE hostile SET quote_all_identifiers = on;
ALTER ROLE ALL IN DATABASE hostile SET row_security = off;
ALTER ROLE postgres IN DATABASE hostile SET default_transaction_read_only = on;

-- nobody may connect or change anything: event triggers
CREATE DATABASE guarded;
\connect guarded
SET client_min_messages = error;
CREATE TABLE kept AS SELECT n, n::text AS word FROM generate_series(1, 100) AS n;
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not here: %', tg_tag; END $$;
CREATE EVENT TRIGGER no_login ON login EXECUTE FUNCTION refuse();
CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION refuse();

\connect postgres
SET client_min_messages = error;
CREATE DATABASE shop;
\connect shop
SET client_min_messages = error;
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION pg_trgm; CREATE EXTENSION postgres_fdw; CREATE EXTENSION file_fdw;
CREATE EXTENSION dblink; CREATE EXTENSION amcheck;

-- indexes: invalid, unlogged, partial, over an expression that fails by now, over JSON, ICU, only of a partitioned table
CREATE TABLE doubled (n int, word text);
INSERT INTO doubled SELECT n % 50, 'w' || n FROM generate_series(1, 100) AS n;
\set ON_ERROR_STOP off
CREATE UNIQUE INDEX CONCURRENTLY doubled_invalid ON doubled (n);
CREATE UNIQUE INDEX CONCURRENTLY doubled_invalid_word ON doubled ((left(word, 1)));
\set ON_ERROR_STOP on
CREATE UNLOGGED TABLE fleeting (n int PRIMARY KEY, word text UNIQUE);
INSERT INTO fleeting SELECT n, 'u' || n FROM generate_series(1, 100) AS n;
CREATE UNLOGGED SEQUENCE fleeting_sequence;
CREATE FUNCTION slug(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lower($1); END $$;
CREATE TABLE slugs (name text);
INSERT INTO slugs SELECT 'Name ' || n FROM generate_series(1, 100) AS n;
CREATE INDEX slugs_fails ON slugs (slug(name));
CREATE INDEX slugs_where ON slugs (name) WHERE name < 'Name 5';
CREATE OR REPLACE FUNCTION slug(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'no slug any more'; END $$;
CREATE TABLE documents (n int GENERATED ALWAYS AS IDENTITY, body jsonb, words text[], during tstzrange, tags hstore, mail citext);
INSERT INTO documents (body, words, during, tags, mail)
  SELECT jsonb_build_object('n', n), ARRAY['a' || n, 'b'], tstzrange('2026-01-01', '2026-02-01'), hstore('k', n::text), 'A' || n FROM generate_series(1, 50) AS n;
CREATE INDEX ON documents USING gin (body); CREATE INDEX ON documents (body); CREATE INDEX ON documents (words); CREATE INDEX ON documents USING gist (during);
CREATE INDEX ON documents (mail); CREATE INDEX ON documents USING gin (tags); CREATE INDEX ON documents USING brin (n);

-- relations that can't be read, or not by everybody
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', dbname 'x', connect_timeout '1');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'x', password 'it''s "secret"');
CREATE FOREIGN TABLE far_away (n int) SERVER far;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE lost_file (line text) SERVER files OPTIONS (filename '/not/there');
CREATE FUNCTION fails(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fails'; END $$;
CREATE VIEW failing AS SELECT fails(1), 1 / (random() * 0)::int AS division;
CREATE VIEW over_failing AS SELECT * FROM failing, far_away;
CREATE MATERIALIZED VIEW empty_forever AS SELECT fails(n) AS n FROM doubled WITH NO DATA;
CREATE UNIQUE INDEX ON empty_forever (n);
CREATE MATERIALIZED VIEW summed AS SELECT n, count(*) FROM doubled GROUP BY n;
CREATE VIEW with_check AS SELECT * FROM doubled WHERE n > 10 WITH CASCADED CHECK OPTION;
CREATE TABLE hidden (n int, owner name); INSERT INTO hidden VALUES (1, 'postgres'), (2, 'nobody');
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
CREATE POLICY none_at_all ON hidden USING (fails(n) = 1);
ALTER TABLE hidden OWNER TO hurried;

-- types
CREATE DOMAIN short AS text CHECK (length(value) < 10);
CREATE DOMAIN longer AS short CONSTRAINT "it's ""named""" CHECK (value <> 'x') NOT NULL;
CREATE TYPE mood AS ENUM ('it''s fine', 'so "so"', 'a=b', '');
CREATE TYPE pair AS (a longer, b mood[]);
CREATE TABLE typed (a longer, b mood, c pair, d pair[]);
INSERT INTO typed VALUES ('one', 'a=b', ROW('two', '{"so \"so\""}'), ARRAY[ROW('three', '{}')::pair]);
ALTER DOMAIN short ADD CONSTRAINT too_late CHECK (value <> 'one') NOT VALID;
CREATE TYPE own_range AS RANGE (subtype = text, collation = "C");
CREATE TABLE ranges (r own_range, m own_multirange); INSERT INTO ranges VALUES ('[a,b)', '{[a,b),[c,d)}');

-- tables of every kind
CREATE TABLE "Ta""ble it's = a.b	; -- ☃" ("col""umn = 1" int, "Select" text COLLATE "de-x-icu", PRIMARY KEY ("Select", "col""umn = 1"));
INSERT INTO "Ta""ble it's = a.b	; -- ☃" SELECT n, 'ä' || n FROM generate_series(1, 100) AS n;
SELECT E'CREATE TABLE "new\nline\r" ("x\ny" int, n text); INSERT INTO "new\nline\r" VALUES (1, E''a\\nb''); CREATE INDEX "in\ndex" ON "new\nline\r" (n)' \gexec
CREATE SCHEMA "sche""ma.with = dots"; CREATE TABLE "sche""ma.with = dots"."t.t" (n text UNIQUE); INSERT INTO "sche""ma.with = dots"."t.t" VALUES ('x');
CREATE TABLE xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx (n text PRIMARY KEY);
CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE dropped (a int, b text, c int); INSERT INTO dropped VALUES (1, 'b', 2); ALTER TABLE dropped DROP b, ADD d text DEFAULT 'fast';
CREATE TABLE computed (n int, twice int GENERATED ALWAYS AS (n * 2) STORED); INSERT INTO computed VALUES (1), (2);
CREATE TABLE ruled (n int); INSERT INTO ruled VALUES (1);
CREATE RULE nothing_in AS ON INSERT TO ruled DO INSTEAD NOTHING; CREATE RULE nothing_out AS ON DELETE TO ruled DO INSTEAD SELECT fails(1);
CREATE TABLE checked (n int); INSERT INTO checked VALUES (1); ALTER TABLE checked ADD CONSTRAINT never CHECK (n > 5) NOT VALID;
CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED, up int);
ALTER TABLE child DISABLE TRIGGER ALL; INSERT INTO child VALUES (77);
CREATE TABLE base (n int); CREATE TABLE heir (m int) INHERITS (base); INSERT INTO heir VALUES (1, 2);
CREATE TABLE logs (k text, n int) PARTITION BY LIST (k);
CREATE TABLE logs_a PARTITION OF logs FOR VALUES IN ('a', 'it''s'); CREATE TABLE logs_rest PARTITION OF logs DEFAULT PARTITION BY HASH (n);
CREATE TABLE logs_rest_0 (n int, k text); ALTER TABLE logs_rest ATTACH PARTITION logs_rest_0 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO logs VALUES ('a', 1), ('b', 2), (NULL, 3);
CREATE INDEX logs_only ON ONLY logs (n);
CREATE TABLE texts (k text) PARTITION BY RANGE (k); CREATE TABLE texts_1 PARTITION OF texts FOR VALUES FROM (MINVALUE) TO ('m'); INSERT INTO texts VALUES ('b');
CREATE TABLE large (t text); ALTER TABLE large ALTER t SET STORAGE external; INSERT INTO large SELECT string_agg(md5(n::text), '') FROM generate_series(1, 10000) AS n;
CREATE TABLE storing (n int) WITH (fillfactor = 11, autovacuum_enabled = false);
CREATE TABLE refusing (n int); INSERT INTO refusing VALUES (1);
CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER refuse_all BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON refusing EXECUTE FUNCTION refuse_all(); ALTER TABLE refusing ENABLE ALWAYS TRIGGER refuse_all;
CREATE STATISTICS many ON n, word FROM doubled;
COMMENT ON TABLE nothing IS E'it''s "a" comment\nin two lines; \\connect nowhere';

-- sequences at their end, large objects
CREATE SEQUENCE at_end MAXVALUE 3; SELECT setval('at_end', 3); CREATE SEQUENCE downwards INCREMENT -1 MINVALUE -9223372036854775808 START -1; SELECT setval('downwards', -9223372036854775807);
CREATE SEQUENCE "Sequence = ""1""" CYCLE; SELECT nextval('"Sequence = ""1"""');
SELECT lo_from_bytea(4242, convert_to(repeat('large ', 10000), 'UTF8')); SELECT lo_create(4243); ALTER LARGE OBJECT 4243 OWNER TO nobody; COMMENT ON LARGE OBJECT 4243 IS 'empty';
GRANT SELECT ON LARGE OBJECT 4242 TO "näme ☃";

-- names that hide those of pg_catalog
CREATE FUNCTION public.fail_text(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE OPERATOR public.= (FUNCTION = public.fail_text, LEFTARG = text, RIGHTARG = text); CREATE OPERATOR public.<> (FUNCTION = public.fail_text, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE FUNCTION public.pg_relation_size(oid) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE VIEW public.pg_class AS SELECT 1 / 0 AS oid; CREATE TABLE public.pg_database (datname text);
ALTER DATABASE shop SET search_path = public, pg_catalog;

-- collations, text search, casts, access methods, languages
CREATE COLLATION own (provider = icu, locale = 'de-u-co-phonebk'); CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE collated (a text COLLATE own, b text COLLATE blind UNIQUE); INSERT INTO collated VALUES ('ä', 'Ä'), ('z', 'z'); CREATE INDEX ON collated (a);
CREATE TEXT SEARCH CONFIGURATION ours (COPY = simple); CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE other_method (n int) USING heap_too; INSERT INTO other_method VALUES (1);
CREATE AGGREGATE own_sum (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0'); CREATE CAST (mood AS int) WITH INOUT;

-- extensions: one whose update has no path, one that owns a table of ours
UPDATE pg_extension SET extversion = '0.1' WHERE extname = 'citext';
CREATE TABLE ext_table (n int); INSERT INTO ext_table VALUES (1); ALTER EXTENSION hstore ADD TABLE ext_table;

-- replication, rights
CREATE PUBLICATION everything FOR ALL TABLES; CREATE PUBLICATION "Pub = 'x'" FOR TABLE doubled WHERE (n > 5) WITH (publish = 'insert');
CREATE SUBSCRIPTION nowhere CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false, enabled = false, slot_name = NONE);
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT SELECT (n) ON doubled TO "Owner ""of"" it's = all, with spaces.and.dots" WITH GRANT OPTION; REASSIGN OWNED BY nobody TO nobody;

\connect postgres
