#include "db/mongo_name.h"

#include "base/checksum.h"
#include "base/strv.h"
#include "db/census.h"

#include <inttypes.h>
#include <string.h>

#define NAME_MAX_BYTES 238
#define CUT_TO 208

static bool
is_plain(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch >= '0' && ch <= '9') || (ch != '\0' && strchr("-_.~$&+:=@", ch) != NULL);
}

static enum err_code
escape(struct buf *out, const char *name, struct err *err)
{
	for (; *name != '\0'; name++)
		if (is_plain(*name)
			? buf_add(out, name, 1, err)
			: buf_printf(out, err, "%%%02X", (unsigned)(unsigned char)*name))
			return err->code;
	return ERR_OK;
}

enum err_code
mongo_file_name(char **out, const char *database, const char *collection, const char *suffix,
    struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (*database == '\0' || *database == '.' || strchr(database, '/') != NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the server has a database called \"%.80s\", which no server should",
		    database);
	if (buf_str(&name, "", err) || escape(&name, collection, err))
		return err->code;
	if (name.len > NAME_MAX_BYTES) {
		struct checksum128 sum = checksum128_of(collection, strlen(collection));
		name.len = CUT_TO;
		if (buf_printf(&name, err, "%%24%016" PRIx64 "%011" PRIx64, sum.low,
			sum.high & UINT64_C(0xfffffffffff)))
			return err->code;
	}
	const char *text = buf_cstr(&name);
	if (text == NULL)
		return err_nomem(err);
	return str_printf(out, err, "%s/%s%s", database, text, suffix);
}

static int
hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	return ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

static enum err_code
unescape(struct buf *out, const char *name, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		char ch = name[i];
		int high = ch == '%' && i + 2 < len ? hex_digit(name[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(name[i + 2]) : -1;
		if (low >= 0) {
			ch = (char)(high * 16 + low);
			i += 2;
		}
		if (ch != '\0' && buf_add(out, &ch, 1, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
mongo_file_database(char **out, const char *stream, struct err *err)
{
	const char *slash = strchr(stream, '/');
	*out = NULL;
	return slash != NULL ? str_dupn(out, stream, (size_t)(slash - stream), err) : ERR_OK;
}

/* The collection's own name, of a file in a folder. */
static enum err_code
file_collection(struct buf *out, const char *stream, struct err *err)
{
	const char *slash = strchr(stream, '/');
	const char *file = slash != NULL ? slash + 1 : stream;
	size_t len = strlen(file);
	if (str_ends(file, MONGO_METADATA))
		len -= strlen(MONGO_METADATA);
	else if (str_ends(file, MONGO_BSON))
		len -= strlen(MONGO_BSON);
	return unescape(out, file, len, err);
}

enum err_code
mongo_collection_name(struct buf *out, const char *stream, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (file_collection(&name, stream, err))
		return err->code;
	const char *parts[] = { buf_cstr(&name), NULL };
	return parts[0] != NULL ? census_name(out, parts, err) : err_nomem(err);
}

enum err_code
mongo_census_name(struct buf *out, const char *stream, struct err *err)
{
	AUTO(str) char *database = NULL;
	AUTO(bufv) struct buf name = BUF_INIT;
	if (mongo_file_database(&database, stream, err))
		return err->code;
	if (database == NULL)
		return buf_str(out, stream, err);
	if (file_collection(&name, stream, err))
		return err->code;
	const char *parts[] = { database, buf_cstr(&name), NULL };
	return parts[1] != NULL ? census_name(out, parts, err) : err_nomem(err);
}
