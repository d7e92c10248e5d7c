#include "serve/diff_impl.h"

#include "base/strv.h"
#include "serve/lines.h"

#include <string.h>

#define SEARCHED ((size_t)256 << 10) /* bytes of a line */
#define BATCH 4096

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Which of a word's bytes is likely to be rare in lines of JSON. */
static size_t
rarest(const char *word, size_t len)
{
	static const char common[] = "\":,0123456789etaoinsrhldcumfpgwybvkxjqz";
	size_t best = 0;
	size_t best_rank = 0;
	for (size_t i = 0; i < len; i++) {
		const char *at = memchr(common, word[i], sizeof common - 1);
		size_t rank = at != NULL ? (size_t)(at - common) : sizeof common;
		if (rank > best_rank) {
			best = i;
			best_rank = rank;
		}
	}
	return best;
}

static const char *
find_byte(const char *from, const char *end, char c)
{
	return from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
}

static bool
is_at(const char *text, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(text[i]) != word[i])
			return false;
	return true;
}

/* Goes from one rare byte to the next: all of a million lines may have to be looked at. */
bool
diff_holds(const char *text, size_t len, const char *word, size_t word_len)
{
	if (word_len == 0 || word_len > len)
		return word_len == 0;
	size_t pivot = rarest(word, word_len);
	const char c = word[pivot];
	const char *end = text + len - word_len + pivot + 1;
	const char *small = find_byte(text + pivot, end, c);
	const char *large = upper(c) != c ? find_byte(text + pivot, end, upper(c)) : NULL;
	while (small != NULL || large != NULL) {
		const char **next =
		    large == NULL || (small != NULL && small < large) ? &small : &large;
		if (is_at(*next - pivot, word, word_len))
			return true;
		*next = find_byte(*next + 1, end, **next);
	}
	return false;
}

enum err_code
diff_lower(char **out, const char *text, struct err *err)
{
	if (str_dup(out, text, err))
		return err->code;
	for (char *p = *out; *p != '\0'; p++)
		*p = lower(*p);
	return ERR_OK;
}

/* A text as it stands in a line: JSON. */
static enum err_code
escape(struct buf *out, const char *text, struct err *err)
{
	for (const char *p = text; *p != '\0'; p++)
		if (((*p == '"' || *p == '\\') && buf_u8(out, '\\', err)) ||
		    buf_u8(out, (uint8_t)*p, err))
			return err->code;
	return ERR_OK;
}

/* --- what counts of a line: values, and no names of columns --- */

/* A text in a line, without its quotes. */
struct token {
	const char *at;
	size_t len;
	bool is_name; /* of a field */
};

/* The one whose quote stands at *p; *p moves behind it.  False where the line is cut. */
static bool
next_token(const char **p, const char *end, struct token *out)
{
	const char *q = *p + 1;
	while (q < end && *q != '"')
		q += *q == '\\' ? 2 : 1;
	if (q >= end)
		return false;
	*out = (struct token){ *p + 1, (size_t)(q - *p - 1), q + 1 < end && q[1] == ':' };
	*p = q + 1;
	return true;
}

static bool
is_text(const struct token *t, const char *text, size_t len)
{
	return t->len == len && memcmp(t->at, text, len) == 0;
}

/* Is it one of those that a person sees as content? */
static bool
is_searched(const struct token *field)
{
	static const char *const fields[] = { "path", "name", "key", "before", "after" };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (is_text(field, fields[i], strlen(fields[i])))
			return true;
	return false;
}

/* --- searching --- */

struct search {
	const struct entry_list *from;
	struct entry_range range;
	struct buf word; /* as in a line, in lower case; empty: any */
	struct buf service; /* as in a line; empty: any */
	struct entry_list *to;
	struct entry batch[BATCH]; /* entries whose lines are met next */
	size_t at;
	size_t n;
	uint64_t taken;
	bool is_done;
};

static void
search_auto(struct search **s)
{
	if (*s == NULL)
		return;
	entry_list_free((*s)->to);
	buf_release(&(*s)->word);
	buf_release(&(*s)->service);
	free(*s);
}

static enum err_code
next_batch(struct search *s, struct err *err)
{
	uint64_t total;
	if (entry_list_select(
		s->from, &s->range, s->taken, s->batch, BATCH, &s->n, &total, err))
		return err->code;
	s->taken += s->n;
	s->at = 0;
	s->is_done = s->n == 0;
	return ERR_OK;
}

/* The line is read by its texts alone, since all of a million may have to be. */
static bool
fits(const struct search *s, const struct line *line)
{
	const char *end = line->head + line->head_len;
	struct token field = { "", 0, true };
	size_t depth = 0;
	if (!diff_holds(line->head, line->head_len, (const char *)s->word.data, s->word.len))
		return false;
	bool is_found = s->word.len == 0;
	bool is_of_service = s->service.len == 0;
	for (const char *p = line->head; p < end;) {
		struct token t;
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		if (*p != '"') {
			p++;
			continue;
		}
		if (!next_token(&p, end, &t))
			break;
		if (t.is_name) {
			field = depth == 1 ? t : field;
			continue;
		}
		if (depth == 1 && is_text(&field, "service", 7))
			is_of_service =
			    is_of_service ||
			    is_text(&t, (const char *)s->service.data, s->service.len);
		if (!is_found && is_searched(&field))
			is_found =
			    diff_holds(t.at, t.len, (const char *)s->word.data, s->word.len);
	}
	return is_found && is_of_service;
}

static enum err_code
take_line(void *arg, const struct line *line, struct err *err)
{
	struct search *s = arg;
	if (line->offset < s->batch[s->at].offset)
		return ERR_OK;
	if (fits(s, line) && entry_list_add(s->to, &s->batch[s->at], err))
		return err->code;
	if (++s->at == s->n && next_batch(s, err))
		return err->code;
	return s->is_done ? err_set(err, ERR_CANCELLED, "all was found") : ERR_OK;
}

static enum err_code
run(struct search *s, int fd, const struct cancel *cancel, struct err *err)
{
	if (next_batch(s, err))
		return err->code;
	if (!s->is_done &&
	    lines_each(fd, s->batch[0].offset, SEARCHED, take_line, s, cancel, err) &&
	    !s->is_done)
		return err->code;
	return entry_list_end(s->to, err);
}

static enum err_code
search_anew(struct diff_whole *w, const struct diff_query *q, const char *word,
    const struct cancel *cancel, struct entry_list **out, struct err *err)
{
	__attribute__((cleanup(search_auto))) struct search *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->from = w->x.lists[q->list];
	s->range = q->range;
	if ((word != NULL && escape(&s->word, word, err)) ||
	    (q->service != NULL && escape(&s->service, q->service, err)) ||
	    entry_list_new(&s->to, w->folder, err) || run(s, w->x.fd, cancel, err))
		return err->code;
	*out = TAKE(s->to);
	return ERR_OK;
}

static enum err_code
key_of(char **out, const struct diff_query *q, const char *word, struct err *err)
{
	return str_printf(out, err, "%d %llu %llu %u %s\n%s", (int)q->list,
	    (unsigned long long)q->range.first, (unsigned long long)q->range.count,
	    q->range.mask, q->service != NULL ? q->service : "", word != NULL ? word : "");
}

enum err_code
diff_search(struct diff_whole *w, const struct diff_query *q, const struct cancel *cancel,
    const struct entry_list **out, struct err *err)
{
	AUTO(str) char *key = NULL;
	AUTO(str) char *word = NULL;
	struct diff_hits *h = &w->hits[0];
	if ((q->text != NULL && diff_lower(&word, q->text, err)) || key_of(&key, q, word, err))
		return err->code;
	for (size_t i = 0; i < DIFF_HITS; i++) {
		if (w->hits[i].key != NULL && strcmp(w->hits[i].key, key) == 0) {
			w->hits[i].used = ++w->clock;
			*out = w->hits[i].list;
			return ERR_OK;
		}
		if (w->hits[i].used < h->used)
			h = &w->hits[i];
	}
	struct entry_list *found;
	if (search_anew(w, q, word, cancel, &found, err))
		return err->code;
	free(h->key);
	entry_list_free(h->list);
	*h = (struct diff_hits){ TAKE(key), found, ++w->clock };
	*out = found;
	return ERR_OK;
}
