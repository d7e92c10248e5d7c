/* The programs that a backup starts: which there are, of which version. */
#include "db/postgres_impl.h"

#include "db/tool.h"

#include <string.h>

static enum err_code
find_tools(struct postgres *p, struct err *err)
{
	AUTO(str) char *psql = NULL;
	if (p->pg_dump_version != NULL)
		return ERR_OK;
	free(TAKE(p->pg_dumpall_version));
	if (tool_version(&psql, p->base.t, "psql", err) ||
	    tool_version(&p->pg_dumpall_version, p->base.t, "pg_dumpall", err))
		return err->code;
	return tool_version(&p->pg_dump_version, p->base.t, "pg_dump", err);
}

/* The line that begins with prefix, if there is one. */
static enum err_code
find_line(char **out, const char *text, const char *prefix, struct err *err)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		if (str_starts(text, prefix))
			return str_dupn(out, text, len, err);
		text += len + (text[len] == '\n');
	}
	return ERR_OK;
}

/* The same by psql: a program started by it costs a hundredth of one that the engine starts. */
static enum err_code
ask_tools(struct postgres *p, struct session *s, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s, "\\! pg_dump --version\n\\! pg_dumpall --version", &answer, err))
		return err->code;
	const char *text = buf_cstr(&answer);
	if (text == NULL)
		return err_nomem(err);
	free(TAKE(p->pg_dumpall_version));
	return find_line(&p->pg_dumpall_version, text, "pg_dumpall (", err)
		   ? err->code
		   : find_line(&p->pg_dump_version, text, "pg_dump (", err);
}

enum err_code
pg_open_first(struct postgres *p, struct session **out, struct err *err)
{
	struct err scratch;
	/* On this host a program starts at once. */
	if (p->base.t->site != NULL && find_tools(p, err))
		return err->code;
	if (pg_first_session(p, out, err)) {
		struct err refused = *err;
		/* Is it that there is no psql? */
		if (p->pg_dump_version != NULL || find_tools(p, err) != ERR_USAGE)
			*err = refused;
		return err->code;
	}
	if (p->pg_dump_version != NULL)
		return ERR_OK;
	/* Without a shell to ask by, the session may have ended. */
	if (ask_tools(p, *out, &scratch) == ERR_OK && p->pg_dump_version != NULL &&
	    p->pg_dumpall_version != NULL)
		return ERR_OK;
	free(TAKE(p->pg_dump_version));
	session_close(TAKE(*out));
	return find_tools(p, err) ? err->code : pg_first_session(p, out, err);
}

enum err_code
pg_check_tool_version(const struct postgres *p, struct err *err)
{
	const char *digits = strpbrk(p->pg_dump_version, "0123456789");
	unsigned long mine = digits != NULL ? strtoul(digits, NULL, 10) : 0;
	unsigned theirs = p->version / 10000;
	if (p->base.t->site == NULL || mine == 0 || mine >= theirs)
		return ERR_OK;
	return err_set(err, ERR_USAGE,
	    "the server is PostgreSQL %s, and this host's pg_dump is of version %lu, which "
	    "cannot "
	    "read newer servers: install the package postgresql-client-%u (Debian and Ubuntu: "
	    "it "
	    "may have to come from apt.postgresql.org)",
	    p->base.report.info.version, mine, theirs);
}
