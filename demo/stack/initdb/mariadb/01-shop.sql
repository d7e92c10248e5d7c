-- Deterministic: no NOW(), no RAND().
SET NAMES utf8mb4;
SET time_zone = '+00:00';
USE shop;

CREATE TABLE products (
    id INT AUTO_INCREMENT PRIMARY KEY,
    sku VARCHAR(20) NOT NULL UNIQUE,
    name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_german2_ci NOT NULL,
    price DECIMAL(10, 2) NOT NULL CHECK (price >= 0),
    gross DECIMAL(12, 4) AS (price * 1.19) STORED,
    attributes JSON,
    kind ENUM('book', 'gâteau', 'it''s') NOT NULL,
    tags SET('new', 'used', 'rare'),
    photo BLOB,
    hash BINARY(16),
    flags BIT(12),
    weight DOUBLE,
    released YEAR,
    added DATETIME(6),
    changed TIMESTAMP NOT NULL DEFAULT '2001-01-01 00:00:00',
    place POINT,
    FULLTEXT KEY names (name),
    KEY by_price (price DESC)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='what''s for sale';
INSERT INTO products (sku, name, price, attributes, kind, tags, photo, hash, flags, weight, released, added, changed, place)
SELECT CONCAT('SKU-', LPAD(seq, 6, '0')),
       ELT(seq % 4 + 1, CONCAT('Größe ', seq), CONCAT('製品 🎁 ', seq), CONCAT('tab\t"quote" ', seq), CONCAT('line\nback\\slash ', seq)),
       (seq * 7919 % 100000) / 100,
       JSON_OBJECT('weight', seq % 100, 'ü', JSON_ARRAY(1, NULL, 'x')),
       seq % 3 + 1,
       IF(seq % 7 = 0, NULL, seq % 8),
       IF(seq % 2 = 0, UNHEX(REPEAT(MD5(seq), seq % 40)), NULL),
       UNHEX(MD5(seq)),
       seq % 4096,
       IF(seq % 6 = 0, NULL, seq / 7e10),
       1990 + seq % 40,
       TIMESTAMP('2023-01-01 00:00:00.123456') + INTERVAL seq HOUR,
       TIMESTAMP('2020-06-01 12:00:00') + INTERVAL seq MINUTE,
       POINT(seq, -seq)
FROM seq_1_to_500;

CREATE TABLE customers (
    id INT PRIMARY KEY,
    mail VARCHAR(100) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL,
    remark TEXT
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
INSERT INTO customers SELECT seq, CONCAT('größe', seq, '@example.com'), REPEAT(MD5(seq), seq % 30) FROM seq_1_to_2000;

CREATE TABLE reviews (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    product_id INT NOT NULL,
    customer_id INT NOT NULL,
    stars TINYINT UNSIGNED NOT NULL,
    body MEDIUMTEXT,
    CONSTRAINT review_of FOREIGN KEY (product_id) REFERENCES products (id) ON DELETE CASCADE,
    CONSTRAINT review_by FOREIGN KEY (customer_id) REFERENCES customers (id)
) ENGINE=InnoDB AUTO_INCREMENT=1000 DEFAULT CHARSET=utf8mb4;
INSERT INTO reviews (product_id, customer_id, stars, body)
SELECT seq % 500 + 1, seq % 2000 + 1, seq % 5 + 1, REPEAT(CONCAT('🙂 ', MD5(seq), ' '), seq % 20) FROM seq_1_to_5000;

-- No key, and rows that are there more than once.
CREATE TABLE visits (page VARCHAR(40), referrer VARCHAR(40)) ENGINE=InnoDB;
INSERT INTO visits SELECT CONCAT('/page/', seq % 10), NULLIF(CONCAT('/from/', seq % 3), '/from/0') FROM seq_1_to_300;

CREATE TABLE `odd ``name``.ä` (`select` INT PRIMARY KEY, `a b` VARCHAR(20)) ENGINE=InnoDB;
INSERT INTO `odd ``name``.ä` VALUES (1, '\\N'), (2, ''), (3, NULL), (-5, '\Z\0');
CREATE TABLE nothing_yet (id INT PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE settings (name VARCHAR(40) PRIMARY KEY, value TEXT) ENGINE=Aria;
INSERT INTO settings SELECT CONCAT('setting ', seq), MD5(seq) FROM seq_1_to_50;

CREATE TABLE log_by_year (id INT, at DATE NOT NULL, PRIMARY KEY (id, at)) ENGINE=InnoDB
    PARTITION BY RANGE (YEAR(at)) (
        PARTITION p2022 VALUES LESS THAN (2023), PARTITION p2023 VALUES LESS THAN (2024), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO log_by_year SELECT seq, DATE('2022-06-01') + INTERVAL seq DAY FROM seq_1_to_900;

CREATE SEQUENCE invoice_number START WITH 100000 INCREMENT BY 7;
SELECT SETVAL(invoice_number, 100700);

-- What the app writes to.
CREATE TABLE counter (n BIGINT NOT NULL) ENGINE=InnoDB;
INSERT INTO counter VALUES (0);
CREATE TABLE orders (
    n BIGINT PRIMARY KEY,
    customer_id INT NOT NULL,
    product_id INT NOT NULL,
    quantity INT NOT NULL,
    cents INT NOT NULL,
    note VARCHAR(200) NOT NULL,
    raw VARBINARY(64) NOT NULL,
    KEY by_customer (customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE stock (product_id INT PRIMARY KEY, sold BIGINT NOT NULL) ENGINE=InnoDB;
INSERT INTO stock SELECT seq, 0 FROM seq_1_to_500;
