#include "ui/text_sink.h"

#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/progress.h"

#include <pthread.h>
#include <string.h>

#define REDRAW_NS (100 * NS_PER_MS)
#define LINE_EVERY_NS (10 * NS_PER_S)

#define ERASE_LINE "\r\033[K"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct text_sink {
	struct event_sink sink;
	struct text_sink_options opt;
	pthread_mutex_t lock; /* guards all below, and the stream */
	struct progress progress;
	int64_t told_ns; /* when progress was last drawn or written */
	bool has_told;
	bool is_drawn; /* a progress line stands on the terminal */
};

static void
erase(struct text_sink *t)
{
	if (t->is_drawn)
		fputs(ERASE_LINE, t->opt.out);
	t->is_drawn = false;
}

/* "LABEL subject: text", the label in a colour; label and subject may be NULL. */
static void
print_line(struct text_sink *t, const char *color, const char *label, const struct event *e)
{
	erase(t);
	if (label != NULL && t->opt.has_color && color != NULL)
		fprintf(t->opt.out, "%s%s" PLAIN " ", color, label);
	else if (label != NULL)
		fprintf(t->opt.out, "%s ", label);
	if (e->subject != NULL) {
		escape_print(t->opt.out, e->subject);
		fputs(e->text != NULL ? ": " : "", t->opt.out);
	}
	escape_print(t->opt.out, e->text != NULL ? e->text : "");
	fputc('\n', t->opt.out);
	fflush(t->opt.out);
}

static void
print_phase(struct text_sink *t, const struct event *e)
{
	progress_reset(&t->progress);
	t->told_ns = t->opt.now_ns();
	t->has_told = false;
	print_line(t, BOLD, t->opt.has_color ? "==" : NULL, e);
}

static void
print_member(struct text_sink *t, const struct event *e)
{
	char size[FORMAT_MAX];
	char files[FORMAT_MAX];
	format_size(size, e->bytes);
	format_count(files, e->files);
	erase(t);
	fputs("  ", t->opt.out);
	escape_print(t->opt.out, e->subject != NULL ? e->subject : "?");
	fprintf(t->opt.out, ": %s", size);
	if (e->files > 0)
		fprintf(t->opt.out, " in %s %s", files,
		    e->unit != NULL ? e->unit
		    : e->files == 1 ? "file"
				    : "files");
	if (e->text != NULL && *e->text != '\0') {
		fputs(", ", t->opt.out);
		escape_print(t->opt.out, e->text);
	}
	fputc('\n', t->opt.out);
	fflush(t->opt.out);
}

static void
draw(struct text_sink *t, const char *text)
{
	/* The last column stays free: some terminals wrap when it is written. */
	size_t width = t->opt.width(t->opt.width_arg);
	size_t room = width > 3 ? width - 3 : 0;
	size_t len = escape_fit(text, strlen(text), room);
	fprintf(t->opt.out, ERASE_LINE "  %.*s", (int)len, text);
	fflush(t->opt.out);
	t->is_drawn = true;
}

static void
print_progress(struct text_sink *t, const struct event *e)
{
	int64_t now = t->opt.now_ns();
	progress_add(&t->progress, e);
	bool is_due = t->opt.is_terminal ? !t->has_told || now - t->told_ns >= REDRAW_NS
					 : now - t->told_ns >= LINE_EVERY_NS;
	if (!is_due)
		return;
	t->told_ns = now;
	t->has_told = true;
	char text[PROGRESS_MAX];
	progress_text(&t->progress, e, text);
	if (text[0] == '\0')
		return;
	if (t->opt.is_terminal) {
		draw(t, text);
	} else {
		fprintf(t->opt.out, "  %s\n", text);
		fflush(t->opt.out);
	}
}

static void
print_event(struct text_sink *t, const struct event *e)
{
	bool matters = e->kind == EVENT_WARNING || e->kind == EVENT_PROBLEM;
	if (t->opt.is_quiet && !matters)
		return;
	switch (e->kind) {
	case EVENT_PHASE:
		print_phase(t, e);
		break;
	case EVENT_PROGRESS:
		print_progress(t, e);
		break;
	case EVENT_NOTE:
		print_line(t, NULL, NULL, e);
		break;
	case EVENT_WARNING:
		print_line(t, YELLOW, "stacksnap: warning:", e);
		break;
	case EVENT_PROBLEM:
		print_line(t, RED, "stacksnap: problem:", e);
		break;
	case EVENT_SERVICE:
		print_line(t, NULL, "  service", e);
		break;
	case EVENT_MEMBER:
		print_member(t, e);
		break;
	}
}

static void
emit(struct event_sink *sink, const struct event *e)
{
	struct text_sink *t = (struct text_sink *)sink;
	pthread_mutex_lock(&t->lock);
	print_event(t, e);
	pthread_mutex_unlock(&t->lock);
}

static const struct event_sink_ops text_ops = { .emit = emit };

enum err_code
text_sink_new(struct text_sink **out, const struct text_sink_options *opt, struct err *err)
{
	struct text_sink *t = calloc(1, sizeof *t);
	if (t == NULL)
		return err_nomem(err);
	t->sink.ops = &text_ops;
	t->sink.is_watched = opt->is_terminal && !opt->is_quiet;
	t->opt = *opt;
	t->told_ns = opt->now_ns();
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return ERR_OK;
}

void
text_sink_clear(struct text_sink *t)
{
	pthread_mutex_lock(&t->lock);
	erase(t);
	fflush(t->opt.out);
	pthread_mutex_unlock(&t->lock);
}

void
text_sink_free(struct text_sink *t)
{
	if (t == NULL)
		return;
	text_sink_clear(t);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct event_sink *
text_sink_events(struct text_sink *t)
{
	return &t->sink;
}
