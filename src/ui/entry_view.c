#include "ui/entry_view.h"

#include "sys/clock.h"
#include "ui/escape.h"

#include <inttypes.h>

/* "drwxr-xr-x", set-id and sticky bits as ls shows them. */
static void
mode_text(char out[11], const struct tree_entry *e)
{
	static const char types[] = { [TREE_FILE] = '-',
		[TREE_DIR] = 'd',
		[TREE_SYMLINK] = 'l',
		[TREE_CHAR_DEVICE] = 'c',
		[TREE_BLOCK_DEVICE] = 'b',
		[TREE_FIFO] = 'p',
		[TREE_SOCKET] = 's' };
	static const char bits[] = "rwxrwxrwx";
	out[0] = types[e->type];
	for (unsigned i = 0; i < 9; i++)
		out[1 + i] = (e->mode >> (8 - i)) & 1 ? bits[i] : '-';
	if (e->mode & 04000)
		out[3] = out[3] == 'x' ? 's' : 'S';
	if (e->mode & 02000)
		out[6] = out[6] == 'x' ? 's' : 'S';
	if (e->mode & 01000)
		out[9] = out[9] == 'x' ? 't' : 'T';
	out[10] = '\0';
}

/* The name, or the number of one that has none. */
static void
print_owner(const char *name, uint32_t number)
{
	if (name != NULL) {
		escape_print(stdout, name);
		printf("%*s ", (int)(strlen(name) < 8 ? 8 - strlen(name) : 0), "");
	} else {
		printf("%-8u ", (unsigned)number);
	}
}

void
entry_view_details(const struct tree_entry *e)
{
	char mode[11];
	char time[CLOCK_TEXT_SIZE] = "-";
	mode_text(mode, e);
	/* Times that do not fit into nanoseconds of 64 bits are years beyond 2262. */
	if (e->modified.s > INT64_MIN / NS_PER_S && e->modified.s < INT64_MAX / NS_PER_S)
		clock_format_local(time, e->modified.s * NS_PER_S);
	printf("%s ", mode);
	print_owner(e->user, e->uid);
	print_owner(e->group, e->gid);
	if (e->type == TREE_CHAR_DEVICE || e->type == TREE_BLOCK_DEVICE)
		printf("%7u, %3u %s ", (unsigned)e->rdev_major, (unsigned)e->rdev_minor, time);
	else
		printf("%12" PRIu64 " %s ", e->type == TREE_FILE ? e->content.size : 0, time);
}

void
entry_view_path(const char *path, const struct tree_entry *e)
{
	escape_print(stdout, path);
	if (e->type == TREE_DIR)
		putchar('/');
}

void
entry_view_target(const struct tree_entry *e)
{
	if (e->type != TREE_SYMLINK)
		return;
	fputs(" -> ", stdout);
	escape_print(stdout, e->target);
}

void
entry_view_json(struct json_writer *w, const char *path, const struct tree_entry *e)
{
	char mode[8];
	snprintf(mode, sizeof mode, "%04o", (unsigned)e->mode);
	json_bytes(w, "path", path, strlen(path));
	json_str(w, "kind", tree_type_word(e->type));
	json_str(w, "mode", mode);
	json_u64(w, "uid", e->uid);
	json_u64(w, "gid", e->gid);
	if (e->user != NULL)
		json_str(w, "user", e->user);
	if (e->group != NULL)
		json_str(w, "group", e->group);
	json_i64(w, "modified_s", e->modified.s);
	json_u64(w, "modified_ns", e->modified.ns);
	if (e->type == TREE_FILE)
		json_u64(w, "bytes", e->content.size);
	if (e->type == TREE_SYMLINK)
		json_bytes(w, "target", e->target, e->target_len);
}
