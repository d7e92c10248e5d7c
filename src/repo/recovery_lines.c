#include "repo/recovery_lines.h"

#include "crypto/hash.h"
#include "repo/keys.h"

#include <ctype.h>

/* Offsets of the bytes that are printed; the label has n bytes. */
enum {
	KIT_VERSION = 0,
	KIT_FLAGS = 1,
	KIT_HEAD = 2, /* bytes 10 to 79 of the slot */
	KIT_LABEL_LEN = 72,
	KIT_LABEL = 73,
	KIT_SEALED = 73, /* + n: bytes 144 to 191 of the slot */
	KIT_SUM = 121, /* + n */
	KIT_SIZE = 125, /* + n */
};

/* Offsets in the slot. */
enum { SLOT_HEAD = 10, SLOT_HEAD_END = 80, SLOT_LABEL = 80, SLOT_SEALED = 144 };

enum { FLAG_CODE = 1 };

#define VERSION 1
#define SUM_SIZE 4
#define KIT_MAX (KIT_SIZE + KEY_LABEL_MAX)
#define CHECK_CHARS 2
#define LINE_CHARS 32
#define CODE_LINE 'C'

_Static_assert(KIT_MAX <= RECOVERY_MAX_LINES * RECOVERY_LINE_BYTES, "lines for any label");

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* --- base 32 --- */

/* Five bits a character, the highest first; the last is filled up with zero bits. */
static size_t
base32_encode(char *out, const uint8_t *data, size_t len)
{
	size_t n = 0;
	unsigned bits = 0;
	uint32_t held = 0;
	for (size_t i = 0; i < len; i++) {
		held = held << 8 | data[i];
		for (bits += 8; bits >= 5; bits -= 5)
			out[n++] = alphabet[held >> (bits - 5) & 31];
	}
	if (bits > 0)
		out[n++] = alphabet[held << (5 - bits) & 31];
	return n;
}

/* The value of a character, as people type it; -1 when it is none. */
static int
value_of(char c)
{
	switch (c) {
	case 'o':
	case 'O':
		return 0;
	case 'i':
	case 'I':
	case 'l':
	case 'L':
		return 1;
	default:
		break;
	}
	const char *at = c != '\0' ? strchr(alphabet, toupper((unsigned char)c)) : NULL;
	return at != NULL ? (int)(at - alphabet) : -1;
}

/* False when the bits that fill up the last character are not zero, or when a character carries
 * nothing but these. */
static bool
base32_decode(uint8_t *out, size_t *len, const uint8_t *values, size_t n)
{
	size_t k = 0;
	unsigned bits = 0;
	uint32_t held = 0;
	for (size_t i = 0; i < n; i++) {
		held = held << 5 | values[i];
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			out[k++] = (uint8_t)(held >> bits);
		}
	}
	*len = k;
	return bits < 5 && (held & ((1U << bits) - 1)) == 0;
}

void
recovery_code_text(char out[RECOVERY_CODE_LEN + 1], const uint8_t bytes[RECOVERY_CODE_BYTES])
{
	out[base32_encode(out, bytes, RECOVERY_CODE_BYTES)] = '\0';
}

/* --- lines --- */

/* The check of a line: the first ten bits of SHA-256 over its number and its bytes. */
static enum err_code
check_of(
    unsigned number, const uint8_t *data, size_t len, uint8_t out[CHECK_CHARS], struct err *err)
{
	uint8_t line[1 + RECOVERY_LINE_BYTES];
	uint8_t sum[HASH_SIZE];
	line[0] = (uint8_t)number;
	memcpy(line + 1, data, len);
	enum err_code rc = sha256_of(line, 1 + len, sum, err);
	secret_wipe(line, sizeof line);
	if (rc)
		return rc;
	out[0] = sum[0] >> 3;
	out[1] = (uint8_t)((sum[0] << 2 | sum[1] >> 6) & 31);
	return ERR_OK;
}

static enum err_code
print_line(struct buf *out, unsigned number, const uint8_t *data, size_t len, struct err *err)
{
	char text[LINE_CHARS + 1];
	uint8_t check[CHECK_CHARS];
	size_t n = base32_encode(text, data, len);
	enum err_code rc = check_of(number, data, len, check, err);
	if (rc == ERR_OK)
		rc = number == CODE_LINE ? buf_str(out, " C ", err)
					 : buf_printf(out, err, "%2u ", number);
	for (size_t i = 0; rc == ERR_OK && i < n; i += 4)
		rc = buf_printf(out, err, " %.*s", (int)min_size(4, n - i), text + i);
	secret_wipe(text, sizeof text);
	if (rc)
		return rc;
	return buf_printf(out, err, "  %c%c\n", alphabet[check[0]], alphabet[check[1]]);
}

static enum err_code
sum_of(const uint8_t *data, size_t len, uint8_t out[SUM_SIZE], struct err *err)
{
	uint8_t sum[HASH_SIZE];
	if (sha256_of(data, len, sum, err))
		return err->code;
	memcpy(out, sum, SUM_SIZE);
	return ERR_OK;
}

static enum err_code
print_code(const struct recovery_key *k, struct buf *out, struct err *err)
{
	uint8_t values[RECOVERY_CODE_LEN];
	uint8_t bytes[RECOVERY_CODE_BYTES];
	size_t len;
	for (size_t i = 0; i < RECOVERY_CODE_LEN; i++)
		values[i] = (uint8_t)value_of(k->code[i]);
	if (!base32_decode(bytes, &len, values, RECOVERY_CODE_LEN))
		return err_set(err, ERR_USAGE, "the code is malformed");
	enum err_code rc = print_line(out, CODE_LINE, bytes, len, err);
	secret_wipe(values, sizeof values);
	secret_wipe(bytes, sizeof bytes);
	return rc;
}

enum err_code
recovery_lines_print(const struct recovery_key *k, struct buf *out, struct err *err)
{
	uint8_t kit[KIT_MAX];
	size_t n = strnlen((const char *)k->slot + SLOT_LABEL, KEY_LABEL_MAX);
	kit[KIT_VERSION] = VERSION;
	kit[KIT_FLAGS] = k->has_code ? FLAG_CODE : 0;
	memcpy(kit + KIT_HEAD, k->slot + SLOT_HEAD, SLOT_HEAD_END - SLOT_HEAD);
	kit[KIT_LABEL_LEN] = (uint8_t)n;
	memcpy(kit + KIT_LABEL, k->slot + SLOT_LABEL, n);
	memcpy(kit + KIT_SEALED + n, k->slot + SLOT_SEALED, SLOT_SIZE - SLOT_SEALED);
	if (sum_of(kit, KIT_SUM + n, kit + KIT_SUM + n, err))
		return err->code;
	size_t size = KIT_SIZE + n;
	unsigned number = 1;
	for (size_t at = 0; at < size; at += RECOVERY_LINE_BYTES, number++)
		if (print_line(
			out, number, kit + at, min_size(RECOVERY_LINE_BYTES, size - at), err))
			return err->code;
	return k->has_code ? print_code(k, out, err) : ERR_OK;
}

/* --- reading --- */

static bool
is_between(char c)
{
	return c != '\0' && strchr(" \t\r-.:=_)", c) != NULL;
}

/* A line's characters without what stands between them. */
struct letters {
	uint8_t values[LINE_CHARS + CHECK_CHARS];
	size_t count;
};

static enum err_code
read_letters(
    struct letters *out, const char *title, const char *line, size_t len, struct err *err)
{
	out->count = 0;
	for (size_t i = 0; i < len; i++) {
		if (is_between(line[i]))
			continue;
		int value = value_of(line[i]);
		if (value < 0 && isprint((unsigned char)line[i]))
			return err_set(err, ERR_USAGE,
			    "%s: '%c' does not occur in a recovery key", title, line[i]);
		if (value < 0)
			return err_set(err, ERR_USAGE,
			    "%s: byte %02x does not occur in a recovery key", title,
			    (unsigned char)line[i]);
		if (out->count == ARRAY_LEN(out->values))
			return err_set(err, ERR_USAGE,
			    "%s is too long: %zu characters are the most, two of them to check "
			    "the others",
			    title, ARRAY_LEN(out->values));
		out->values[out->count++] = (uint8_t)value;
	}
	return ERR_OK;
}

/* The bytes of a line, which must fit its check characters. */
static enum err_code
read_line(uint8_t out[RECOVERY_LINE_BYTES], size_t *out_len, unsigned number, const char *title,
    const char *line, size_t len, struct err *err)
{
	struct letters l;
	uint8_t bytes[RECOVERY_LINE_BYTES];
	uint8_t check[CHECK_CHARS];
	size_t n = 0;
	if (read_letters(&l, title, line, len, err))
		return err->code;
	if (l.count <= CHECK_CHARS)
		return err_set(err, ERR_USAGE, "%s is too short", title);
	bool fits = base32_decode(bytes, &n, l.values, l.count - CHECK_CHARS) && n > 0;
	if (fits && check_of(number, bytes, n, check, err))
		return err->code;
	if (!fits || memcmp(check, l.values + l.count - CHECK_CHARS, CHECK_CHARS) != 0)
		return err_set(err, ERR_USAGE,
		    "%s (%zu characters) does not fit its check characters: compare it with "
		    "the kit",
		    title, l.count);
	memcpy(out, bytes, n);
	*out_len = n;
	secret_wipe(bytes, sizeof bytes);
	secret_wipe(&l, sizeof l);
	return ERR_OK;
}

/* Cut a number off the beginning: one or two digits, and something between it and what follows.
 * 0 when there is none. */
static unsigned
cut_number(const char **line, size_t *len)
{
	unsigned number = 0;
	size_t i = 0;
	for (; i < *len && i < 2; i++) {
		int value = value_of((*line)[i]);
		if (value < 0 || value > 9)
			break;
		number = number * 10 + (unsigned)value;
	}
	if (i == 0 || i == *len || !is_between((*line)[i]))
		return 0;
	*line += i;
	*len -= i;
	return number;
}

static void
skip_blanks(const char **line, size_t *len)
{
	while (*len > 0 && isspace((unsigned char)**line)) {
		(*line)++;
		(*len)--;
	}
	while (*len > 0 && isspace((unsigned char)(*line)[*len - 1]))
		(*len)--;
}

enum err_code
recovery_take_line(
    struct recovery_input *in, unsigned number, const char *line, size_t len, struct err *err)
{
	char title[32];
	skip_blanks(&line, &len);
	const char *rest = line;
	size_t rest_len = len;
	unsigned own = cut_number(&rest, &rest_len);
	if (number == 0 && own == 0)
		return err_set(err, ERR_USAGE,
		    "'%.*s' is no line of a recovery key: each begins with its number",
		    (int)min_size(len, 8), line);
	if (number == 0)
		number = own;
	if (own == number) {
		line = rest;
		len = rest_len;
	}
	if (number > RECOVERY_MAX_LINES)
		return err_set(err, ERR_USAGE, "line %u: a recovery key has at most %d lines",
		    number, RECOVERY_MAX_LINES);
	snprintf(title, sizeof title, "line %u", number);
	return read_line(
	    in->bytes[number - 1], &in->len[number - 1], number, title, line, len, err);
}

/* Cut "C" or "code" off the beginning. */
static bool
cut_code(const char **line, size_t *len)
{
	static const char *const words[] = { "code", "c" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i]);
		if (*len <= n || strncasecmp(*line, words[i], n) != 0 ||
		    !is_between((*line)[n]))
			continue;
		*line += n;
		*len -= n;
		return true;
	}
	return false;
}

enum err_code
recovery_take_code(struct recovery_input *in, const char *line, size_t len, struct err *err)
{
	uint8_t bytes[RECOVERY_LINE_BYTES];
	size_t n;
	skip_blanks(&line, &len);
	cut_code(&line, &len);
	if (read_line(bytes, &n, CODE_LINE, "the code", line, len, err))
		return err->code;
	if (n != RECOVERY_CODE_BYTES)
		return err_set(err, ERR_USAGE, "the code is too short");
	recovery_code_text(in->code, bytes);
	secret_wipe(bytes, sizeof bytes);
	return ERR_OK;
}

/* The size of it all, as the lines up to the label's length tell; 0 while they are missing. */
static size_t
size_of(const struct recovery_input *in)
{
	const size_t line = KIT_LABEL_LEN / RECOVERY_LINE_BYTES;
	const size_t at = KIT_LABEL_LEN % RECOVERY_LINE_BYTES;
	return in->len[line] > at ? (size_t)KIT_SIZE + in->bytes[line][at] : 0;
}

unsigned
recovery_missing_line(const struct recovery_input *in)
{
	size_t size = size_of(in);
	size_t got = 0;
	for (unsigned i = 0; i < RECOVERY_MAX_LINES; i++) {
		if (size > 0 && got >= size)
			return 0;
		if (in->len[i] == 0)
			return i + 1;
		got += in->len[i];
	}
	return 0;
}

/* The lines behind each other; all but the last are full. */
static enum err_code
join(const struct recovery_input *in, uint8_t out[KIT_MAX], size_t size, struct err *err)
{
	size_t n = (size + RECOVERY_LINE_BYTES - 1) / RECOVERY_LINE_BYTES;
	for (size_t i = 0; i < RECOVERY_MAX_LINES; i++) {
		size_t at = i * RECOVERY_LINE_BYTES;
		size_t want = i < n ? min_size(RECOVERY_LINE_BYTES, size - at) : 0;
		if (in->len[i] != want)
			return err_set(err, ERR_USAGE,
			    "line %zu is not as long as it should be: lines of two recovery "
			    "keys?",
			    i + 1);
		memcpy(out + at, in->bytes[i], want);
	}
	return ERR_OK;
}

enum err_code
recovery_finish(const struct recovery_input *in, struct recovery_key *out, struct err *err)
{
	uint8_t kit[KIT_MAX];
	uint8_t sum[SUM_SIZE];
	unsigned missing = recovery_missing_line(in);
	if (missing != 0)
		return err_set(
		    err, ERR_USAGE, "line %u of the recovery key is missing", missing);
	size_t size = size_of(in);
	if (size > KIT_MAX)
		return err_set(err, ERR_USAGE, "this is no recovery key");
	if (join(in, kit, size, err) || sum_of(kit, size - SUM_SIZE, sum, err))
		return err->code;
	if (memcmp(sum, kit + size - SUM_SIZE, SUM_SIZE) != 0)
		return err_set(err, ERR_USAGE,
		    "each line fits its check characters, but they do not belong together: "
		    "compare them with the kit");
	if (kit[KIT_VERSION] != VERSION || (kit[KIT_FLAGS] & ~FLAG_CODE) != 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "recovery key of version %u: a newer StackSnap is needed",
		    kit[KIT_VERSION]);
	size_t n = kit[KIT_LABEL_LEN];
	*out = (struct recovery_key){ .has_code = (kit[KIT_FLAGS] & FLAG_CODE) != 0 };
	memcpy(out->slot, SLOT_MAGIC, 8);
	put_u16(out->slot + 8, FORMAT_VERSION);
	memcpy(out->slot + SLOT_HEAD, kit + KIT_HEAD, SLOT_HEAD_END - SLOT_HEAD);
	memcpy(out->slot + SLOT_LABEL, kit + KIT_LABEL, n);
	memcpy(out->slot + SLOT_SEALED, kit + KIT_SEALED + n, SLOT_SIZE - SLOT_SEALED);
	memcpy(out->code, in->code, sizeof out->code);
	return ERR_OK;
}

static enum err_code
take_any(struct recovery_input *in, const char *line, size_t len, struct err *err)
{
	skip_blanks(&line, &len);
	if (len == 0)
		return ERR_OK;
	const char *rest = line;
	size_t rest_len = len;
	return cut_code(&rest, &rest_len) ? recovery_take_code(in, rest, rest_len, err)
					  : recovery_take_line(in, 0, line, len, err);
}

enum err_code
recovery_parse(const char *text, size_t len, struct recovery_key *out, struct err *err)
{
	AUTO(recovery_input) struct recovery_input in = RECOVERY_INPUT_INIT;
	const char *end = text + len;
	const char *at = memmem(text, len, RECOVERY_BEGIN, strlen(RECOVERY_BEGIN));
	if (at != NULL) {
		at += strlen(RECOVERY_BEGIN);
		const char *stop =
		    memmem(at, (size_t)(end - at), RECOVERY_END, strlen(RECOVERY_END));
		if (stop != NULL)
			end = stop;
	} else {
		at = text;
	}
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		const char *stop = nl != NULL ? nl : end;
		if (take_any(&in, at, (size_t)(stop - at), err))
			return err->code;
		at = nl != NULL ? nl + 1 : end;
	}
	return recovery_finish(&in, out, err);
}
