#include "serve/diff_impl.h"

#include "serve/lines.h"

#include <string.h>

#define LINE_MAX ((size_t)2 << 20) /* of a longer one only the names are shown */
#define PAGE_BYTES ((size_t)1 << 20)
#define PAGE_MAX 1000

/* What stands before the first value: a quote inside a text has a backslash before it. */
static enum err_code
cut_values(struct buf *text, struct err *err)
{
	static const char *const marks[] = { ",\"key\":", ",\"before\":", ",\"after\":" };
	const char *data = (const char *)text->data;
	size_t len = text->len;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		const char *at = memmem(data, len, marks[i], strlen(marks[i]));
		len = at != NULL ? (size_t)(at - data) : len;
	}
	text->len = len;
	return buf_str(text, "}", err);
}

static enum err_code
read_line(const struct diff_index *x, uint64_t offset, json_t **out, bool *is_cut,
    size_t *bytes, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (lines_read(x->fd, offset, LINE_MAX, &text, is_cut, err) ||
	    (*is_cut && cut_values(&text, err)) ||
	    json_parse(out, text.data, text.len, "output of the comparison", err))
		return err->code;
	*bytes = text.len;
	json_object_del(*out, "type");
	return ERR_OK;
}

static enum err_code
give_lines(struct diff_index *x, const struct entry *entries, size_t n, diff_line_fn *fn,
    void *arg, struct err *err)
{
	size_t sum = 0;
	for (size_t i = 0; i < n && (i == 0 || sum < PAGE_BYTES); i++) {
		AUTO(json) json_t *line = NULL;
		size_t bytes;
		bool is_cut;
		if (read_line(x, entries[i].offset, &line, &is_cut, &bytes, err))
			return err->code;
		sum += bytes;
		if (fn(arg, line, is_cut, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
select_found(struct diff_whole *w, const struct diff_query *q, const struct cancel *cancel,
    struct entry *entries, size_t *n, uint64_t *total, struct err *err)
{
	const struct entry_list *found;
	pthread_mutex_lock(&w->lock);
	enum err_code rc = diff_search(w, q, cancel, &found, err);
	if (rc == ERR_OK) {
		struct entry_range all = { 0, entry_list_count(found), ENTRY_ANY };
		rc = entry_list_select(found, &all, q->skip, entries, q->limit, n, total, err);
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

enum err_code
diff_index_page(struct diff_index *x, const struct diff_query *q, const struct cancel *cancel,
    diff_line_fn *fn, void *arg, uint64_t *total, struct err *err)
{
	size_t n;
	AUTO(mem) struct entry *entries = calloc(PAGE_MAX, sizeof *entries);
	if (entries == NULL)
		return err_nomem(err);
	struct diff_query limited = *q;
	limited.limit = min_size(q->limit, PAGE_MAX);
	bool is_searched = q->text != NULL || q->service != NULL;
	enum err_code rc = is_searched ? select_found((struct diff_whole *)x, &limited, cancel,
					     entries, &n, total, err)
				       : entry_list_select(x->lists[q->list], &q->range,
					     q->skip, entries, limited.limit, &n, total, err);
	return rc ? rc : give_lines(x, entries, n, fn, arg, err);
}
