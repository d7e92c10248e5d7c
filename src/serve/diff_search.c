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

bool
diff_holds(const char *text, size_t len, const char *word, size_t word_len)
{
	if (word_len == 0)
		return true;
	for (size_t i = 0; i + word_len <= len; i++) {
		size_t k = 0;
		while (k < word_len && lower(text[i + k]) == word[k])
			k++;
		if (k == word_len)
			return true;
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

/* The word as it stands in a line: JSON, in lower case. */
static enum err_code
escape(struct buf *out, const char *text, struct err *err)
{
	for (const char *p = text; *p != '\0'; p++)
		if (((*p == '"' || *p == '\\') && buf_u8(out, '\\', err)) ||
		    buf_u8(out, (uint8_t)lower(*p), err))
			return err->code;
	return ERR_OK;
}

/* --- what counts of a line: values, and no names of columns --- */

static bool
value_holds(const json_t *v, const char *word, size_t len)
{
	const char *key;
	size_t i;
	json_t *item;
	if (json_is_string(v))
		return diff_holds(json_string_value(v), json_string_length(v), word, len);
	json_array_foreach(v, i, item) if (value_holds(item, word, len)) return true;
	json_object_foreach((json_t *)(uintptr_t)v, key, item)
	{
		if (value_holds(item, word, len))
			return true;
	}
	return false;
}

static bool
document_holds(const json_t *line, const char *word, size_t len)
{
	static const char *const keys[] = { "path", "name", "key", "before", "after" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (value_holds(json_object_get(line, keys[i]), word, len))
			return true;
	return false;
}

/* --- searching --- */

struct search {
	const struct entry_list *from;
	struct entry_range range;
	const char *word; /* NULL: any */
	struct buf escaped;
	const char *service; /* NULL: any */
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
	buf_release(&(*s)->escaped);
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

static bool
fits(const struct search *s, const struct line *line)
{
	AUTO(json) json_t *doc = NULL;
	struct err scratch; /* a line that is cut is taken for what its beginning says */
	if (s->word != NULL && !diff_holds(line->head, line->head_len,
				   (const char *)s->escaped.data, s->escaped.len))
		return false;
	if (json_parse(&doc, line->head, line->head_len, "line", &scratch))
		return line->head_len < line->len && s->service == NULL;
	const char *service = json_get_str(doc, "service");
	if (s->service != NULL && (service == NULL || strcmp(service, s->service) != 0))
		return false;
	return s->word == NULL || document_holds(doc, s->word, strlen(s->word));
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
	s->word = word;
	s->service = q->service;
	if ((word != NULL && escape(&s->escaped, word, err)) ||
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
