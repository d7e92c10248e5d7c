SET NAMES utf8mb4;
USE shop;

CREATE VIEW best_sellers AS
    SELECT p.id, p.name, AVG(r.stars) AS stars FROM products p JOIN reviews r ON r.product_id = p.id
    GROUP BY p.id, p.name HAVING AVG(r.stars) >= 3;

DELIMITER //
CREATE FUNCTION gross(net DECIMAL(10, 2)) RETURNS DECIMAL(12, 4) DETERMINISTIC
BEGIN
    RETURN net * 1.19; -- the semicolon's test; ä
END//
CREATE PROCEDURE forget(IN customer INT) MODIFIES SQL DATA COMMENT 'removes their reviews'
BEGIN
    DELETE FROM reviews WHERE customer_id = customer;
END//
CREATE TRIGGER reviews_body BEFORE INSERT ON reviews FOR EACH ROW
BEGIN
    SET NEW.body = IFNULL(NEW.body, 'it''s empty');
END//
CREATE TRIGGER reviews_stars BEFORE UPDATE ON reviews FOR EACH ROW SET NEW.stars = LEAST(NEW.stars, 5)//
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2024-01-01 03:00:00' DISABLE DO DELETE FROM visits WHERE page IS NULL//
DELIMITER ;

CREATE DATABASE crm CHARACTER SET latin1 COLLATE latin1_swedish_ci;
USE crm;
CREATE TABLE contacts (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60), since DATE DEFAULT NULL) ENGINE=InnoDB;
INSERT INTO contacts (name, since) SELECT CONCAT('Müller ', seq), DATE('2000-01-01') + INTERVAL seq DAY FROM shop.seq_1_to_400;
CREATE TABLE calls (contact_id INT NOT NULL, at DATETIME(3), seconds SMALLINT UNSIGNED, FOREIGN KEY (contact_id) REFERENCES contacts (id)) ENGINE=InnoDB;
INSERT INTO calls SELECT seq % 400 + 1, TIMESTAMP('2024-01-01 00:00:00.5') + INTERVAL seq MINUTE, seq FROM shop.seq_1_to_1200;
CREATE VIEW busy AS SELECT contact_id, COUNT(*) AS calls FROM calls GROUP BY contact_id HAVING calls > 2;

CREATE ROLE clerk;
GRANT SELECT, INSERT ON crm.* TO clerk;
CREATE USER 'reporting'@'%' IDENTIFIED BY 'report''s "word"' WITH MAX_QUERIES_PER_HOUR 1000;
GRANT SELECT ON shop.* TO 'reporting'@'%';
GRANT SELECT (id, name), UPDATE (name) ON crm.contacts TO 'reporting'@'%';
GRANT EXECUTE ON FUNCTION shop.gross TO 'reporting'@'%';
CREATE USER 'desk'@'10.%' IDENTIFIED BY 'desk-77' REQUIRE NONE PASSWORD EXPIRE NEVER;
GRANT clerk TO 'desk'@'10.%';
SET DEFAULT ROLE clerk FOR 'desk'@'10.%';
