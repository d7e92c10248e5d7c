#include "cli/prune_view.h"

#include "ui/format.h"

#include <ctype.h>
#include <string.h>

static enum err_code
refuse_size(const char *text, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "--max-unused takes a share as 5%%, a size as 500M or 10G, or unlimited (not '%s')",
	    text);
}

/* "10G": K, M, G, T are powers of 1024. */
static enum err_code
parse_size(uint64_t *out, const char *text, struct err *err)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 7)
		return refuse_size(text, err);
	uint64_t n = strtoull(text, NULL, 10);
	const char *end = text + digits;
	if (*end != '\0') {
		const char *unit = strchr(units, toupper((unsigned char)*end));
		if (unit == NULL || end[1] != '\0')
			return refuse_size(text, err);
		for (const char *u = units; u <= unit; u++)
			n *= 1024;
	}
	*out = n;
	return ERR_OK;
}

enum err_code
prune_view_options(struct prune_options *out, const struct cli *c, struct err *err)
{
	const char *text = c->args.max_unused;
	*out = (struct prune_options)PRUNE_OPTIONS_INIT;
	out->dry_run = c->args.dry_run;
	out->take_over = c->args.take_over;
	if (text == NULL)
		return ERR_OK;
	size_t len = strlen(text);
	if (strcmp(text, "unlimited") == 0) {
		out->max_unused_in_bytes = true;
		out->max_unused_bytes = UINT64_MAX;
		return ERR_OK;
	}
	if (text[len - 1] != '%') {
		out->max_unused_in_bytes = true;
		return parse_size(&out->max_unused_bytes, text, err);
	}
	char *end;
	double share = strtod(text, &end);
	if (!isdigit((unsigned char)*text) || *end != '%' || end[1] != '\0' ||
	    !(share >= 0 && share <= 100))
		return refuse_size(text, err);
	out->max_unused_share = share / 100;
	return ERR_OK;
}

void
prune_view_print(const struct prune_result *r, bool dry_run)
{
	char packs[FORMAT_MAX], bytes[FORMAT_MAX], used[FORMAT_MAX], removed[FORMAT_MAX];
	char freed[FORMAT_MAX], repacked[FORMAT_MAX], written[FORMAT_MAX], unused[FORMAT_MAX];
	char took[FORMAT_MAX], snapshots[COUNTED_MAX];
	const char *would = dry_run ? "would be " : "";
	counted(packs, r->packs, "pack");
	format_size(bytes, r->bytes);
	format_size(used, r->used_bytes);
	counted(removed, r->packs_removed, "pack");
	format_size(freed, r->bytes_removed);
	format_count(repacked, r->packs_repacked);
	format_size(written, r->bytes_written);
	format_size(unused, r->unused_bytes);
	format_duration(took, r->took_ns);
	printf("%s need%s %s of %s in %s\n", counted(snapshots, r->snapshots, "snapshot"),
	    r->snapshots == 1 ? "s" : "", used, bytes, packs);
	if (r->packs_removed == 0)
		printf("nothing to remove\n");
	else
		printf("%s with %s %sremoved\n", removed, freed, would);
	if (r->packs_repacked > 0)
		printf("of them, %s were in use in part: %s %sstored anew\n", repacked, written,
		    would);
	if (r->proofs_removed > 0)
		printf("%llu drill records of snapshots that are gone %sremoved\n",
		    (unsigned long long)r->proofs_removed, would);
	if (r->indexes_after != r->indexes_before)
		printf("%llu indexes became %llu\n", (unsigned long long)r->indexes_before,
		    (unsigned long long)r->indexes_after);
	uint64_t net =
	    r->bytes_removed > r->bytes_written ? r->bytes_removed - r->bytes_written : 0;
	char free_now[FORMAT_MAX];
	format_size(free_now, net);
	printf("%s %sfreed, %s unused data stays%s%s\n", free_now, would, unused,
	    dry_run ? "" : "; took ", dry_run ? "" : took);
}

void
prune_view_write(struct json_writer *w, const struct prune_result *r)
{
	json_u64(w, "snapshots", r->snapshots);
	json_u64(w, "packs", r->packs);
	json_u64(w, "bytes", r->bytes);
	json_u64(w, "used_bytes", r->used_bytes);
	json_u64(w, "packs_removed", r->packs_removed);
	json_u64(w, "packs_repacked", r->packs_repacked);
	json_u64(w, "stray_packs", r->stray_packs);
	json_u64(w, "bytes_removed", r->bytes_removed);
	json_u64(w, "bytes_written", r->bytes_written);
	json_u64(w, "unused_bytes", r->unused_bytes);
	json_u64(w, "proofs_removed", r->proofs_removed);
	json_u64(w, "indexes_before", r->indexes_before);
	json_u64(w, "indexes_after", r->indexes_after);
	json_i64(w, "took_ns", r->took_ns);
}
