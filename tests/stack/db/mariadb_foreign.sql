-- What an image's entrypoint and its initdb.d scripts may leave in a fresh server.
CREATE DATABASE shop;
CREATE TABLE shop.everything (other text);
CREATE VIEW shop.left_over AS SELECT 1 AS one;
CREATE DATABASE left_over;
CREATE TABLE left_over.t (x int);
CREATE USER app@'%' IDENTIFIED BY 'another';
GRANT ALL ON *.* TO app@'%';
CREATE USER left_over@'%' IDENTIFIED BY 'x';
CREATE ROLE reading;
CREATE ROLE left_over_role;
GRANT left_over_role TO app@'%';
