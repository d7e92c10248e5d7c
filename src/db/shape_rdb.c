/*
 * What stands around the keys of an RDB file: which databases there are, and
 * libraries of functions.
 */
#include "db/rdb_read.h"
#include "db/shape_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEAD 9

/* "#!lua name=mylib", the first line of a library; the name ends with a blank. */
static enum err_code
library_name(char **out, const char *code, struct err *err)
{
	static const char word[] = "name=";
	size_t line = strcspn(code, "\n");
	const char *name = memmem(code, line, word, sizeof word - 1);
	size_t len = 0;
	if (name != NULL) {
		name += sizeof word - 1;
		len = strcspn(name, " \t\r\n");
	}
	return str_printf(
	    out, err, "LIBRARY %.*s", (int)min_size(len, 256), len > 0 ? name : "");
}

static enum err_code
note_library(struct shapes *s, struct rd *r, struct err *err)
{
	AUTO(bufv) struct buf code = BUF_INIT;
	AUTO(str) char *name = NULL;
	if (rdb_read_string(r, &code, err))
		return err->code;
	const char *text = buf_cstr(&code);
	if (text == NULL)
		return err_nomem(err);
	if (library_name(&name, text, err))
		return err->code;
	return object_add_text(s, name, code.data, code.len, err);
}

static enum err_code
note_database(struct shapes *s, struct rd *r, struct err *err)
{
	char name[32];
	uint64_t db = rdb_read_length(r);
	if (!rd_ok(r))
		return ERR_OK;
	snprintf(name, sizeof name, "db%" PRIu64, db);
	return shapes_add(s, name, err);
}

enum err_code
shape_rdb(struct shapes *s, struct err *err)
{
	struct rd r;
	rd_init(&r, s->bytes.data, s->bytes.len);
	if (rd_left(&r) >= HEAD &&
	    (memcmp(r.p, "REDIS", 5) == 0 || memcmp(r.p, "VALKEY", 6) == 0))
		(void)rd_bytes(&r, HEAD);
	while (rd_ok(&r) && rd_left(&r) > 0) {
		uint8_t opcode = rd_u8(&r);
		const char *program = rdb_program(opcode);
		enum err_code rc = ERR_OK;
		/* What is not known from here on is no schema. */
		if (program == NULL || rdb_is_type(opcode))
			return ERR_OK;
		if (opcode == RDB_OP_SELECTDB)
			rc = note_database(s, &r, err);
		else if (opcode == RDB_OP_FUNCTION)
			rc = note_library(s, &r, err);
		else
			rdb_skip(&r, program);
		if (rc)
			return rc;
	}
	return rd_ok(&r) ? ERR_OK : rdb_bad(err);
}
