\connect analytics
SET ROLE analyst;
CREATE SCHEMA board;
CREATE TABLE board.turnover (month date PRIMARY KEY, cents bigint, note text);
INSERT INTO board.turnover
SELECT date '2010-01-01' + make_interval(months => i), i * 104729, NULLIF('note ' || i, 'note 50') FROM generate_series(0, 150) i;
CREATE VIEW board.yearly AS SELECT date_part('year', month) AS year, sum(cents) AS cents FROM board.turnover GROUP BY 1;
GRANT USAGE ON SCHEMA board TO reporting;
GRANT SELECT ON ALL TABLES IN SCHEMA board TO reporting;
