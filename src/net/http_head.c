#include "net/http_head.h"

#include "base/strv.h"

#include <string.h>
#include <strings.h>

void
http_head_release(struct http_head *head)
{
	free(head->text);
	*head = (struct http_head){ 0 };
}

const char *
http_head_field(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->n_fields; i++)
		if (strcasecmp(head->fields[i].name, name) == 0)
			return head->fields[i].value;
	return NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9110 "tchar". */
static bool
is_token_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit((char)c) ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* "HTTP/1.1 200 OK": the reason may be empty or missing. */
static enum err_code
parse_status(struct http_head *head, const char *line, struct err *err)
{
	if (!str_starts(line, "HTTP/1.") || !is_digit(line[7]) || line[8] != ' ' ||
	    !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
	    (line[12] != ' ' && line[12] != '\0'))
		return err_set(err, ERR_CORRUPT, "the answer is not HTTP/1");
	head->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	if (head->status < 100)
		return err_set(err, ERR_CORRUPT, "HTTP status %d is none", head->status);
	head->reason = line[12] == ' ' ? line + 13 : line + 12;
	return ERR_OK;
}

/* Cut "Name: value" in place. */
static enum err_code
parse_field(struct http_head *head, char *line, struct err *err)
{
	char *p = line;
	while (is_token_char((unsigned char)*p))
		p++;
	if (p == line || *p != ':')
		return err_set(err, ERR_CORRUPT, "bad HTTP field line");
	if (head->n_fields == HTTP_FIELDS_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d HTTP fields", HTTP_FIELDS_MAX);
	*p++ = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	char *end = p + strlen(p);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	head->fields[head->n_fields++] = (struct http_field){ line, p };
	return ERR_OK;
}

static enum err_code
parse_length(uint64_t *out, const char *value, struct err *err)
{
	uint64_t n = 0;
	const char *p = value;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return err_set(err, ERR_CORRUPT, "HTTP Content-Length is too large");
	if (p == value || *p != '\0')
		return err_set(err, ERR_CORRUPT, "HTTP Content-Length is no number");
	*out = n;
	return ERR_OK;
}

/* RFC 9112 section 6.3, but what that lets a client guess about is refused. */
static enum err_code
find_framing(struct http_head *head, struct err *err)
{
	bool has_length = false;
	bool is_chunked = false;
	for (size_t i = 0; i < head->n_fields; i++) {
		const struct http_field *f = &head->fields[i];
		if (strcasecmp(f->name, "Content-Length") == 0) {
			uint64_t n = 0;
			if (parse_length(&n, f->value, err))
				return err->code;
			if (has_length && n != head->content_length)
				return err_set(
				    err, ERR_CORRUPT, "two different HTTP Content-Lengths");
			has_length = true;
			head->content_length = n;
		} else if (strcasecmp(f->name, "Transfer-Encoding") == 0) {
			if (is_chunked || strcasecmp(f->value, "chunked") != 0)
				return err_set(err, ERR_CORRUPT,
				    "unknown HTTP Transfer-Encoding: %.40s", f->value);
			is_chunked = true;
		}
	}
	if (has_length && is_chunked)
		return err_set(err, ERR_CORRUPT, "both HTTP Content-Length and chunks");
	if (head->status < 200 || head->status == 204 || head->status == 304)
		head->framing = HTTP_NO_BODY;
	else if (is_chunked)
		head->framing = HTTP_CHUNKED;
	else if (has_length)
		head->framing = HTTP_LENGTH;
	else
		head->framing = HTTP_UNTIL_CLOSE;
	return ERR_OK;
}

/* Only printable bytes, tabs, and bytes beyond ASCII; lines end in CR LF. */
static enum err_code
check_bytes(const uint8_t *p, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\r' && i + 1 < len && p[i + 1] == '\n') {
			i++;
			continue;
		}
		if ((p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
			return err_set(err, ERR_CORRUPT, "byte 0x%02x in the HTTP head", p[i]);
	}
	return ERR_OK;
}

/* text is the head's lines, each with its CR LF, NUL-terminated and without other control
 * bytes. */
static enum err_code
parse_lines(struct http_head *head, char *text, struct err *err)
{
	bool is_first = true;
	for (char *line = text; *line != '\0';) {
		char *end = strchr(line, '\r');
		*end = '\0';
		if (is_first ? parse_status(head, line, err) : parse_field(head, line, err))
			return err->code;
		is_first = false;
		line = end + 2;
	}
	return find_framing(head, err);
}

enum err_code
http_head_parse(
    struct http_head *head, const void *data, size_t len, size_t *used, struct err *err)
{
	size_t seen = min_size(len, HTTP_HEAD_MAX);
	const uint8_t *end = memmem(data, seen, "\r\n\r\n", 4);
	if (end == NULL) {
		if (seen == HTTP_HEAD_MAX)
			return err_set(err, ERR_CORRUPT,
			    "the HTTP head is longer than %zu bytes", HTTP_HEAD_MAX);
		*used = 0;
		return ERR_OK;
	}
	size_t n = (size_t)(end - (const uint8_t *)data) + 2;
	if (check_bytes(data, n, err))
		return err->code;

	struct http_head h = { 0 };
	if (str_dupn(&h.text, data, n, err))
		return err->code;
	if (parse_lines(&h, h.text, err)) {
		http_head_release(&h);
		return err->code;
	}
	*head = h;
	*used = n + 2;
	return ERR_OK;
}
