/*
 * bson_decimal.h: Decimal128 as text and back; for bson_json*.c only.
 *
 * A value is 16 bytes, little-endian: IEEE 754-2008 in the binary integer encoding.
 * Text has every digit of the coefficient, so 1.0 and 1.00 are not the same.
 * Coefficients above 34 digits are not canonical, and mean 0.
 *
 * Source: the "BSON Decimal128" specification.
 */
#ifndef DB_BSON_DECIMAL_H
#define DB_BSON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECIMAL_SIZE 16
#define DECIMAL_TEXT 48

void decimal_text(char out[DECIMAL_TEXT], const uint8_t raw[DECIMAL_SIZE]);
/* false for text that is no such number, or one that does not fit as it stands. */
bool decimal_parse(uint8_t raw[DECIMAL_SIZE], const char *text);

#endif
