CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city text);
INSERT INTO customers SELECT n, 'Customer ' || n, (ARRAY['Berlin', 'Paris', 'Oslo'])[1 + n % 3] FROM generate_series(1, 500) AS n;
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, cents int NOT NULL, note text);
INSERT INTO orders SELECT n, 1 + n % 500, 100 * n, NULL FROM generate_series(1, 5000) AS n;
