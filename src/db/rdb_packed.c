#include "db/rdb_packed.h"

#define END 0xff

void
packed_init(struct packed *p, enum packed_kind kind, const void *data, size_t len)
{
	/* Lengths and offsets in front, which say nothing that the entries do not. */
	static const size_t heads[] = { [PACKED_LISTPACK] = 6,
		[PACKED_ZIPLIST] = 10,
		[PACKED_INTSET] = 8,
		[PACKED_ZIPMAP] = 1 };
	*p = (struct packed){ .kind = kind };
	rd_init(&p->r, data, len);
	const uint8_t *head = rd_bytes(&p->r, heads[kind]);
	if (head == NULL || kind != PACKED_INTSET)
		return;
	uint32_t size = get_u32(head);
	p->size = size;
	if ((size != 2 && size != 4 && size != 8) ||
	    (uint64_t)get_u32(head + 4) * size != rd_left(&p->r))
		p->r.failed = true;
}

static bool
integer(struct packed_entry *e, int64_t v)
{
	*e = (struct packed_entry){ .is_integer = true, .integer = v };
	return true;
}

static bool
integer_of(struct rd *r, struct packed_entry *e, size_t size)
{
	const uint8_t *p = rd_bytes(r, size);
	return p != NULL && integer(e, rdb_integer(p, size));
}

static bool
string_of(struct rd *r, struct packed_entry *e, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);
	*e = (struct packed_entry){ .data = p, .len = len };
	return p != NULL;
}

/* --- listpack --- */

/* How long an entry is stands behind it, too, to be read backwards. */
static size_t
back_length_size(size_t len)
{
	return len <= 127 ? 1 : len < 16383 ? 2 : len < 2097151 ? 3 : len < 268435455 ? 4 : 5;
}

static bool
listpack_entry(struct rd *r, struct packed_entry *e)
{
	uint8_t c = rd_u8(r);
	if (c < 0x80)
		return integer(e, c);
	if (c < 0xc0)
		return string_of(r, e, c & 0x3f);
	if (c < 0xe0) {
		int v = (c & 0x1f) << 8 | rd_u8(r);
		return integer(e, v < 4096 ? v : v - 8192);
	}
	if (c < 0xf0) {
		size_t len = (size_t)(c & 0x0f) << 8;
		return string_of(r, e, len | rd_u8(r));
	}
	switch (c) {
	case 0xf0:
		return string_of(r, e, rd_u32(r));
	case 0xf1:
		return integer_of(r, e, 2);
	case 0xf2:
		return integer_of(r, e, 3);
	case 0xf3:
		return integer_of(r, e, 4);
	case 0xf4:
		return integer_of(r, e, 8);
	default:
		return false;
	}
}

static bool
next_of_listpack(struct packed *p, struct packed_entry *e)
{
	const uint8_t *from = p->r.p;
	if (!listpack_entry(&p->r, e))
		return false;
	return rd_bytes(&p->r, back_length_size((size_t)(p->r.p - from))) != NULL;
}

/* --- ziplist --- */

static bool
next_of_ziplist(struct packed *p, struct packed_entry *e)
{
	struct rd *r = &p->r;
	/* How long the entry before it is. */
	if (rd_u8(r) == 0xfe)
		(void)rd_u32(r);
	uint8_t c = rd_u8(r);
	size_t len = c & 0x3f;
	const uint8_t *raw;
	switch (c >> 6) {
	case 0:
		return string_of(r, e, len);
	case 1:
		len = len << 8 | rd_u8(r);
		return string_of(r, e, len);
	case 2:
		raw = rd_bytes(r, 4);
		return raw != NULL && string_of(r, e,
					  (size_t)raw[0] << 24 | (size_t)raw[1] << 16 |
					      (size_t)raw[2] << 8 | raw[3]);
	default:
		break;
	}
	if (c > 0xf0 && c < 0xfe)
		return integer(e, (c & 0x0f) - 1);
	return c == 0xc0   ? integer_of(r, e, 2)
	       : c == 0xd0 ? integer_of(r, e, 4)
	       : c == 0xe0 ? integer_of(r, e, 8)
	       : c == 0xf0 ? integer_of(r, e, 3)
	       : c == 0xfe ? integer_of(r, e, 1)
			   : false;
}

/* --- zipmap --- */

static bool
next_of_zipmap(struct packed *p, struct packed_entry *e)
{
	struct rd *r = &p->r;
	size_t len = rd_u8(r);
	if (len == 0xfe)
		len = rd_u32(r);
	/* So many bytes behind a value are not used. */
	size_t unused = p->is_value ? rd_u8(r) : 0;
	p->is_value = !p->is_value;
	return string_of(r, e, len) && rd_bytes(r, unused) != NULL;
}

/* --- all --- */

bool
packed_next(struct packed *p, struct packed_entry *out)
{
	bool is_read = false;
	if (!rd_ok(&p->r) || p->is_at_end)
		return false;
	bool has_end = p->kind != PACKED_INTSET;
	if (has_end ? rd_left(&p->r) == 1 && *p->r.p == END : rd_left(&p->r) == 0) {
		p->is_at_end = true;
		return false;
	}
	switch (p->kind) {
	case PACKED_LISTPACK:
		is_read = next_of_listpack(p, out);
		break;
	case PACKED_ZIPLIST:
		is_read = next_of_ziplist(p, out);
		break;
	case PACKED_INTSET:
		is_read = integer_of(&p->r, out, p->size);
		break;
	case PACKED_ZIPMAP:
		is_read = next_of_zipmap(p, out);
		break;
	}
	is_read = is_read && rd_ok(&p->r);
	p->r.failed = !is_read;
	return is_read;
}

bool
packed_ok(const struct packed *p)
{
	return rd_ok(&p->r) && p->is_at_end && !p->is_value;
}

const void *
packed_text(const struct packed_entry *e, char scratch[RDB_INTEGER_TEXT], size_t *len)
{
	if (!e->is_integer) {
		*len = e->len;
		return e->data;
	}
	*len = rdb_integer_text(scratch, e->integer);
	return scratch;
}
