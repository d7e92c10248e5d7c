#include "db/bson_scan.h"

#include "db/bson.h"

#include <string.h>

enum err_code
bson_scan_init(struct bson_scan *s, struct err *err)
{
	*s = (struct bson_scan){ .sum = NULL };
	return checksum_stream_new(&s->sum, err);
}

void
bson_scan_release(struct bson_scan *s)
{
	checksum_stream_free(s->sum);
}

static void
note_document(struct bson_scan *s, size_t len, struct checksum128 value)
{
	s->count++;
	s->bytes += len;
	checksum128_sum(&s->content, value);
}

/* Whole documents, which most are: how many bytes of them. */
static size_t
feed_whole(struct bson_scan *s, const uint8_t *p, size_t len)
{
	size_t done = 0;
	for (;;) {
		size_t n = bson_length(p + done, len - done);
		if (n == 0 || n > len - done)
			return done;
		note_document(s, n, checksum128_of(p + done, n));
		done += n;
	}
}

static enum err_code
feed_head(struct bson_scan *s, const uint8_t **p, size_t *len, struct err *err)
{
	size_t n = min_size(sizeof s->head - s->head_len, *len);
	memcpy(s->head + s->head_len, *p, n);
	s->head_len += n;
	*p += n;
	*len -= n;
	if (s->head_len < sizeof s->head)
		return ERR_OK;
	size_t whole = bson_length(s->head, sizeof s->head);
	if (whole == 0)
		return err_set(err, ERR_CORRUPT,
		    "document %llu of the dump is no BSON: its length cannot be",
		    (unsigned long long)s->count + 1);
	checksum_stream_add(s->sum, s->head, sizeof s->head);
	s->left = whole - sizeof s->head;
	return ERR_OK;
}

enum err_code
bson_scan_feed(struct bson_scan *s, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;
	while (len > 0) {
		if (s->head_len == 0) {
			size_t done = feed_whole(s, p, len);
			p += done;
			len -= done;
		}
		if (s->head_len < sizeof s->head && feed_head(s, &p, &len, err))
			return err->code;
		size_t n = min_size(s->left, len);
		checksum_stream_add(s->sum, p, n);
		s->left -= n;
		p += n;
		len -= n;
		if (s->head_len == sizeof s->head && s->left == 0) {
			note_document(s, bson_length(s->head, sizeof s->head),
			    checksum_stream_end(s->sum));
			s->head_len = 0;
		}
	}
	return ERR_OK;
}

enum err_code
bson_scan_finish(const struct bson_scan *s, struct err *err)
{
	if (s->head_len > 0)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump ends in the middle of document %llu",
		    (unsigned long long)s->count + 1);
	return ERR_OK;
}
