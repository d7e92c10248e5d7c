/*
 * copy: snapshots, kept in another repository as well.
 */
#include "cli/filter_args.h"
#include "engine/copy.h"
#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"

static void
print_made(const struct copied *c)
{
	char hex[ID_HEX_SIZE];
	char files[FORMAT_MAX], bytes[FORMAT_MAX], read[FORMAT_MAX], fresh[FORMAT_MAX],
	    stored[FORMAT_MAX];
	id_hex(hex, &c->id);
	counted(files, c->files, "file");
	format_size(bytes, c->bytes);
	format_size(read, c->read_bytes);
	format_size(fresh, c->new_bytes);
	format_size(stored, c->stored_bytes);
	printf("copied as %.8s: %s, %s; %s read, %s new here, stored as %s\n", hex, files,
	    bytes, read, fresh, stored);
}

static void
print_one(const struct copied *c)
{
	char hex[ID_HEX_SIZE];
	char time[CLOCK_TEXT_SIZE];
	char bytes[FORMAT_MAX];
	id_hex(hex, &c->source);
	printf("%.8s ", hex);
	if (c->text != NULL) {
		clock_format_local(time, c->time_ns);
		escape_print(stdout, c->text);
		printf(", %s: ", time);
	}
	switch (c->state) {
	case COPY_MADE:
		print_made(c);
		break;
	case COPY_PRESENT:
		id_hex(hex, &c->id);
		printf("is there already, as %.8s\n", hex);
		break;
	case COPY_WANTED:
		format_size(bytes, c->bytes);
		printf("would be copied: %s\n", bytes);
		break;
	case COPY_REFUSED:
		puts("DAMAGED, not copied");
		break;
	}
}

static void
print(const struct copy_result *r, bool dry_run)
{
	char made[FORMAT_MAX], present[FORMAT_MAX], refused[FORMAT_MAX];
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].state != COPY_PRESENT)
			print_one(&r->items[i]);
	counted(made, r->made, "snapshot");
	format_count(present, r->present);
	format_count(refused, r->refused);
	printf("%s %scopied, %s there already", made, dry_run ? "would be " : "", present);
	if (r->refused > 0)
		printf(", %s DAMAGED and not copied", refused);
	puts("");
}

static const char *
state_word(enum copy_state state)
{
	static const char *const words[] = {
		[COPY_MADE] = "copied",
		[COPY_PRESENT] = "present",
		[COPY_WANTED] = "wanted",
		[COPY_REFUSED] = "refused",
	};
	return words[state];
}

static void
write_one(struct json_writer *w, const struct copied *c)
{
	char hex[ID_HEX_SIZE];
	json_obj(w, NULL);
	id_hex(hex, &c->source);
	json_str(w, "original", hex);
	json_str(w, "state", state_word(c->state));
	if (c->state == COPY_MADE || c->state == COPY_PRESENT) {
		id_hex(hex, &c->id);
		json_str(w, "snapshot", hex);
	}
	if (c->state == COPY_REFUSED) {
		json_str(w, "why", c->why);
	} else {
		json_str(w, "source", c->text);
		json_i64(w, "time_ns", c->time_ns);
		json_u64(w, "files", c->files);
		json_u64(w, "bytes", c->bytes);
	}
	if (c->state == COPY_MADE) {
		json_u64(w, "read_bytes", c->read_bytes);
		json_u64(w, "new_bytes", c->new_bytes);
		json_u64(w, "stored_bytes", c->stored_bytes);
	}
	json_obj_end(w);
}

static enum err_code
print_json(struct cli *c, const struct copy_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_flag(&w, "dry_run", c->args.dry_run);
	json_u64(&w, "copied", r->made);
	json_u64(&w, "present", r->present);
	json_u64(&w, "refused", r->refused);
	json_arr(&w, "snapshots");
	for (size_t i = 0; i < r->count; i++)
		write_one(&w, &r->items[i]);
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place from = PLACE_INIT;
	AUTO(place) struct place to = PLACE_INIT;
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	AUTO(copy_result) struct copy_result r = { 0 };
	if (cli_filter(c, &filter, err) || cli_open_from(c, &from, err) ||
	    cli_open(c, &to, err))
		return err->code;
	struct engine e = cli_engine(c, to.repo);
	struct copy_options opt = {
		.from = from.repo, .filter = &filter, .dry_run = c->args.dry_run
	};
	if (copy_snapshots(&e, &opt, &r, err))
		return err->code;
	if (r.refused > 0)
		*code = EXIT_PARTIAL;
	if (c->args.json)
		return print_json(c, &r, *code, err);
	print(&r, c->args.dry_run);
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "from", 0, OPTION_VALUE, WORD_FOLDER, "PLACE", NULL,
	    "the repository that has the snapshots", offsetof(struct args, from) },
	{ "from-password-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "its passphrase (or STACKSNAP_FROM_PASSWORD_FILE)",
	    offsetof(struct args, from_password_file) },
	{ "from-key-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL, "or its key file",
	    offsetof(struct args, from_key_file) },
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL, "only tell what would be copied",
	    offsetof(struct args, dry_run) },
	FILTER_OPTIONS,
};

static const struct example examples[] = {
	{ "stacksnap -r /mnt/usb copy --from /backup", "all that is not there yet" },
	{ "stacksnap -r /mnt/usb copy --from /backup --stack shop --since 7d",
	    "the last week of one stack" },
	{ "stacksnap -r /mnt/usb copy --from /backup -n latest", "what would be done?" },
};

const struct command command_copy = {
	.name = "copy",
	.summary = "copy snapshots to another repository",
	.operands = "[SNAPSHOT...]",
	.about = "Copies snapshots from the repository at --from into that of -r: all, or "
		 "these ones.\n"
		 "What was copied before is recognised, also by other ways, and passed over.  "
		 "Data is\n"
		 "read, checked and stored anew, so that it is shared with all else in the "
		 "repository;\n"
		 "what is equal in the copy of an earlier snapshot is not read again.  Both "
		 "stay apart:\n"
		 "each has keys of its own.  When nothing is said about the passphrase of "
		 "--from, it is\n"
		 "taken from where that of -r comes from.\n"
		 "\n"
		 "A snapshot whose data is damaged is not copied; the others are, and the exit "
		 "status\n"
		 "is then 3.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = SIZE_MAX,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};
