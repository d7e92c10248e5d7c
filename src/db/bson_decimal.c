#include "db/bson_decimal.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define DIGITS 34
#define BIAS 6176
#define EXPONENT_MAX 6111

__extension__ typedef unsigned __int128 coefficient;

static coefficient
largest(void)
{
	coefficient c = 1;
	for (int i = 0; i < DIGITS; i++)
		c *= 10;
	return c - 1;
}

/* Digits of c, most significant first; how many. */
static size_t
to_digits(char out[DIGITS + 1], coefficient c)
{
	char reversed[DIGITS];
	size_t n = 0;
	do {
		reversed[n++] = (char)('0' + (int)(c % 10));
		c /= 10;
	} while (c > 0);
	for (size_t i = 0; i < n; i++)
		out[i] = reversed[n - 1 - i];
	out[n] = '\0';
	return n;
}

static void
write_number(char *out, const char *digits, int n, int exponent)
{
	int adjusted = exponent + n - 1;
	char *end = out + DECIMAL_TEXT;
	if (exponent > 0 || adjusted < -6) {
		*out++ = digits[0];
		if (n > 1)
			out += snprintf(out, (size_t)(end - out), ".%s", digits + 1);
		snprintf(out, (size_t)(end - out), "E%+d", adjusted);
		return;
	}
	int whole = n + exponent; /* digits before the point */
	if (exponent == 0)
		snprintf(out, (size_t)(end - out), "%s", digits);
	else if (whole > 0)
		snprintf(out, (size_t)(end - out), "%.*s.%s", whole, digits, digits + whole);
	else
		snprintf(out, (size_t)(end - out), "0.%.*s%s", -whole, "000000", digits);
}

void
decimal_text(char out[DECIMAL_TEXT], const uint8_t raw[DECIMAL_SIZE])
{
	uint64_t low = get_u64(raw);
	uint64_t high = get_u64(raw + 8);
	unsigned top = (unsigned)(high >> 58) & 0x1f;
	bool is_negative = high >> 63;
	char digits[DIGITS + 1];
	if (top == 0x1f) {
		snprintf(out, DECIMAL_TEXT, "NaN");
		return;
	}
	if (is_negative)
		*out++ = '-';
	if (top == 0x1e) {
		snprintf(out, DECIMAL_TEXT - 1, "Infinity");
		return;
	}
	bool is_large = top >> 3 == 3; /* the coefficient would have more than 113 bits */
	int exponent = (int)(high >> (is_large ? 47 : 49) & 0x3fff) - BIAS;
	coefficient c = is_large ? 0 : (coefficient)(high & 0x1ffffffffffff) << 64 | low;
	if (c > largest())
		c = 0;
	size_t n = to_digits(digits, c);
	/* One byte less is left for a negative one: the longest has 34 digits, a point,
	 * "E+6144". */
	write_number(out, digits, (int)n, exponent);
}

static bool
parse_exponent(int *out, const char *s)
{
	bool is_negative = *s == '-';
	int value = 0;
	if (*s == '-' || *s == '+')
		s++;
	if (*s == '\0')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (value < 100000)
			value = value * 10 + (*s - '0');
	*out = is_negative ? -value : value;
	return *s == '\0';
}

static bool
parse_number(coefficient *c, int *exponent, const char *s)
{
	bool has_point = false;
	bool has_digit = false;
	*c = 0;
	*exponent = 0;
	for (; (*s >= '0' && *s <= '9') || (*s == '.' && !has_point); s++) {
		if (*s == '.') {
			has_point = true;
			continue;
		}
		has_digit = true;
		*c = *c * 10 + (unsigned)(*s - '0');
		*exponent -= has_point;
		if (*c > largest())
			return false;
	}
	if (!has_digit)
		return false;
	int more = 0;
	if (*s == 'E' || *s == 'e') {
		if (!parse_exponent(&more, s + 1))
			return false;
	} else if (*s != '\0') {
		return false;
	}
	*exponent += more;
	return *exponent >= -BIAS && *exponent <= EXPONENT_MAX;
}

bool
decimal_parse(uint8_t raw[DECIMAL_SIZE], const char *text)
{
	uint64_t sign = 0;
	coefficient c = 0;
	int exponent = 0;
	uint64_t high;
	if (*text == '-' || *text == '+')
		sign = *text++ == '-' ? UINT64_C(1) << 63 : 0;
	if (strcmp(text, "NaN") == 0)
		high = UINT64_C(0x7c) << 56;
	else if (strcmp(text, "Infinity") == 0)
		high = UINT64_C(0x78) << 56;
	else if (parse_number(&c, &exponent, text))
		high = (uint64_t)(exponent + BIAS) << 49 | (uint64_t)(c >> 64);
	else
		return false;
	put_u64(raw, (uint64_t)c);
	put_u64(raw + 8, high | sign);
	return true;
}
