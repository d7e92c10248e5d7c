#include "cli/look_view.h"

#include "cli/diff_view.h"
#include "sys/fs.h"
#include "ui/format.h"

struct lines {
	struct cli *cli;
	struct diff_view view;
};

static char
letter_of(enum backup_change_kind kind)
{
	switch (kind) {
	case BACKUP_NEW:
		return '+';
	case BACKUP_CHANGED:
		return 'M';
	case BACKUP_METADATA:
		return 'm';
	case BACKUP_REMOVED:
		return '-';
	case BACKUP_EXCLUDED:
		break;
	}
	return 'x';
}

static enum err_code
show_change(void *arg, const struct backup_change *c, struct err *err)
{
	struct lines *l = arg;
	char letter = letter_of(c->kind);
	if (l->cli->args.json)
		return diff_view_json(
		    &l->view, "change", letter, c->path, c->fields, c->before, c->now, err);
	return diff_view_print(&l->view, letter, c->path, c->fields, c->before, c->now, err);
}

static void
print_row(uint64_t n, const char *what, uint64_t bytes, bool has_bytes)
{
	char count[FORMAT_MAX];
	char size[FORMAT_MAX];
	if (n == 0)
		return;
	format_count(count, n);
	format_size(size, bytes);
	printf("  %10s %s%s%s\n", count, what, has_bytes ? ", " : "", has_bytes ? size : "");
}

static void
print(const struct backup_preview *p)
{
	puts(p->has_parent ? "against the last snapshot, by size, times and other metadata:"
			   : "no earlier snapshot was looked at: everything is new");
	print_row(p->new_entries, "new", p->new_bytes, true);
	print_row(p->changed, "changed", p->changed_bytes, true);
	print_row(p->metadata, "with other metadata only", 0, false);
	print_row(p->removed, "removed", 0, false);
	print_row(p->kept_files, "files in both", p->kept_bytes, true);
	print_row(p->excluded, "excluded", 0, false);
	print_row(p->problems, "cannot be looked at", 0, false);
	puts("nothing was read or written");
}

static enum err_code
print_json(
    struct cli *c, const struct strv *paths, const struct backup_preview *p, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, EXIT_COMPLETE);
	json_flag(&w, "dry_run", true);
	json_arr(&w, "plan");
	for (size_t i = 0; i < paths->len; i++) {
		AUTO(str) char *real = NULL;
		if (fs_real_path(&real, paths->items[i], err))
			return err->code;
		json_obj(&w, NULL);
		json_bytes(&w, "path", real, strlen(real));
		json_obj_end(&w);
	}
	json_arr_end(&w);
	json_obj(&w, "changes");
	json_flag(&w, "has_parent", p->has_parent);
	json_u64(&w, "new", p->new_entries);
	json_u64(&w, "new_files", p->new_files);
	json_u64(&w, "new_bytes", p->new_bytes);
	json_u64(&w, "changed", p->changed);
	json_u64(&w, "changed_bytes", p->changed_bytes);
	json_u64(&w, "metadata", p->metadata);
	json_u64(&w, "removed", p->removed);
	json_u64(&w, "kept_files", p->kept_files);
	json_u64(&w, "kept_bytes", p->kept_bytes);
	json_u64(&w, "excluded", p->excluded);
	json_u64(&w, "problems", p->problems);
	json_obj_end(&w);
	return cli_result_end(&w, err);
}

enum err_code
look_view_run(
    struct cli *c, const struct strv *paths, const struct backup_options *opt, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	struct lines l = { .cli = c };
	struct backup_preview sum;
	struct err none; /* a dry run needs no repository */
	const char *where;
	if (cli_repository(c, &where, &none) == ERR_OK && cli_open_lenient(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	diff_view_init(&l.view, c->args.no_color);
	enum err_code rc =
	    backup_look(&e, paths, opt, c->args.is_long ? show_change : NULL, &l, &sum, err);
	diff_view_release(&l.view);
	if (rc)
		return rc;
	if (c->args.json)
		return print_json(c, paths, &sum, err);
	print(&sum);
	return ERR_OK;
}
