#include "cli/restore_view.h"

#include "ui/escape.h"
#include "ui/format.h"

static void
print_list(FILE *out, const char *title, const struct strv *items)
{
	if (items->len == 0)
		return;
	fprintf(out, "%s\n", title);
	for (size_t i = 0; i < items->len; i++) {
		fputs("  ", out);
		escape_print(out, items->items[i]);
		fputc('\n', out);
	}
}

void
restore_view_preview(FILE *out, const struct restore_preview *p)
{
	print_list(out, "would be made:", &p->makes);
	print_list(out, "would be REPLACED:", &p->replaces);
	print_list(out, "rows, as they are now:", &p->rows);
	print_list(out, "it asks of this host:", &p->asks);
	print_list(out, "room on disk:", &p->space);
	print_list(out, "mind:", &p->warnings);
	print_list(out, "in the way, to be mended first:", &p->obstacles);
	if (p->replaces.len == 0)
		fputs("nothing that is there would be replaced\n", out);
	fflush(out);
}

static void
list_json(struct json_writer *w, const char *key, const struct strv *items)
{
	json_arr(w, key);
	for (size_t i = 0; i < items->len; i++)
		json_str(w, NULL, items->items[i]);
	json_arr_end(w);
}

/* A JSON line of its own, so that a program sees it also when the restore is refused. */
enum err_code
restore_view_preview_json(const struct restore_preview *p, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	json_init(&w, &line);
	json_obj(&w, NULL);
	json_str(&w, "type", "preview");
	list_json(&w, "makes", &p->makes);
	list_json(&w, "replaces", &p->replaces);
	list_json(&w, "warnings", &p->warnings);
	list_json(&w, "obstacles", &p->obstacles);
	list_json(&w, "asks", &p->asks);
	json_flag(&w, "needs_trust", p->needs_trust);
	list_json(&w, "space", &p->space);
	list_json(&w, "rows", &p->rows);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return cli_write_line(&line, err);
}

/* What happens to one path */

static const struct {
	const char *word;
	char letter;
} changes[] = {
	[TREE_MADE] = { "made", '+' },
	[TREE_REPLACED] = { "replaced", 'M' },
	[TREE_LEFT] = { "left", ' ' },
	[TREE_DELETED] = { "deleted", '-' },
};

static void
change_json(struct restore_view *v, enum tree_change change, enum tree_type type, uint64_t size,
    const char *path, size_t path_len)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	json_init(&w, &line);
	json_obj(&w, NULL);
	json_str(&w, "type", "action");
	json_str(&w, "action", changes[change].word);
	json_bytes(&w, "path", path, path_len);
	json_str(&w, "kind", tree_type_word(type));
	if (type == TREE_FILE)
		json_u64(&w, "bytes", size);
	json_obj_end(&w);
	if (json_finish(&w, &v->err) == ERR_OK && cli_write_line(&line, &v->err) == ERR_OK)
		v->err.code = ERR_OK;
}

void
restore_view_change(void *arg, enum tree_change change, enum tree_type type, uint64_t size,
    const char *path, size_t path_len)
{
	struct restore_view *v = arg;
	const struct args *a = &v->cli->args;
	bool is_dir = type == TREE_DIR;
	if (v->err.code != ERR_OK || change == TREE_LEFT || path_len == 0)
		return;
	if (a->json) {
		change_json(v, change, type, size, path, path_len);
	} else if (a->is_long || change == TREE_DELETED) {
		printf("%c ", changes[change].letter);
		escape_print(stdout, path);
		puts(is_dir ? "/" : "");
	}
}

/* The result */

static void
print_part(uint64_t n, const char *what)
{
	char count[FORMAT_MAX];
	format_count(count, n);
	if (n > 0)
		printf("; %s %s", count, what);
}

void
restore_view_print(const struct restore_result *r, bool is_stack, bool is_read_back)
{
	char files[FORMAT_MAX], bytes[FORMAT_MAX], took[FORMAT_MAX];
	char problems[COUNTED_MAX], databases[COUNTED_MAX], services[COUNTED_MAX];
	counted(files, r->files, "file");
	format_size(bytes, r->bytes);
	format_duration(took, r->took_ns);
	printf("restored: %s\n  %s, %s", outcome_word(r->outcome), files, bytes);
	if (is_stack)
		printf(", %s, %s run%s", counted(databases, r->databases, "database"),
		    counted(services, r->services, "service"), r->services == 1 ? "s" : "");
	print_part(r->files_left, "were right already");
	print_part(r->deleted, "others deleted");
	printf("; took %s\n", took);
	if (is_read_back)
		printf("  %s read back: what was stored\n",
		    counted(files, r->files_read_back, "file"));
	if (r->problems > 0)
		printf("  %s told\n", counted(problems, r->problems, "problem"));
	if (r->can_undo) {
		format_size(bytes, r->kept_bytes);
		printf("  what was there before (%s) is kept until \"stacksnap restore finish "
		       "STACK\"; \"restore undo STACK\" puts it back\n",
		    bytes);
	}
}

static void
put_counts(struct json_writer *w, const struct restore_result *r)
{
	json_u64(w, "files_made", r->files_made);
	json_u64(w, "files_replaced", r->files - r->files_made - r->files_left);
	json_u64(w, "files_left", r->files_left);
	json_u64(w, "bytes_left", r->bytes_left);
	json_u64(w, "deleted", r->deleted);
}

enum err_code
restore_view_json(
    struct cli *c, const struct restore_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_u64(&w, "files", r->files);
	json_u64(&w, "bytes", r->bytes);
	json_u64(&w, "databases", r->databases);
	json_u64(&w, "services", r->services);
	json_u64(&w, "problems", r->problems);
	put_counts(&w, r);
	json_u64(&w, "files_read_back", r->files_read_back);
	json_flag(&w, "can_undo", r->can_undo);
	json_u64(&w, "kept_bytes", r->kept_bytes);
	json_i64(&w, "took_ns", r->took_ns);
	return cli_result_end(&w, err);
}

/* The result of a dry run is the preview itself; it failed when the restore would. */
enum err_code
restore_view_dry_run(
    struct cli *c, const struct restore_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	char files[FORMAT_MAX], made[FORMAT_MAX], replaced[FORMAT_MAX], bytes[FORMAT_MAX];
	if (c->args.json) {
		cli_result_begin(c, &w, &line, code);
		json_flag(&w, "dry_run", true);
		if (r != NULL) {
			json_u64(&w, "files", r->files);
			json_u64(&w, "bytes", r->bytes);
			json_u64(&w, "problems", r->problems);
			put_counts(&w, r);
		}
		return cli_result_end(&w, err);
	}
	if (r == NULL)
		return ERR_OK;
	counted(files, r->files, "file");
	format_size(bytes, r->bytes);
	format_count(made, r->files_made);
	format_count(replaced, r->files - r->files_made - r->files_left);
	printf("%s, %s: %s new, %s replaced", files, bytes, made, replaced);
	print_part(r->files_left, "are right already");
	print_part(r->deleted, "others would be deleted");
	puts("\nnothing was written");
	return ERR_OK;
}
