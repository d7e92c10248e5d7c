#include "db/rdb_read.h"

#include "db/lzf.h"

#include <math.h>
#include <stdlib.h>

enum err_code
rdb_bad(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "a key of an RDB file is not as it should be");
}

/* --- lengths --- */

/* The bytes of a length or an encoding; NULL when they are not there. */
static const uint8_t *
read_head(struct rd *r)
{
	size_t size = rd_left(r) > 0 ? rdb_length_size(*r->p) : 0;
	if (size == 0)
		r->failed = true;
	return size > 0 ? rd_bytes(r, size) : NULL;
}

uint64_t
rdb_read_length(struct rd *r)
{
	const uint8_t *head = read_head(r);
	if (head == NULL)
		return 0;
	if (head[0] >> 6 == 3)
		r->failed = true;
	return rdb_length(head);
}

/* --- strings --- */

struct string {
	const uint8_t *data;
	uint64_t stored; /* bytes of data */
	uint64_t length; /* of what they say */
	enum { STRING_PLAIN, STRING_INTEGER, STRING_LZF } form;
};

static struct string
read_raw_string(struct rd *r)
{
	struct string s = { 0 };
	const uint8_t *head = read_head(r);
	if (head == NULL)
		return s;
	switch (head[0]) {
	case RDB_INT_8:
	case RDB_INT_16:
	case RDB_INT_32:
		s.form = STRING_INTEGER;
		s.stored = UINT64_C(1) << (head[0] & 3);
		break;
	case RDB_LZF:
		s.form = STRING_LZF;
		s.stored = rdb_read_length(r);
		s.length = rdb_read_length(r);
		break;
	default:
		if (head[0] >> 6 == 3)
			r->failed = true;
		s.stored = s.length = rdb_length(head);
		break;
	}
	if (s.stored > rd_left(r))
		r->failed = true;
	s.data = rd_ok(r) ? rd_bytes(r, (size_t)s.stored) : NULL;
	return s;
}

void
rdb_skip_string(struct rd *r)
{
	(void)read_raw_string(r);
}

struct unpacked {
	struct buf *out;
	struct err *err;
	enum err_code rc;
};

static void
keep_unpacked(void *arg, const void *data, size_t len)
{
	struct unpacked *u = arg;
	if (u->rc == ERR_OK)
		u->rc = buf_add(u->out, data, len, u->err);
}

static enum err_code
unpack(const struct string *s, struct buf *out, struct err *err)
{
	struct unpacked u = { out, err, ERR_OK };
	struct lzf z;
	lzf_begin(&z, keep_unpacked, &u);
	bool is_good = lzf_feed(&z, s->data, (size_t)s->stored) && lzf_end(&z, s->length);
	if (u.rc)
		return u.rc;
	return is_good ? ERR_OK : rdb_bad(err);
}

enum err_code
rdb_read_string(struct rd *r, struct buf *out, struct err *err)
{
	char text[RDB_INTEGER_TEXT];
	struct string s = read_raw_string(r);
	if (!rd_ok(r))
		return rdb_bad(err);
	if (s.form == STRING_LZF)
		return unpack(&s, out, err);
	if (s.form == STRING_PLAIN)
		return buf_add(out, s.data, (size_t)s.stored, err);
	size_t n = rdb_integer_text(text, rdb_integer(s.data, (size_t)s.stored));
	return buf_add(out, text, n, err);
}

/* --- numbers --- */

#define NUMBER_NAN 253
#define NUMBER_INFINITE 254
#define NUMBER_MINUS_INFINITE 255

double
rdb_read_text_number(struct rd *r)
{
	char text[256];
	uint8_t len = rd_u8(r);
	if (len >= NUMBER_NAN)
		return len == NUMBER_NAN ? (double)NAN
					 : (len == NUMBER_INFINITE ? HUGE_VAL : -HUGE_VAL);
	const uint8_t *data = rd_bytes(r, len);
	if (data == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	return strtod(text, NULL);
}

double
rdb_read_double(struct rd *r)
{
	uint64_t bits = rd_u64(r);
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* --- programs --- */

static void
skip_module(struct rd *r)
{
	for (;;) {
		uint64_t kind = rdb_read_length(r);
		if (!rd_ok(r) || kind == 0)
			return;
		if (kind == 1 || kind == 2)
			(void)rdb_read_length(r);
		else if (kind == 3 || kind == 4)
			(void)rd_bytes(r, kind == 3 ? 4 : 8);
		else if (kind == 5)
			rdb_skip_string(r);
		else
			r->failed = true;
	}
}

/* Up to the end of the program, or of the loop's body. */
static void
skip_turn(struct rd *r, const char *pc)
{
	while (*pc != '\0' && *pc != ')' && *pc != ']' && rd_ok(r)) {
		if (*pc == '(' || *pc == '[') {
			uint64_t n = rdb_read_length(r);
			for (; n > 0 && rd_ok(r); n--)
				skip_turn(r, pc + 1);
			pc = rdb_behind_loop(pc);
			continue;
		}
		if (*pc == 's')
			rdb_skip_string(r);
		else if (*pc == 'l')
			(void)rdb_read_length(r);
		else if (*pc == 'd')
			(void)rdb_read_text_number(r);
		else if (*pc == 'm')
			skip_module(r);
		else
			(void)rd_bytes(r, *pc == 'x' ? 16 : (size_t)(*pc - '0'));
		pc++;
	}
}

void
rdb_skip(struct rd *r, const char *program)
{
	skip_turn(r, program);
}
