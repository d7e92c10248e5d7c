-- What an image's entrypoint and its initdb.d scripts may leave in a fresh server.
CREATE ROLE reader SUPERUSER LOGIN PASSWORD 'other';
CREATE ROLE left_over LOGIN;
ALTER ROLE postgres SET work_mem = '9MB';
CREATE DATABASE shop OWNER left_over;
CREATE DATABASE left_over_db IS_TEMPLATE true;
GRANT ALL ON DATABASE template1 TO left_over;
\connect shop
CREATE TABLE everything (other text);
INSERT INTO everything VALUES ('must vanish');
CREATE SCHEMA left_over AUTHORIZATION left_over;
\connect template1
CREATE TABLE left_over_table (x int);
ALTER TABLE left_over_table OWNER TO left_over;
\connect postgres
CREATE TABLE left_over_table (x int);
