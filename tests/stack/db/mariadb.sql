-- A server with a bit of everything that a dump may get wrong.
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE DATABASE `we/ird ``d"b'` CHARACTER SET latin1;
CREATE DATABASE `-x`;
CREATE DATABASE `empty one`;
CREATE ROLE reading;
CREATE ROLE `odd ``role`;
CREATE ROLE not_roots WITH ADMIN `odd ``role`;
CREATE USER app@'%' IDENTIFIED BY 'p''w\\';
CREATE USER 'we ird''"`u'@'10.0.0.%' IDENTIFIED BY 'x' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3;
CREATE USER locked@localhost ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 30 DAY;
CREATE USER definer@localhost;
GRANT ALL ON shop.* TO app@'%' WITH GRANT OPTION;
GRANT SELECT ON `-x`.* TO reading;
GRANT reading TO app@'%';
GRANT reading TO `odd ``role` WITH ADMIN OPTION;
SET DEFAULT ROLE reading FOR app@'%';
GRANT SELECT, SHOW VIEW, EXECUTE, TRIGGER, EVENT ON shop.* TO definer@localhost;
GRANT PROXY ON app@'%' TO locked@localhost;

USE shop;
CREATE TABLE everything (
	id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
	t tinyint(1), d decimal(30,10), f double, b bit(9),
	dt datetime(6), ts timestamp(3) NULL DEFAULT NULL, y year, tm time(2),
	v varchar(200) CHARACTER SET utf8mb4, l1 varchar(50) CHARACTER SET latin1, tx longtext,
	bin varbinary(50), bl longblob, j json, e enum('a','b''c'), s set('x','y'),
	g geometry, u uuid, ip inet6,
	gen int GENERATED ALWAYS AS (t * 2) STORED, vir int GENERATED ALWAYS AS (t + 1) VIRTUAL,
	inv int INVISIBLE DEFAULT 7,
	UNIQUE KEY (v(50)), FULLTEXT (tx), CHECK (d > -1e18)
) AUTO_INCREMENT = 1000 COMMENT 'it''s; -- a comment';
INSERT INTO everything (t, d, f, b, dt, ts, y, tm, v, l1, tx, bin, bl, j, e, s, g, u, ip) VALUES
	(1, 12345678901234567890.0123456789, 1e300, b'101010101', '2024-02-29 12:34:56.789012', '2024-03-31 01:30:00.123', 2024, '-12:34:56.78',
	 '😀 ünï \' " \\ \n\t\0\Z', 'äöü', REPEAT('long text ', 20000), x'00ff0a5c27', x'deadbeef00', '{"a": [1, null, "é"]}', 'b''c', 'x,y',
	 ST_GeomFromText('POINT(1 2)'), '123e4567-e89b-12d3-a456-426655440000', '::1'),
	(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, '', NULL, NULL, NULL);
INSERT INTO everything (v, tx) SELECT CONCAT('row ', seq), '\n-- Dump completed\n-- Current Database: `x`\n' FROM seq_1_to_2000;
CREATE TABLE big (id int PRIMARY KEY, data longblob);
INSERT INTO big VALUES (1, REPEAT(x'00ff', 3000000));
CREATE TABLE egg (id int PRIMARY KEY, hen int) ENGINE=InnoDB;
CREATE TABLE hen (id int PRIMARY KEY, egg int, CONSTRAINT FOREIGN KEY (egg) REFERENCES egg (id) ON DELETE CASCADE);
INSERT INTO egg VALUES (1, 1);
INSERT INTO hen VALUES (1, 1);
ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen (id);
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (YEAR(at)) (PARTITION p0 VALUES LESS THAN (2024), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parts VALUES (1, '2023-01-01'), (2, '2024-01-01');
CREATE TABLE history (x int) WITH SYSTEM VERSIONING;
INSERT INTO history VALUES (1), (2);
CREATE TABLE old_engine (x int PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO old_engine VALUES (1);
CREATE TABLE aria (x int) ENGINE=Aria TRANSACTIONAL=1;
INSERT INTO aria VALUES (1);
CREATE SEQUENCE sq START WITH 100 INCREMENT BY 7 CACHE 10;
SELECT NEXTVAL(sq), NEXTVAL(sq);
CREATE DEFINER=definer@localhost SQL SECURITY DEFINER VIEW z_base AS SELECT id, v FROM everything WHERE id > 0 WITH CASCADED CHECK OPTION;
CREATE DEFINER=app@'%' VIEW a_on_z AS SELECT COUNT(*) AS n FROM z_base;
GRANT SELECT (id, v) ON shop.everything TO reading;
GRANT INSERT ON shop.hen TO 'we ird''"`u'@'10.0.0.%';
DELIMITER //
CREATE DEFINER=definer@localhost TRIGGER tr1 BEFORE INSERT ON hen FOR EACH ROW BEGIN SET NEW.egg = COALESCE(NEW.egg, 1); END//
CREATE TRIGGER tr2 BEFORE INSERT ON hen FOR EACH ROW FOLLOWS tr1 SET NEW.id = NEW.id//
CREATE DEFINER=definer@localhost PROCEDURE pr(IN a int, OUT b int) COMMENT 'it''s' READS SQL DATA BEGIN
-- a comment ; with a semicolon
SELECT COUNT(*) INTO b FROM everything WHERE id > a; END//
CREATE FUNCTION fn(x int) RETURNS varchar(20) CHARSET utf8mb4 DETERMINISTIC RETURN CONCAT('ü', x)//
CREATE DEFINER=definer@localhost EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' ON COMPLETION PRESERVE DO BEGIN DELETE FROM parts WHERE id < 0; END//
CREATE EVENT ev_off ON SCHEDULE EVERY 1 HOUR STARTS '2030-01-01 00:00:00' DISABLE DO SELECT 1//
SET sql_mode = ORACLE//
CREATE PACKAGE pk AS FUNCTION f RETURN int; END//
CREATE PACKAGE BODY pk AS FUNCTION f RETURN int AS BEGIN RETURN 42; END; END//
SET sql_mode = DEFAULT//
DELIMITER ;
GRANT EXECUTE ON PROCEDURE shop.pr TO app@'%';
GRANT EXECUTE ON FUNCTION shop.fn TO reading;
USE `we/ird ``d"b'`;
CREATE TABLE `t-"'``x` (`c ``"'` int, PRIMARY KEY (`c ``"'`));
INSERT INTO `t-"'``x` VALUES (1), (2);
CREATE VIEW v AS SELECT * FROM shop.everything;
USE `-x`;
CREATE TABLE t (x int);
