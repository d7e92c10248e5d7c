--
-- PostgreSQL database dump
--

\restrict rPKBJZuxhscSWgFHYAEmk9NXm5wEf3YuwnEogBqu9M9pF606dayrcWQ1S6AsdJH

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: shop; Type: DATABASE; Schema: -; Owner: owner_role
--

CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';


ALTER DATABASE shop OWNER TO owner_role;

\unrestrict rPKBJZuxhscSWgFHYAEmk9NXm5wEf3YuwnEogBqu9M9pF606dayrcWQ1S6AsdJH
\connect shop
\restrict rPKBJZuxhscSWgFHYAEmk9NXm5wEf3YuwnEogBqu9M9pF606dayrcWQ1S6AsdJH

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: DATABASE shop; Type: COMMENT; Schema: -; Owner: owner_role
--

COMMENT ON DATABASE shop IS 'the shop''s';


--
-- Name: shop; Type: DATABASE PROPERTIES; Schema: -; Owner: owner_role
--

ALTER DATABASE shop CONNECTION LIMIT = 50;
ALTER DATABASE shop SET "TimeZone" TO 'Europe/Vienna';
ALTER DATABASE shop SET statement_timeout TO '1ms';
ALTER ROLE reader IN DATABASE shop SET statement_timeout TO '5s';


\unrestrict rPKBJZuxhscSWgFHYAEmk9NXm5wEf3YuwnEogBqu9M9pF606dayrcWQ1S6AsdJH
\connect shop
\restrict rPKBJZuxhscSWgFHYAEmk9NXm5wEf3YuwnEogBqu9M9pF606dayrcWQ1S6AsdJH

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: Sales Dept; Type: SCHEMA; Schema: -; Owner: owner_role
--

CREATE SCHEMA "Sales Dept";


ALTER SCHEMA "Sales Dept" OWNER TO owner_role;

--
-- Name: pgsch; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA pgsch;


ALTER SCHEMA pgsch OWNER TO postgres;

--
-- Name: german; Type: COLLATION; Schema: public; Owner: postgres
--

CREATE COLLATION public.german (provider = icu, locale = 'de-u-co-phonebk');


ALTER COLLATION public.german OWNER TO postgres;

--
-- Name: citext; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;


--
-- Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION citext IS 'data type for case-insensitive character strings';


--
-- Name: hstore; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;


--
-- Name: EXTENSION hstore; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION hstore IS 'data type for storing sets of (key, value) pairs';


--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;


--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';


--
-- Name: floatrange; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.floatrange AS RANGE (
    subtype = double precision,
    multirange_type_name = public.floatmultirange,
    subtype_diff = float8mi
);


ALTER TYPE public.floatrange OWNER TO postgres;

--
-- Name: mood; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.mood AS ENUM (
    'sad',
    'new',
    'ok',
    'it''s'
);


ALTER TYPE public.mood OWNER TO postgres;

--
-- Name: pair; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.pair AS (
	a integer,
	b text
);


ALTER TYPE public.pair OWNER TO postgres;

--
-- Name: posint; Type: DOMAIN; Schema: public; Owner: postgres
--

CREATE DOMAIN public.posint AS integer NOT NULL DEFAULT 1
	CONSTRAINT posint_check CHECK ((VALUE > 0));


ALTER DOMAIN public.posint OWNER TO postgres;

--
-- Name: CAST (public.pair AS text); Type: CAST; Schema: -; Owner: -
--

CREATE CAST (public.pair AS text) WITH INOUT AS ASSIGNMENT;


--
-- Name: evt(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.evt() RETURNS event_trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NULL; END $$;


ALTER FUNCTION public.evt() OWNER TO postgres;

--
-- Name: f(integer, text[]); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.f(a integer, VARIADIC b text[]) RETURNS TABLE(x integer, y text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public'
    AS $$
BEGIN
	-- COPY not_a_copy FROM stdin;
	RETURN QUERY SELECT a, unnest(b);
END
$$;


ALTER FUNCTION public.f(a integer, VARIADIC b text[]) OWNER TO postgres;

--
-- Name: pr(integer); Type: PROCEDURE; Schema: public; Owner: postgres
--

CREATE PROCEDURE public.pr(INOUT x integer)
    LANGUAGE sql
    AS $$SELECT x + 1$$;


ALTER PROCEDURE public.pr(INOUT x integer) OWNER TO postgres;

--
-- Name: trg(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.trg() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.b := coalesce(NEW.b, 0) + 1; RETURN NEW; END $$;


ALTER FUNCTION public.trg() OWNER TO postgres;

--
-- Name: mysum(integer); Type: AGGREGATE; Schema: public; Owner: postgres
--

CREATE AGGREGATE public.mysum(integer) (
    SFUNC = int4pl,
    STYPE = integer,
    INITCOND = '0'
);


ALTER AGGREGATE public.mysum(integer) OWNER TO postgres;

--
-- Name: ###; Type: OPERATOR; Schema: public; Owner: postgres
--

CREATE OPERATOR public.### (
    FUNCTION = int4pl,
    LEFTARG = integer,
    RIGHTARG = integer
);


ALTER OPERATOR public.### (integer, integer) OWNER TO postgres;

--
-- Name: plain; Type: TEXT SEARCH CONFIGURATION; Schema: public; Owner: postgres
--

CREATE TEXT SEARCH CONFIGURATION public.plain (
    PARSER = pg_catalog."default" );

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR asciiword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR word WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR hword_part WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR hword_asciipart WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR asciihword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR hword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR "float" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR "int" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plain
    ADD MAPPING FOR uint WITH simple;


ALTER TEXT SEARCH CONFIGURATION public.plain OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: Order; Type: TABLE; Schema: Sales Dept; Owner: owner_role
--

CREATE TABLE "Sales Dept"."Order" (
    id integer NOT NULL,
    "select" text
);


ALTER TABLE "Sales Dept"."Order" OWNER TO owner_role;

--
-- Name: parent; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.parent (
    a integer,
    b integer
);


ALTER TABLE public.parent OWNER TO postgres;

--
-- Name: child; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.child (
    c integer
)
INHERITS (public.parent);


ALTER TABLE public.child OWNER TO postgres;

--
-- Name: egg; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.egg (
    id integer NOT NULL,
    hen integer
);


ALTER TABLE public.egg OWNER TO postgres;

--
-- Name: everything; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.everything (
    id bigint NOT NULL,
    small smallint NOT NULL,
    p public.posint,
    m public.mood DEFAULT 'ok'::public.mood,
    c public.pair,
    f public.floatrange,
    r int4range,
    mr datemultirange,
    tags text[] DEFAULT '{}'::text[],
    matrix integer[],
    j json,
    jb jsonb,
    raw bytea,
    h public.hstore,
    ci public.citext,
    n numeric(30,10),
    d double precision,
    ts timestamp with time zone,
    iv interval,
    ip inet,
    u uuid,
    b bit varying(10),
    geo point,
    tsv tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, (COALESCE(ci, ''::public.citext))::text)) STORED,
    "odd ""name" text COLLATE public.german
);


ALTER TABLE public.everything OWNER TO postgres;

--
-- Name: TABLE everything; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.everything IS 'multi
line -- comment';


--
-- Name: COLUMN everything."odd ""name"; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON COLUMN public.everything."odd ""name" IS 'odd';


--
-- Name: everything_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

ALTER TABLE public.everything ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.everything_id_seq
    START WITH 100
    INCREMENT BY 5
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: everything_small_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.everything_small_seq
    AS smallint
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.everything_small_seq OWNER TO postgres;

--
-- Name: everything_small_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.everything_small_seq OWNED BY public.everything.small;


--
-- Name: hen; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.hen (
    id integer NOT NULL,
    egg integer
);


ALTER TABLE public.hen OWNER TO postgres;

--
-- Name: measure; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.measure (
    at date NOT NULL,
    v integer,
    note text
)
PARTITION BY RANGE (at);


ALTER TABLE public.measure OWNER TO postgres;

--
-- Name: measure_2023; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.measure_2023 (
    at date NOT NULL,
    v integer,
    note text
);


ALTER TABLE public.measure_2023 OWNER TO postgres;

--
-- Name: measure_2024; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.measure_2024 (
    at date NOT NULL,
    v integer,
    note text
)
PARTITION BY LIST (v);


ALTER TABLE public.measure_2024 OWNER TO postgres;

--
-- Name: measure_2024_a; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.measure_2024_a (
    at date NOT NULL,
    v integer,
    note text
);


ALTER TABLE public.measure_2024_a OWNER TO postgres;

--
-- Name: measure_2024_b; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.measure_2024_b (
    at date NOT NULL,
    v integer,
    note text
);


ALTER TABLE public.measure_2024_b OWNER TO postgres;

--
-- Name: measure_rest; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.measure_rest (
    at date NOT NULL,
    v integer,
    note text
);


ALTER TABLE public.measure_rest OWNER TO postgres;

--
-- Name: mv; Type: MATERIALIZED VIEW; Schema: public; Owner: postgres
--

CREATE MATERIALIZED VIEW public.mv AS
 SELECT measure.v,
    count(*) AS n
   FROM public.measure
  GROUP BY measure.v
  WITH NO DATA;


ALTER TABLE public.mv OWNER TO postgres;

--
-- Name: mv_empty; Type: MATERIALIZED VIEW; Schema: public; Owner: postgres
--

CREATE MATERIALIZED VIEW public.mv_empty AS
 SELECT mv.v,
    mv.n
   FROM public.mv
  WITH NO DATA;


ALTER TABLE public.mv_empty OWNER TO postgres;

--
-- Name: node; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.node (
    id integer NOT NULL,
    up integer
);


ALTER TABLE public.node OWNER TO postgres;

--
-- Name: nums; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.nums AS
 WITH RECURSIVE nums(n) AS (
         VALUES (1)
        UNION ALL
         SELECT (nums_1.n + 1)
           FROM nums nums_1
          WHERE (nums_1.n < 5)
        )
 SELECT nums.n
   FROM nums;


ALTER TABLE public.nums OWNER TO postgres;

--
-- Name: odd_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.odd_seq
    START WITH 10
    INCREMENT BY -3
    MINVALUE -1000
    MAXVALUE 10
    CACHE 5
    CYCLE;


ALTER TABLE public.odd_seq OWNER TO postgres;

--
-- Name: scratch; Type: TABLE; Schema: public; Owner: postgres
--

CREATE UNLOGGED TABLE public.scratch (
    x integer
);


ALTER TABLE public.scratch OWNER TO postgres;

--
-- Name: secret; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.secret (
    who name DEFAULT CURRENT_USER,
    v integer
);

ALTER TABLE ONLY public.secret FORCE ROW LEVEL SECURITY;


ALTER TABLE public.secret OWNER TO postgres;

--
-- Name: v1; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.v1 AS
 SELECT everything.id,
    everything.m
   FROM public.everything
  WHERE ((everything.p)::integer > 0)
  WITH CASCADED CHECK OPTION;


ALTER TABLE public.v1 OWNER TO postgres;

--
-- Name: v2; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.v2 AS
 SELECT count(*) AS n
   FROM public.v1;


ALTER TABLE public.v2 OWNER TO postgres;

--
-- Name: measure_2023; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.measure ATTACH PARTITION public.measure_2023 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');


--
-- Name: measure_2024; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.measure ATTACH PARTITION public.measure_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');


--
-- Name: measure_2024_a; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.measure_2024 ATTACH PARTITION public.measure_2024_a FOR VALUES IN (1, 2);


--
-- Name: measure_2024_b; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.measure_2024 ATTACH PARTITION public.measure_2024_b DEFAULT;


--
-- Name: measure_rest; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.measure ATTACH PARTITION public.measure_rest DEFAULT;


--
-- Name: everything small; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.everything ALTER COLUMN small SET DEFAULT nextval('public.everything_small_seq'::regclass);


--
-- Name: 4242; Type: BLOB; Schema: -; Owner: postgres
--

SELECT pg_catalog.lo_create('4242');


ALTER LARGE OBJECT 4242 OWNER TO postgres;

--
-- Name: LARGE OBJECT 4242; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON LARGE OBJECT 4242 IS 'a large object';


--
-- Name: 4243; Type: BLOB; Schema: -; Owner: postgres
--

SELECT pg_catalog.lo_create('4243');


ALTER LARGE OBJECT 4243 OWNER TO postgres;

--
-- Data for Name: Order; Type: TABLE DATA; Schema: Sales Dept; Owner: owner_role
--

COPY "Sales Dept"."Order" (id, "select") FROM stdin;
1	a
2	\N
\.


--
-- Data for Name: child; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.child (a, b, c) FROM stdin;
3	4	5
\.


--
-- Data for Name: egg; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.egg (id, hen) FROM stdin;
1	1
\.


--
-- Data for Name: everything; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.everything (id, small, p, m, c, f, r, mr, tags, matrix, j, jb, raw, h, ci, n, d, ts, iv, ip, u, b, geo, "odd ""name") FROM stdin;
100	1	1	ok	(1,"x,""y")	[1.5,2.5)	[1,10)	{[2020-01-01,2020-02-01)}	{a,"b\\"",NULL,""}	{{1,2},{3,4}}	{"k": [1, 2, {"x": null}]}	{"a": "é", "b": 1}	\\x00ff0a5c	"k"=>"v", "n"=>NULL	CamelCase	12345678901234567890.0123456789	0.1	2024-02-29 11:34:56.789012+01	1 mon 2 days 03:04:05.678	10.0.0.0/8	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	10101	(1.5,-2)	line\nbreak\ttab \\ back
105	2	1	ok	\N	empty	[20,30)	{}	\N	\N	\N	null	\\x		x	NaN	Infinity	infinity	-1 years	::1	\N		\N	
\.


--
-- Data for Name: hen; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.hen (id, egg) FROM stdin;
1	1
\.


--
-- Data for Name: measure_2023; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.measure_2023 (at, v, note) FROM stdin;
2023-06-01	0	row 0
2023-06-02	1	row 1
2023-06-03	2	row 2
2023-06-04	3	row 3
2023-06-05	4	row 4
2023-06-06	0	row 5
2023-06-07	1	row 6
2023-06-08	2	row 7
2023-06-09	3	row 8
2023-06-10	4	row 9
2023-06-11	0	row 10
2023-06-12	1	row 11
2023-06-13	2	row 12
2023-06-14	3	row 13
2023-06-15	4	row 14
2023-06-16	0	row 15
2023-06-17	1	row 16
2023-06-18	2	row 17
2023-06-19	3	row 18
2023-06-20	4	row 19
2023-06-21	0	row 20
2023-06-22	1	row 21
2023-06-23	2	row 22
2023-06-24	3	row 23
2023-06-25	4	row 24
2023-06-26	0	row 25
2023-06-27	1	row 26
2023-06-28	2	row 27
2023-06-29	3	row 28
2023-06-30	4	row 29
2023-07-01	0	row 30
2023-07-02	1	row 31
2023-07-03	2	row 32
2023-07-04	3	row 33
2023-07-05	4	row 34
2023-07-06	0	row 35
2023-07-07	1	row 36
2023-07-08	2	row 37
2023-07-09	3	row 38
2023-07-10	4	row 39
2023-07-11	0	row 40
2023-07-12	1	row 41
2023-07-13	2	row 42
2023-07-14	3	row 43
2023-07-15	4	row 44
2023-07-16	0	row 45
2023-07-17	1	row 46
2023-07-18	2	row 47
2023-07-19	3	row 48
2023-07-20	4	row 49
2023-07-21	0	row 50
2023-07-22	1	row 51
2023-07-23	2	row 52
2023-07-24	3	row 53
2023-07-25	4	row 54
2023-07-26	0	row 55
2023-07-27	1	row 56
2023-07-28	2	row 57
2023-07-29	3	row 58
2023-07-30	4	row 59
2023-07-31	0	row 60
2023-08-01	1	row 61
2023-08-02	2	row 62
2023-08-03	3	row 63
2023-08-04	4	row 64
2023-08-05	0	row 65
2023-08-06	1	row 66
2023-08-07	2	row 67
2023-08-08	3	row 68
2023-08-09	4	row 69
2023-08-10	0	row 70
2023-08-11	1	row 71
2023-08-12	2	row 72
2023-08-13	3	row 73
2023-08-14	4	row 74
2023-08-15	0	row 75
2023-08-16	1	row 76
2023-08-17	2	row 77
2023-08-18	3	row 78
2023-08-19	4	row 79
2023-08-20	0	row 80
2023-08-21	1	row 81
2023-08-22	2	row 82
2023-08-23	3	row 83
2023-08-24	4	row 84
2023-08-25	0	row 85
2023-08-26	1	row 86
2023-08-27	2	row 87
2023-08-28	3	row 88
2023-08-29	4	row 89
2023-08-30	0	row 90
2023-08-31	1	row 91
2023-09-01	2	row 92
2023-09-02	3	row 93
2023-09-03	4	row 94
2023-09-04	0	row 95
2023-09-05	1	row 96
2023-09-06	2	row 97
2023-09-07	3	row 98
2023-09-08	4	row 99
2023-09-09	0	row 100
2023-09-10	1	row 101
2023-09-11	2	row 102
2023-09-12	3	row 103
2023-09-13	4	row 104
2023-09-14	0	row 105
2023-09-15	1	row 106
2023-09-16	2	row 107
2023-09-17	3	row 108
2023-09-18	4	row 109
2023-09-19	0	row 110
2023-09-20	1	row 111
2023-09-21	2	row 112
2023-09-22	3	row 113
2023-09-23	4	row 114
2023-09-24	0	row 115
2023-09-25	1	row 116
2023-09-26	2	row 117
2023-09-27	3	row 118
2023-09-28	4	row 119
2023-09-29	0	row 120
2023-09-30	1	row 121
2023-10-01	2	row 122
2023-10-02	3	row 123
2023-10-03	4	row 124
2023-10-04	0	row 125
2023-10-05	1	row 126
2023-10-06	2	row 127
2023-10-07	3	row 128
2023-10-08	4	row 129
2023-10-09	0	row 130
2023-10-10	1	row 131
2023-10-11	2	row 132
2023-10-12	3	row 133
2023-10-13	4	row 134
2023-10-14	0	row 135
2023-10-15	1	row 136
2023-10-16	2	row 137
2023-10-17	3	row 138
2023-10-18	4	row 139
2023-10-19	0	row 140
2023-10-20	1	row 141
2023-10-21	2	row 142
2023-10-22	3	row 143
2023-10-23	4	row 144
2023-10-24	0	row 145
2023-10-25	1	row 146
2023-10-26	2	row 147
2023-10-27	3	row 148
2023-10-28	4	row 149
2023-10-29	0	row 150
2023-10-30	1	row 151
2023-10-31	2	row 152
2023-11-01	3	row 153
2023-11-02	4	row 154
2023-11-03	0	row 155
2023-11-04	1	row 156
2023-11-05	2	row 157
2023-11-06	3	row 158
2023-11-07	4	row 159
2023-11-08	0	row 160
2023-11-09	1	row 161
2023-11-10	2	row 162
2023-11-11	3	row 163
2023-11-12	4	row 164
2023-11-13	0	row 165
2023-11-14	1	row 166
2023-11-15	2	row 167
2023-11-16	3	row 168
2023-11-17	4	row 169
2023-11-18	0	row 170
2023-11-19	1	row 171
2023-11-20	2	row 172
2023-11-21	3	row 173
2023-11-22	4	row 174
2023-11-23	0	row 175
2023-11-24	1	row 176
2023-11-25	2	row 177
2023-11-26	3	row 178
2023-11-27	4	row 179
2023-11-28	0	row 180
2023-11-29	1	row 181
2023-11-30	2	row 182
2023-12-01	3	row 183
2023-12-02	4	row 184
2023-12-03	0	row 185
2023-12-04	1	row 186
2023-12-05	2	row 187
2023-12-06	3	row 188
2023-12-07	4	row 189
2023-12-08	0	row 190
2023-12-09	1	row 191
2023-12-10	2	row 192
2023-12-11	3	row 193
2023-12-12	4	row 194
2023-12-13	0	row 195
2023-12-14	1	row 196
2023-12-15	2	row 197
2023-12-16	3	row 198
2023-12-17	4	row 199
2023-12-18	0	row 200
2023-12-19	1	row 201
2023-12-20	2	row 202
2023-12-21	3	row 203
2023-12-22	4	row 204
2023-12-23	0	row 205
2023-12-24	1	row 206
2023-12-25	2	row 207
2023-12-26	3	row 208
2023-12-27	4	row 209
2023-12-28	0	row 210
2023-12-29	1	row 211
2023-12-30	2	row 212
2023-12-31	3	row 213
\.


--
-- Data for Name: measure_2024_a; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.measure_2024_a (at, v, note) FROM stdin;
2024-01-03	1	row 216
2024-01-04	2	row 217
2024-01-08	1	row 221
2024-01-09	2	row 222
2024-01-13	1	row 226
2024-01-14	2	row 227
2024-01-18	1	row 231
2024-01-19	2	row 232
2024-01-23	1	row 236
2024-01-24	2	row 237
2024-01-28	1	row 241
2024-01-29	2	row 242
2024-02-02	1	row 246
2024-02-03	2	row 247
2024-02-07	1	row 251
2024-02-08	2	row 252
2024-02-12	1	row 256
2024-02-13	2	row 257
2024-02-17	1	row 261
2024-02-18	2	row 262
2024-02-22	1	row 266
2024-02-23	2	row 267
2024-02-27	1	row 271
2024-02-28	2	row 272
2024-03-03	1	row 276
2024-03-04	2	row 277
2024-03-08	1	row 281
2024-03-09	2	row 282
2024-03-13	1	row 286
2024-03-14	2	row 287
2024-03-18	1	row 291
2024-03-19	2	row 292
2024-03-23	1	row 296
2024-03-24	2	row 297
2024-03-28	1	row 301
2024-03-29	2	row 302
2024-04-02	1	row 306
2024-04-03	2	row 307
2024-04-07	1	row 311
2024-04-08	2	row 312
2024-04-12	1	row 316
2024-04-13	2	row 317
2024-04-17	1	row 321
2024-04-18	2	row 322
2024-04-22	1	row 326
2024-04-23	2	row 327
2024-04-27	1	row 331
2024-04-28	2	row 332
2024-05-02	1	row 336
2024-05-03	2	row 337
2024-05-07	1	row 341
2024-05-08	2	row 342
2024-05-12	1	row 346
2024-05-13	2	row 347
2024-05-17	1	row 351
2024-05-18	2	row 352
2024-05-22	1	row 356
2024-05-23	2	row 357
2024-05-27	1	row 361
2024-05-28	2	row 362
2024-06-01	1	row 366
2024-06-02	2	row 367
2024-06-06	1	row 371
2024-06-07	2	row 372
2024-06-11	1	row 376
2024-06-12	2	row 377
2024-06-16	1	row 381
2024-06-17	2	row 382
2024-06-21	1	row 386
2024-06-22	2	row 387
2024-06-26	1	row 391
2024-06-27	2	row 392
2024-07-01	1	row 396
2024-07-02	2	row 397
2024-07-06	1	row 401
2024-07-07	2	row 402
2024-07-11	1	row 406
2024-07-12	2	row 407
2024-07-16	1	row 411
2024-07-17	2	row 412
2024-07-21	1	row 416
2024-07-22	2	row 417
2024-07-26	1	row 421
2024-07-27	2	row 422
2024-07-31	1	row 426
2024-08-01	2	row 427
2024-08-05	1	row 431
2024-08-06	2	row 432
2024-08-10	1	row 436
2024-08-11	2	row 437
2024-08-15	1	row 441
2024-08-16	2	row 442
2024-08-20	1	row 446
2024-08-21	2	row 447
2024-08-25	1	row 451
2024-08-26	2	row 452
2024-08-30	1	row 456
2024-08-31	2	row 457
2024-09-04	1	row 461
2024-09-05	2	row 462
2024-09-09	1	row 466
2024-09-10	2	row 467
2024-09-14	1	row 471
2024-09-15	2	row 472
2024-09-19	1	row 476
2024-09-20	2	row 477
2024-09-24	1	row 481
2024-09-25	2	row 482
2024-09-29	1	row 486
2024-09-30	2	row 487
2024-10-04	1	row 491
2024-10-05	2	row 492
2024-10-09	1	row 496
2024-10-10	2	row 497
2024-10-14	1	row 501
2024-10-15	2	row 502
2024-10-19	1	row 506
2024-10-20	2	row 507
2024-10-24	1	row 511
2024-10-25	2	row 512
2024-10-29	1	row 516
2024-10-30	2	row 517
2024-11-03	1	row 521
2024-11-04	2	row 522
2024-11-08	1	row 526
2024-11-09	2	row 527
2024-11-13	1	row 531
2024-11-14	2	row 532
2024-11-18	1	row 536
2024-11-19	2	row 537
2024-11-23	1	row 541
2024-11-24	2	row 542
2024-11-28	1	row 546
2024-11-29	2	row 547
2024-12-03	1	row 551
2024-12-04	2	row 552
2024-12-08	1	row 556
2024-12-09	2	row 557
2024-12-13	1	row 561
2024-12-14	2	row 562
2024-12-18	1	row 566
2024-12-19	2	row 567
2024-12-23	1	row 571
2024-12-24	2	row 572
2024-12-28	1	row 576
2024-12-29	2	row 577
\.


--
-- Data for Name: measure_2024_b; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.measure_2024_b (at, v, note) FROM stdin;
2024-01-01	4	row 214
2024-01-02	0	row 215
2024-01-05	3	row 218
2024-01-06	4	row 219
2024-01-07	0	row 220
2024-01-10	3	row 223
2024-01-11	4	row 224
2024-01-12	0	row 225
2024-01-15	3	row 228
2024-01-16	4	row 229
2024-01-17	0	row 230
2024-01-20	3	row 233
2024-01-21	4	row 234
2024-01-22	0	row 235
2024-01-25	3	row 238
2024-01-26	4	row 239
2024-01-27	0	row 240
2024-01-30	3	row 243
2024-01-31	4	row 244
2024-02-01	0	row 245
2024-02-04	3	row 248
2024-02-05	4	row 249
2024-02-06	0	row 250
2024-02-09	3	row 253
2024-02-10	4	row 254
2024-02-11	0	row 255
2024-02-14	3	row 258
2024-02-15	4	row 259
2024-02-16	0	row 260
2024-02-19	3	row 263
2024-02-20	4	row 264
2024-02-21	0	row 265
2024-02-24	3	row 268
2024-02-25	4	row 269
2024-02-26	0	row 270
2024-02-29	3	row 273
2024-03-01	4	row 274
2024-03-02	0	row 275
2024-03-05	3	row 278
2024-03-06	4	row 279
2024-03-07	0	row 280
2024-03-10	3	row 283
2024-03-11	4	row 284
2024-03-12	0	row 285
2024-03-15	3	row 288
2024-03-16	4	row 289
2024-03-17	0	row 290
2024-03-20	3	row 293
2024-03-21	4	row 294
2024-03-22	0	row 295
2024-03-25	3	row 298
2024-03-26	4	row 299
2024-03-27	0	row 300
2024-03-30	3	row 303
2024-03-31	4	row 304
2024-04-01	0	row 305
2024-04-04	3	row 308
2024-04-05	4	row 309
2024-04-06	0	row 310
2024-04-09	3	row 313
2024-04-10	4	row 314
2024-04-11	0	row 315
2024-04-14	3	row 318
2024-04-15	4	row 319
2024-04-16	0	row 320
2024-04-19	3	row 323
2024-04-20	4	row 324
2024-04-21	0	row 325
2024-04-24	3	row 328
2024-04-25	4	row 329
2024-04-26	0	row 330
2024-04-29	3	row 333
2024-04-30	4	row 334
2024-05-01	0	row 335
2024-05-04	3	row 338
2024-05-05	4	row 339
2024-05-06	0	row 340
2024-05-09	3	row 343
2024-05-10	4	row 344
2024-05-11	0	row 345
2024-05-14	3	row 348
2024-05-15	4	row 349
2024-05-16	0	row 350
2024-05-19	3	row 353
2024-05-20	4	row 354
2024-05-21	0	row 355
2024-05-24	3	row 358
2024-05-25	4	row 359
2024-05-26	0	row 360
2024-05-29	3	row 363
2024-05-30	4	row 364
2024-05-31	0	row 365
2024-06-03	3	row 368
2024-06-04	4	row 369
2024-06-05	0	row 370
2024-06-08	3	row 373
2024-06-09	4	row 374
2024-06-10	0	row 375
2024-06-13	3	row 378
2024-06-14	4	row 379
2024-06-15	0	row 380
2024-06-18	3	row 383
2024-06-19	4	row 384
2024-06-20	0	row 385
2024-06-23	3	row 388
2024-06-24	4	row 389
2024-06-25	0	row 390
2024-06-28	3	row 393
2024-06-29	4	row 394
2024-06-30	0	row 395
2024-07-03	3	row 398
2024-07-04	4	row 399
2024-07-05	0	row 400
2024-07-08	3	row 403
2024-07-09	4	row 404
2024-07-10	0	row 405
2024-07-13	3	row 408
2024-07-14	4	row 409
2024-07-15	0	row 410
2024-07-18	3	row 413
2024-07-19	4	row 414
2024-07-20	0	row 415
2024-07-23	3	row 418
2024-07-24	4	row 419
2024-07-25	0	row 420
2024-07-28	3	row 423
2024-07-29	4	row 424
2024-07-30	0	row 425
2024-08-02	3	row 428
2024-08-03	4	row 429
2024-08-04	0	row 430
2024-08-07	3	row 433
2024-08-08	4	row 434
2024-08-09	0	row 435
2024-08-12	3	row 438
2024-08-13	4	row 439
2024-08-14	0	row 440
2024-08-17	3	row 443
2024-08-18	4	row 444
2024-08-19	0	row 445
2024-08-22	3	row 448
2024-08-23	4	row 449
2024-08-24	0	row 450
2024-08-27	3	row 453
2024-08-28	4	row 454
2024-08-29	0	row 455
2024-09-01	3	row 458
2024-09-02	4	row 459
2024-09-03	0	row 460
2024-09-06	3	row 463
2024-09-07	4	row 464
2024-09-08	0	row 465
2024-09-11	3	row 468
2024-09-12	4	row 469
2024-09-13	0	row 470
2024-09-16	3	row 473
2024-09-17	4	row 474
2024-09-18	0	row 475
2024-09-21	3	row 478
2024-09-22	4	row 479
2024-09-23	0	row 480
2024-09-26	3	row 483
2024-09-27	4	row 484
2024-09-28	0	row 485
2024-10-01	3	row 488
2024-10-02	4	row 489
2024-10-03	0	row 490
2024-10-06	3	row 493
2024-10-07	4	row 494
2024-10-08	0	row 495
2024-10-11	3	row 498
2024-10-12	4	row 499
2024-10-13	0	row 500
2024-10-16	3	row 503
2024-10-17	4	row 504
2024-10-18	0	row 505
2024-10-21	3	row 508
2024-10-22	4	row 509
2024-10-23	0	row 510
2024-10-26	3	row 513
2024-10-27	4	row 514
2024-10-28	0	row 515
2024-10-31	3	row 518
2024-11-01	4	row 519
2024-11-02	0	row 520
2024-11-05	3	row 523
2024-11-06	4	row 524
2024-11-07	0	row 525
2024-11-10	3	row 528
2024-11-11	4	row 529
2024-11-12	0	row 530
2024-11-15	3	row 533
2024-11-16	4	row 534
2024-11-17	0	row 535
2024-11-20	3	row 538
2024-11-21	4	row 539
2024-11-22	0	row 540
2024-11-25	3	row 543
2024-11-26	4	row 544
2024-11-27	0	row 545
2024-11-30	3	row 548
2024-12-01	4	row 549
2024-12-02	0	row 550
2024-12-05	3	row 553
2024-12-06	4	row 554
2024-12-07	0	row 555
2024-12-10	3	row 558
2024-12-11	4	row 559
2024-12-12	0	row 560
2024-12-15	3	row 563
2024-12-16	4	row 564
2024-12-17	0	row 565
2024-12-20	3	row 568
2024-12-21	4	row 569
2024-12-22	0	row 570
2024-12-25	3	row 573
2024-12-26	4	row 574
2024-12-27	0	row 575
2024-12-30	3	row 578
2024-12-31	4	row 579
\.


--
-- Data for Name: measure_rest; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.measure_rest (at, v, note) FROM stdin;
2025-01-01	0	row 580
2025-01-02	1	row 581
2025-01-03	2	row 582
2025-01-04	3	row 583
2025-01-05	4	row 584
2025-01-06	0	row 585
2025-01-07	1	row 586
2025-01-08	2	row 587
2025-01-09	3	row 588
2025-01-10	4	row 589
2025-01-11	0	row 590
2025-01-12	1	row 591
2025-01-13	2	row 592
2025-01-14	3	row 593
2025-01-15	4	row 594
2025-01-16	0	row 595
2025-01-17	1	row 596
2025-01-18	2	row 597
2025-01-19	3	row 598
2025-01-20	4	row 599
2025-01-21	0	row 600
2025-01-22	1	row 601
2025-01-23	2	row 602
2025-01-24	3	row 603
2025-01-25	4	row 604
2025-01-26	0	row 605
2025-01-27	1	row 606
2025-01-28	2	row 607
2025-01-29	3	row 608
2025-01-30	4	row 609
2025-01-31	0	row 610
2025-02-01	1	row 611
2025-02-02	2	row 612
2025-02-03	3	row 613
2025-02-04	4	row 614
2025-02-05	0	row 615
2025-02-06	1	row 616
2025-02-07	2	row 617
2025-02-08	3	row 618
2025-02-09	4	row 619
2025-02-10	0	row 620
2025-02-11	1	row 621
2025-02-12	2	row 622
2025-02-13	3	row 623
2025-02-14	4	row 624
2025-02-15	0	row 625
2025-02-16	1	row 626
2025-02-17	2	row 627
2025-02-18	3	row 628
2025-02-19	4	row 629
2025-02-20	0	row 630
2025-02-21	1	row 631
2025-02-22	2	row 632
2025-02-23	3	row 633
2025-02-24	4	row 634
2025-02-25	0	row 635
2025-02-26	1	row 636
2025-02-27	2	row 637
2025-02-28	3	row 638
2025-03-01	4	row 639
2025-03-02	0	row 640
2025-03-03	1	row 641
2025-03-04	2	row 642
2025-03-05	3	row 643
2025-03-06	4	row 644
2025-03-07	0	row 645
2025-03-08	1	row 646
2025-03-09	2	row 647
2025-03-10	3	row 648
2025-03-11	4	row 649
2025-03-12	0	row 650
2025-03-13	1	row 651
2025-03-14	2	row 652
2025-03-15	3	row 653
2025-03-16	4	row 654
2025-03-17	0	row 655
2025-03-18	1	row 656
2025-03-19	2	row 657
2025-03-20	3	row 658
2025-03-21	4	row 659
2025-03-22	0	row 660
2025-03-23	1	row 661
2025-03-24	2	row 662
2025-03-25	3	row 663
2025-03-26	4	row 664
2025-03-27	0	row 665
2025-03-28	1	row 666
2025-03-29	2	row 667
2025-03-30	3	row 668
2025-03-31	4	row 669
2025-04-01	0	row 670
2025-04-02	1	row 671
2025-04-03	2	row 672
2025-04-04	3	row 673
2025-04-05	4	row 674
2025-04-06	0	row 675
2025-04-07	1	row 676
2025-04-08	2	row 677
2025-04-09	3	row 678
2025-04-10	4	row 679
2025-04-11	0	row 680
2025-04-12	1	row 681
2025-04-13	2	row 682
2025-04-14	3	row 683
2025-04-15	4	row 684
2025-04-16	0	row 685
2025-04-17	1	row 686
2025-04-18	2	row 687
2025-04-19	3	row 688
2025-04-20	4	row 689
2025-04-21	0	row 690
2025-04-22	1	row 691
2025-04-23	2	row 692
2025-04-24	3	row 693
2025-04-25	4	row 694
2025-04-26	0	row 695
2025-04-27	1	row 696
2025-04-28	2	row 697
2025-04-29	3	row 698
2025-04-30	4	row 699
2025-05-01	0	row 700
2025-05-02	1	row 701
2025-05-03	2	row 702
2025-05-04	3	row 703
2025-05-05	4	row 704
2025-05-06	0	row 705
2025-05-07	1	row 706
2025-05-08	2	row 707
2025-05-09	3	row 708
2025-05-10	4	row 709
2025-05-11	0	row 710
2025-05-12	1	row 711
2025-05-13	2	row 712
2025-05-14	3	row 713
2025-05-15	4	row 714
2025-05-16	0	row 715
2025-05-17	1	row 716
2025-05-18	2	row 717
2025-05-19	3	row 718
2025-05-20	4	row 719
2025-05-21	0	row 720
2025-05-22	1	row 721
2025-05-23	2	row 722
2025-05-24	3	row 723
2025-05-25	4	row 724
2025-05-26	0	row 725
2025-05-27	1	row 726
2025-05-28	2	row 727
2025-05-29	3	row 728
2025-05-30	4	row 729
2025-05-31	0	row 730
2025-06-01	1	row 731
2025-06-02	2	row 732
2025-06-03	3	row 733
2025-06-04	4	row 734
2025-06-05	0	row 735
2025-06-06	1	row 736
2025-06-07	2	row 737
2025-06-08	3	row 738
2025-06-09	4	row 739
2025-06-10	0	row 740
2025-06-11	1	row 741
2025-06-12	2	row 742
2025-06-13	3	row 743
2025-06-14	4	row 744
2025-06-15	0	row 745
2025-06-16	1	row 746
2025-06-17	2	row 747
2025-06-18	3	row 748
2025-06-19	4	row 749
2025-06-20	0	row 750
2025-06-21	1	row 751
2025-06-22	2	row 752
2025-06-23	3	row 753
2025-06-24	4	row 754
2025-06-25	0	row 755
2025-06-26	1	row 756
2025-06-27	2	row 757
2025-06-28	3	row 758
2025-06-29	4	row 759
2025-06-30	0	row 760
2025-07-01	1	row 761
2025-07-02	2	row 762
2025-07-03	3	row 763
2025-07-04	4	row 764
2025-07-05	0	row 765
2025-07-06	1	row 766
2025-07-07	2	row 767
2025-07-08	3	row 768
2025-07-09	4	row 769
2025-07-10	0	row 770
2025-07-11	1	row 771
2025-07-12	2	row 772
2025-07-13	3	row 773
2025-07-14	4	row 774
2025-07-15	0	row 775
2025-07-16	1	row 776
2025-07-17	2	row 777
2025-07-18	3	row 778
2025-07-19	4	row 779
2025-07-20	0	row 780
2025-07-21	1	row 781
2025-07-22	2	row 782
2025-07-23	3	row 783
2025-07-24	4	row 784
2025-07-25	0	row 785
2025-07-26	1	row 786
2025-07-27	2	row 787
2025-07-28	3	row 788
2025-07-29	4	row 789
2025-07-30	0	row 790
2025-07-31	1	row 791
2025-08-01	2	row 792
2025-08-02	3	row 793
2025-08-03	4	row 794
2025-08-04	0	row 795
2025-08-05	1	row 796
2025-08-06	2	row 797
2025-08-07	3	row 798
2025-08-08	4	row 799
2025-08-09	0	row 800
2025-08-10	1	row 801
2025-08-11	2	row 802
2025-08-12	3	row 803
2025-08-13	4	row 804
2025-08-14	0	row 805
2025-08-15	1	row 806
2025-08-16	2	row 807
2025-08-17	3	row 808
2025-08-18	4	row 809
2025-08-19	0	row 810
2025-08-20	1	row 811
2025-08-21	2	row 812
2025-08-22	3	row 813
2025-08-23	4	row 814
2025-08-24	0	row 815
2025-08-25	1	row 816
2025-08-26	2	row 817
2025-08-27	3	row 818
2025-08-28	4	row 819
2025-08-29	0	row 820
2025-08-30	1	row 821
2025-08-31	2	row 822
2025-09-01	3	row 823
2025-09-02	4	row 824
2025-09-03	0	row 825
2025-09-04	1	row 826
2025-09-05	2	row 827
2025-09-06	3	row 828
2025-09-07	4	row 829
2025-09-08	0	row 830
2025-09-09	1	row 831
2025-09-10	2	row 832
2025-09-11	3	row 833
2025-09-12	4	row 834
2025-09-13	0	row 835
2025-09-14	1	row 836
2025-09-15	2	row 837
2025-09-16	3	row 838
2025-09-17	4	row 839
2025-09-18	0	row 840
2025-09-19	1	row 841
2025-09-20	2	row 842
2025-09-21	3	row 843
2025-09-22	4	row 844
2025-09-23	0	row 845
2025-09-24	1	row 846
2025-09-25	2	row 847
2025-09-26	3	row 848
2025-09-27	4	row 849
2025-09-28	0	row 850
2025-09-29	1	row 851
2025-09-30	2	row 852
2025-10-01	3	row 853
2025-10-02	4	row 854
2025-10-03	0	row 855
2025-10-04	1	row 856
2025-10-05	2	row 857
2025-10-06	3	row 858
2025-10-07	4	row 859
2025-10-08	0	row 860
2025-10-09	1	row 861
2025-10-10	2	row 862
2025-10-11	3	row 863
2025-10-12	4	row 864
2025-10-13	0	row 865
2025-10-14	1	row 866
2025-10-15	2	row 867
2025-10-16	3	row 868
2025-10-17	4	row 869
2025-10-18	0	row 870
2025-10-19	1	row 871
2025-10-20	2	row 872
2025-10-21	3	row 873
2025-10-22	4	row 874
2025-10-23	0	row 875
2025-10-24	1	row 876
2025-10-25	2	row 877
2025-10-26	3	row 878
2025-10-27	4	row 879
2025-10-28	0	row 880
2025-10-29	1	row 881
2025-10-30	2	row 882
2025-10-31	3	row 883
2025-11-01	4	row 884
2025-11-02	0	row 885
2025-11-03	1	row 886
2025-11-04	2	row 887
2025-11-05	3	row 888
2025-11-06	4	row 889
2025-11-07	0	row 890
2025-11-08	1	row 891
2025-11-09	2	row 892
2025-11-10	3	row 893
2025-11-11	4	row 894
2025-11-12	0	row 895
2025-11-13	1	row 896
2025-11-14	2	row 897
2025-11-15	3	row 898
2025-11-16	4	row 899
2025-11-17	0	row 900
\.


--
-- Data for Name: node; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.node (id, up) FROM stdin;
1	1
2	1
\.


--
-- Data for Name: parent; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.parent (a, b) FROM stdin;
1	2
\.


--
-- Data for Name: scratch; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.scratch (x) FROM stdin;
1
\.


--
-- Data for Name: secret; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.secret (who, v) FROM stdin;
reader	1
writer	2
\.


--
-- Name: everything_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.everything_id_seq', 500, false);


--
-- Name: everything_small_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.everything_small_seq', 2, true);


--
-- Name: odd_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.odd_seq', -2, true);


--
-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -
--

BEGIN;

SELECT pg_catalog.lo_open('4242', 131072);
SELECT pg_catalog.lowrite(0, '\xdeadbeef00ff');
SELECT pg_catalog.lo_close(0);

SELECT pg_catalog.lo_open('4243', 131072);
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: Order Order_pkey; Type: CONSTRAINT; Schema: Sales Dept; Owner: owner_role
--

ALTER TABLE ONLY "Sales Dept"."Order"
    ADD CONSTRAINT "Order_pkey" PRIMARY KEY (id);


--
-- Name: egg egg_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.egg
    ADD CONSTRAINT egg_pkey PRIMARY KEY (id);


--
-- Name: everything everything_ci_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.everything
    ADD CONSTRAINT everything_ci_key UNIQUE (ci);


--
-- Name: everything everything_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.everything
    ADD CONSTRAINT everything_pkey PRIMARY KEY (id);


--
-- Name: everything everything_r_excl; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.everything
    ADD CONSTRAINT everything_r_excl EXCLUDE USING gist (r WITH &&);


--
-- Name: hen hen_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.hen
    ADD CONSTRAINT hen_pkey PRIMARY KEY (id);


--
-- Name: node node_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (id);


--
-- Name: everything_ci_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX everything_ci_idx ON public.everything USING gin (ci public.gin_trgm_ops);


--
-- Name: everything_jb_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX everything_jb_idx ON public.everything USING gin (jb jsonb_path_ops);


--
-- Name: measure_v_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX measure_v_idx ON ONLY public.measure USING btree (v);


--
-- Name: measure_2023_v_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX measure_2023_v_idx ON public.measure_2023 USING btree (v);


--
-- Name: measure_2024_v_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX measure_2024_v_idx ON ONLY public.measure_2024 USING btree (v);


--
-- Name: measure_2024_a_v_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX measure_2024_a_v_idx ON public.measure_2024_a USING btree (v);


--
-- Name: measure_2024_b_v_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX measure_2024_b_v_idx ON public.measure_2024_b USING btree (v);


--
-- Name: measure_rest_v_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX measure_rest_v_idx ON public.measure_rest USING btree (v);


--
-- Name: mv_v_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE UNIQUE INDEX mv_v_idx ON public.mv USING btree (v);


--
-- Name: partial; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX partial ON public.everything USING btree (p DESC NULLS LAST) INCLUDE (m) WHERE (m <> 'sad'::public.mood);


--
-- Name: measure_2023_v_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.measure_v_idx ATTACH PARTITION public.measure_2023_v_idx;


--
-- Name: measure_2024_a_v_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.measure_2024_v_idx ATTACH PARTITION public.measure_2024_a_v_idx;


--
-- Name: measure_2024_b_v_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.measure_2024_v_idx ATTACH PARTITION public.measure_2024_b_v_idx;


--
-- Name: measure_2024_v_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.measure_v_idx ATTACH PARTITION public.measure_2024_v_idx;


--
-- Name: measure_rest_v_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.measure_v_idx ATTACH PARTITION public.measure_rest_v_idx;


--
-- Name: st; Type: STATISTICS; Schema: public; Owner: postgres
--

CREATE STATISTICS public.st (dependencies) ON p, m FROM public.everything;


ALTER STATISTICS public.st OWNER TO postgres;

--
-- Name: parent no_delete; Type: RULE; Schema: public; Owner: postgres
--

CREATE RULE no_delete AS
    ON DELETE TO public.parent DO INSTEAD NOTHING;


--
-- Name: parent tr; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER tr BEFORE INSERT ON public.parent FOR EACH ROW WHEN ((new.a > 0)) EXECUTE FUNCTION public.trg();


--
-- Name: egg egg_hen_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.egg
    ADD CONSTRAINT egg_hen_fkey FOREIGN KEY (hen) REFERENCES public.hen(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: hen hen_egg_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.hen
    ADD CONSTRAINT hen_egg_fkey FOREIGN KEY (egg) REFERENCES public.egg(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: node node_up_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_up_fkey FOREIGN KEY (up) REFERENCES public.node(id) ON DELETE CASCADE;


--
-- Name: secret own; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY own ON public.secret FOR SELECT TO reader USING ((who = CURRENT_USER));


--
-- Name: secret; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY;

--
-- Name: pub; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION pub WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION pub OWNER TO postgres;

--
-- Name: pub egg; Type: PUBLICATION TABLE; Schema: public; Owner: postgres
--

ALTER PUBLICATION pub ADD TABLE ONLY public.egg WHERE ((id > 0));


--
-- Name: DATABASE shop; Type: ACL; Schema: -; Owner: owner_role
--

REVOKE CONNECT,TEMPORARY ON DATABASE shop FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO reader;


--
-- Name: TABLE "Order"; Type: ACL; Schema: Sales Dept; Owner: owner_role
--

GRANT UPDATE ON TABLE "Sales Dept"."Order" TO reader WITH GRANT OPTION;


--
-- Name: COLUMN "Order"."select"; Type: ACL; Schema: Sales Dept; Owner: owner_role
--

GRANT SELECT("select") ON TABLE "Sales Dept"."Order" TO reader WITH GRANT OPTION;


--
-- Name: TABLE everything; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.everything TO "weird role'"" x";


--
-- Name: LARGE OBJECT 4242; Type: ACL; Schema: -; Owner: postgres
--

GRANT SELECT ON LARGE OBJECT 4242 TO reader;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: public; Owner: owner_role
--

ALTER DEFAULT PRIVILEGES FOR ROLE owner_role IN SCHEMA public GRANT SELECT ON TABLES  TO reader;


--
-- Name: et; Type: EVENT TRIGGER; Schema: -; Owner: postgres
--

CREATE EVENT TRIGGER et ON ddl_command_end
   EXECUTE FUNCTION public.evt();


ALTER EVENT TRIGGER et OWNER TO postgres;

--
-- Name: mv; Type: MATERIALIZED VIEW DATA; Schema: public; Owner: postgres
--

REFRESH MATERIALIZED VIEW public.mv;


--
-- PostgreSQL database dump complete
--

\unrestrict rPKBJZuxhscSWgFHYAEmk9NXm5wEf3YuwnEogBqu9M9pF606dayrcWQ1S6AsdJH

