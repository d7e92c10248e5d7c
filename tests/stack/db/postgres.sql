-- A cluster with a bit of everything that a dump may get wrong.  Run by psql as superuser.
CREATE ROLE owner_role NOLOGIN;
CREATE ROLE "weird role'"" x" LOGIN PASSWORD 'p''w' CONNECTION LIMIT 7 VALID UNTIL '2031-01-01';
CREATE ROLE reader LOGIN PASSWORD 'reader';
CREATE ROLE writer NOINHERIT CREATEDB;
GRANT owner_role TO reader WITH ADMIN OPTION;
GRANT reader TO writer;
GRANT pg_read_all_data TO reader;
ALTER ROLE reader SET work_mem = '7MB';
ALTER ROLE reader SET search_path = '$user', 'a, b', public;
COMMENT ON ROLE owner_role IS 'owns; things';
CREATE DATABASE shop OWNER owner_role;
CREATE DATABASE "we/ird 'd""b" ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE "-Xq" TEMPLATE template0;
CREATE DATABASE globals;
CREATE DATABASE "postgresql://host/db=1";
CREATE DATABASE stencil IS_TEMPLATE true;
ALTER DATABASE shop SET timezone = 'Europe/Vienna';
ALTER DATABASE shop SET statement_timeout = '1ms';
ALTER ROLE reader IN DATABASE shop SET statement_timeout = '5s';
ALTER DATABASE shop CONNECTION LIMIT 50;
REVOKE ALL ON DATABASE shop FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO reader;
COMMENT ON DATABASE shop IS 'the shop''s';

\connect template1
CREATE TABLE in_every_new_database (x int);

\connect stencil
CREATE TABLE of_stencil (x int);
INSERT INTO of_stencil VALUES (1);

\connect -reuse-previous=on "dbname='we/ird \'d""b'"
CREATE TABLE t (x text);
SET client_encoding = 'UTF8';
INSERT INTO t VALUES ('äöü'), (NULL), ('\N'), (E'tab\tnl\n\\.'), ('-- PostgreSQL database dump complete');

\connect -reuse-previous=on "dbname='-Xq'"
CREATE TABLE "-t" ("-c" int);
INSERT INTO "-t" VALUES (1);

\connect globals
CREATE TABLE g (x int PRIMARY KEY);
INSERT INTO g SELECT generate_series(1, 5);

\connect shop
SET statement_timeout = 0;
SET synchronous_commit = off;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE SCHEMA "Sales Dept" AUTHORIZATION owner_role;
CREATE SCHEMA pgsch;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s');
ALTER TYPE mood ADD VALUE 'new' BEFORE 'ok';
CREATE TYPE pair AS (a int, b text);
CREATE TYPE floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE DOMAIN posint AS int DEFAULT 1 CHECK (VALUE > 0) NOT NULL;
CREATE COLLATION german (provider = icu, locale = 'de-u-co-phonebk');
CREATE SEQUENCE odd_seq INCREMENT BY -3 MINVALUE -1000 MAXVALUE 10 START 10 CYCLE CACHE 5;
SELECT nextval('odd_seq'), nextval('odd_seq');

CREATE TABLE everything (
	id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY,
	small smallserial,
	p posint,
	m mood DEFAULT 'ok',
	c pair,
	f floatrange,
	r int4range,
	mr datemultirange,
	tags text[] DEFAULT '{}',
	matrix int[][],
	j json,
	jb jsonb,
	raw bytea,
	h hstore,
	ci citext UNIQUE,
	n numeric(30, 10),
	d double precision,
	ts timestamptz,
	iv interval,
	ip inet,
	u uuid,
	b bit varying(10),
	geo point,
	tsv tsvector GENERATED ALWAYS AS (to_tsvector('english', coalesce(ci, ''))) STORED,
	"odd ""name" text COLLATE german,
	EXCLUDE USING gist (r WITH &&)
);
INSERT INTO everything (c, f, r, mr, tags, matrix, j, jb, raw, h, ci, n, d, ts, iv, ip, u, b, geo, "odd ""name")
VALUES (ROW(1, 'x,"y'), '[1.5,2.5)', '[1,10)', '{[2020-01-01,2020-02-01)}', ARRAY['a', 'b"', NULL, ''],
	'{{1,2},{3,4}}', '{"k": [1, 2, {"x": null}]}', '{"b": 1, "a": "\u00e9"}', '\x00ff0a5c', 'k=>v, n=>NULL',
	'CamelCase', 12345678901234567890.0123456789, 0.1, '2024-02-29 12:34:56.789012+02', '1 mon 2 days 03:04:05.678',
	'10.0.0.0/8', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', B'10101', '(1.5,-2)', E'line\nbreak\ttab \\ back'),
	(NULL, 'empty', '[20,30)', '{}', NULL, NULL, NULL, 'null', '', '', 'x', 'NaN', 'Infinity', 'infinity', '-1 year', '::1',
	NULL, B'', NULL, '');
CREATE INDEX ON everything USING gin (jb jsonb_path_ops);
CREATE INDEX ON everything USING gin (ci gin_trgm_ops);
CREATE INDEX partial ON everything (p DESC NULLS LAST) INCLUDE (m) WHERE m <> 'sad';
CREATE STATISTICS st (dependencies) ON p, m FROM everything;
COMMENT ON TABLE everything IS E'multi\nline -- comment';
COMMENT ON COLUMN everything."odd ""name" IS 'odd';

CREATE TABLE measure (at date NOT NULL, v int, note text) PARTITION BY RANGE (at);
CREATE TABLE measure_2023 PARTITION OF measure FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE measure_2024 PARTITION OF measure FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (v);
CREATE TABLE measure_2024_a PARTITION OF measure_2024 FOR VALUES IN (1, 2);
CREATE TABLE measure_2024_b PARTITION OF measure_2024 DEFAULT;
CREATE TABLE measure_rest PARTITION OF measure DEFAULT;
CREATE INDEX ON measure (v);
INSERT INTO measure SELECT '2023-06-01'::date + g, g % 5, 'row ' || g FROM generate_series(0, 900) g;

CREATE TABLE parent (a int, b int);
CREATE TABLE child (c int) INHERITS (parent);
INSERT INTO parent VALUES (1, 2);
INSERT INTO child VALUES (3, 4, 5);

CREATE TABLE egg (id int PRIMARY KEY, hen int);
CREATE TABLE hen (id int PRIMARY KEY, egg int REFERENCES egg DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO egg VALUES (1, 1); INSERT INTO hen VALUES (1, 1); COMMIT;
CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node ON DELETE CASCADE);
INSERT INTO node VALUES (1, 1), (2, 1);

CREATE UNLOGGED TABLE scratch (x int);
INSERT INTO scratch VALUES (1);
CREATE TABLE "Sales Dept"."Order" (id int PRIMARY KEY, "select" text);
ALTER TABLE "Sales Dept"."Order" OWNER TO owner_role;
INSERT INTO "Sales Dept"."Order" VALUES (1, 'a'), (2, NULL);
GRANT SELECT ("select"), UPDATE ON "Sales Dept"."Order" TO reader WITH GRANT OPTION;
GRANT ALL ON everything TO "weird role'"" x";
ALTER DEFAULT PRIVILEGES FOR ROLE owner_role IN SCHEMA public GRANT SELECT ON TABLES TO reader;

CREATE TABLE secret (who name DEFAULT current_user, v int);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secret FOR SELECT TO reader USING (who = current_user);
INSERT INTO secret VALUES ('reader', 1), ('writer', 2);

CREATE VIEW v1 AS SELECT id, m FROM everything WHERE p > 0 WITH CHECK OPTION;
CREATE VIEW v2 AS SELECT count(*) AS n FROM v1;
CREATE RECURSIVE VIEW nums (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM nums WHERE n < 5;
CREATE MATERIALIZED VIEW mv AS SELECT v, count(*) AS n FROM measure GROUP BY v;
CREATE UNIQUE INDEX ON mv (v);
CREATE MATERIALIZED VIEW mv_empty AS SELECT * FROM mv WITH NO DATA;

CREATE FUNCTION f(a int, VARIADIC b text[]) RETURNS TABLE (x int, y text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $body$
BEGIN
	-- COPY not_a_copy FROM stdin;
	RETURN QUERY SELECT a, unnest(b);
END
$body$;
CREATE PROCEDURE pr(INOUT x int) LANGUAGE sql AS 'SELECT x + 1';
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.b := coalesce(NEW.b, 0) + 1; RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE INSERT ON parent FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION trg();
CREATE FUNCTION evt() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION evt();
CREATE AGGREGATE mysum (int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE OPERATOR ### (leftarg = int, rightarg = int, function = int4pl);
CREATE CAST (pair AS text) WITH INOUT AS ASSIGNMENT;
CREATE RULE no_delete AS ON DELETE TO parent DO INSTEAD NOTHING;
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
CREATE PUBLICATION pub FOR TABLE egg WHERE (id > 0);

SELECT lo_from_bytea(4242, '\xdeadbeef00ff');
SELECT lo_from_bytea(4243, ''::bytea);
COMMENT ON LARGE OBJECT 4242 IS 'a large object';
GRANT SELECT ON LARGE OBJECT 4242 TO reader;
SELECT setval('everything_id_seq', 500, false);
ANALYZE;
