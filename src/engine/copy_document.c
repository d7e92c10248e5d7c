#include "engine/copy_document.h"

#include "base/json.h"
#include "db/connector.h"

#define ROOT_MAX ((size_t)16 << 20) /* as engine/browse.c has it */

static void
write_origin(struct json_writer *w, const struct origin *o)
{
	char repo[2 * REPO_ID_SIZE + 1];
	char snapshot[2 * ID_SIZE + 1];
	hex_encode(repo, o->repo, REPO_ID_SIZE);
	hex_encode(snapshot, o->snapshot, ID_SIZE);
	json_obj(w, "original");
	json_str(w, "repository", repo);
	json_str(w, "snapshot", snapshot);
	json_obj_end(w);
}

static void
write_stats(struct json_writer *w, const json_t *was, const struct writer_stats *now)
{
	json_obj(w, "stats");
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)was, name, value)
	{
		if (strcmp(name, "new_bytes") != 0 && strcmp(name, "stored_bytes") != 0)
			json_value(w, name, value);
	}
	json_u64(w, "new_bytes", now->new_bytes);
	json_u64(w, "stored_bytes", now->stored_bytes);
	json_obj_end(w);
}

enum err_code
copy_document_write(const struct copy_item *item, const struct buf *root,
    const struct writer_stats *stats, struct buf *out, struct err *err)
{
	AUTO(mem) char *hex = malloc(2 * root->len + 1);
	if (hex == NULL)
		return err_nomem(err);
	hex_encode(hex, root->data, root->len);
	struct json_writer w;
	json_init(&w, out);
	json_obj(&w, NULL);
	const char *name;
	json_t *value;
	json_object_foreach(item->document, name, value)
	{
		if (strcmp(name, "root") == 0)
			json_str(&w, name, hex);
		else if (strcmp(name, "stats") == 0)
			write_stats(&w, value, stats);
		else if (strcmp(name, "original") != 0)
			json_value(&w, name, value);
	}
	write_origin(&w, &item->origin);
	json_obj_end(&w);
	return json_finish(&w, err);
}

enum err_code
copy_document_root(const json_t *document, struct buf *out, struct err *err)
{
	const char *hex = json_get_str(document, "root");
	size_t len = hex != NULL ? strlen(hex) : 0;
	if (len == 0 || len / 2 > ROOT_MAX)
		return err_set(err, ERR_CORRUPT, "no root folder in its document");
	if (buf_reserve(out, len / 2, err))
		return err->code;
	if (!hex_decode(out->data + out->len, len / 2, hex, len))
		return err_set(
		    err, ERR_CORRUPT, "the root folder in its document is not hexadecimal");
	out->len += len / 2;
	return ERR_OK;
}

/* As engine/capture_dumps.c has cut them. */
static bool
has_rows(const json_t *stream)
{
	const char *format = json_get_str(stream, "format");
	return format != NULL &&
	       (strcmp(format, "postgres") == 0 || strcmp(format, "mysql") == 0);
}

enum err_code
copy_document_rows(const json_t *document, struct strv *out, struct err *err)
{
	size_t i;
	size_t k;
	json_t *member;
	json_t *stream;
	json_array_foreach(json_object_get(document, "members"), i, member)
	{
		const char *path = json_get_str(member, "path");
		json_array_foreach(json_object_get(member, "streams"), k, stream)
		{
			const char *name = json_get_str(stream, "name");
			if (path != NULL && name != NULL && has_rows(stream) &&
			    strv_addf(out, err, "%s/%s", path, name))
				return err->code;
		}
	}
	return ERR_OK;
}
