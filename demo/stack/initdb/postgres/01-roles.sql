CREATE ROLE reporting NOLOGIN;
CREATE ROLE analyst LOGIN PASSWORD 'analyst-2931' IN ROLE reporting CONNECTION LIMIT 5 VALID UNTIL '2039-12-31 23:59:59+00';
CREATE ROLE "Web Clerk" LOGIN PASSWORD 'clerk''s "word"';
ALTER ROLE analyst SET statement_timeout = '30s';
ALTER ROLE analyst SET search_path = catalog, public;
COMMENT ON ROLE reporting IS 'reads, never writes';

CREATE DATABASE analytics OWNER analyst;
ALTER DATABASE analytics SET timezone = 'Europe/Berlin';
COMMENT ON DATABASE analytics IS 'numbers for the board';
REVOKE CONNECT ON DATABASE analytics FROM PUBLIC;
GRANT CONNECT ON DATABASE analytics TO reporting;
