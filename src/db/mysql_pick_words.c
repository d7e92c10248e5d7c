/* Statements, and the server's answers (mysql_pick_impl.h). */
#include "db/mysql_pick_impl.h"

#include <assert.h>
#include <string.h>

#define NEW_DATABASE "stacksnap_new_"
#define OLD_DATABASE "stacksnap_old_"

void
my_pick_release(struct my_pick *p)
{
	session_close(p->session);
	free(p->name);
	for (size_t i = 0; i < ARRAY_LEN(p->words); i++)
		free(p->words[i]);
}

/* --- names and texts --- */

static enum err_code
set_word(struct my_pick *p, char letter, struct buf *text, struct err *err)
{
	char **place = &p->words[letter - 'a'];
	const char *t = buf_cstr(text);
	if (t == NULL)
		return err_nomem(err);
	free(TAKE(*place));
	return str_dup(place, t, err);
}

/* `a`, or `a`.`b` */
static enum err_code
set_name(struct my_pick *p, char letter, const char *a, const char *b, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (mysql_quote(&text, a, err) ||
	    (b != NULL && (buf_u8(&text, '.', err) || mysql_quote(&text, b, err))))
		return err->code;
	return set_word(p, letter, &text, err);
}

/* In digits, so that no mode of the server reads it in another way. */
static enum err_code
set_text(struct my_pick *p, char letter, const char *value, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (buf_str(&text, "CONVERT(x'", err))
		return err->code;
	for (const char *c = value; *c != '\0'; c++)
		if (buf_printf(&text, err, "%02x", (unsigned)(uint8_t)*c))
			return err->code;
	return buf_str(&text, "' USING utf8mb4)", err) ? err->code
						       : set_word(p, letter, &text, err);
}

enum err_code
my_set_old(struct my_pick *p, const char *tag, struct err *err)
{
	char side[PICK_SIDE_SIZE];
	char mark[PICK_SIDE_SIZE];
	char database[sizeof OLD_DATABASE + 16];
	pick_side_name(side, p->pick->table);
	snprintf(mark, sizeof mark, "mark_%s", side + strlen("rows_"));
	snprintf(database, sizeof database, OLD_DATABASE "%.8s", tag);
	if (set_name(p, 'o', database, side, err) || set_name(p, 'p', database, NULL, err) ||
	    set_name(p, 'm', database, mark, err))
		return err->code;
	return set_text(p, 'y', database, err);
}

/* What is loaded, and what is to be found of old rows. */
static enum err_code
set_ours(struct my_pick *p, struct err *err)
{
	const char *table = p->pick->table;
	char side[PICK_SIDE_SIZE];
	char database[sizeof NEW_DATABASE + 16];
	pick_side_name(side, table);
	snprintf(database, sizeof database, NEW_DATABASE "%.16s", side + strlen("rows_"));
	if (set_name(p, 's', database, p->name, err) || set_name(p, 'b', database, NULL, err) ||
	    set_text(p, 'x', database, err) || set_text(p, 'z', side, err))
		return err->code;
	return p->pick->tag != NULL ? my_set_old(p, p->pick->tag, err) : ERR_OK;
}

static enum err_code
set_words(struct my_pick *p, struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	const char *into = p->pick->into;
	if (pick_split_name(&parts, p->pick->table, err))
		return err->code;
	if (parts.len != 2)
		return err_set(err, ERR_USAGE,
		    "%s is no table: give database and name, shop.orders", p->pick->table);
	if (str_dup(&p->name, parts.items[1], err) ||
	    set_name(p, 't', parts.items[0], p->name, err) ||
	    set_text(p, 'd', parts.items[0], err) || set_text(p, 'n', p->name, err) ||
	    set_ours(p, err))
		return err->code;
	if (into == NULL)
		return ERR_OK;
	if (set_name(p, 'i', into, p->name, err) || set_name(p, 'j', into, NULL, err))
		return err->code;
	return set_text(p, 'v', into, err);
}

enum err_code
my_pick_init(struct my_pick *p, struct mysql *m, const struct db_pick *pick, struct err *err)
{
	p->m = m;
	p->pick = pick;
	if (set_words(p, err) || mysql_session(m, &p->session, err))
		return err->code;
	/* Catalogues as they are, and values that do not fit refused, not cut. */
	return my_do(p,
	    "SET NAMES utf8mb4;\n"
	    "/*!80000 SET SESSION information_schema_stats_expiry = 0 */;\n"
	    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', time_zone = "
	    "'+00:00', foreign_key_checks = 0, lock_wait_timeout = 60, "
	    "innodb_lock_wait_timeout = 60;",
	    err);
}

enum err_code
my_set_columns(struct my_pick *p, struct err *err)
{
	AUTO(strv) struct strv columns = STRV_INIT;
	AUTO(bufv) struct buf list = BUF_INIT;
	if (my_ask_texts(p,
		"SELECT " MY_HEX("COLUMN_NAME") " FROM information_schema.COLUMNS WHERE "
						"TABLE_SCHEMA = {d} AND TABLE_NAME = {n} AND "
						"COALESCE(GENERATION_EXPRESSION, '') = '' "
						"ORDER BY ORDINAL_POSITION;",
		&columns, err))
		return err->code;
	for (size_t i = 0; i < columns.len; i++)
		if ((i > 0 && buf_str(&list, ", ", err)) ||
		    mysql_quote(&list, columns.items[i], err))
			return err->code;
	return set_word(p, 'c', &list, err);
}

/* --- statements --- */

enum err_code
my_put(struct buf *out, const struct my_pick *p, const char *template, struct err *err)
{
	for (const char *c = template; *c != '\0'; c++) {
		bool is_word = c[0] == '{' && c[1] >= 'a' && c[1] <= 'z' && c[2] == '}';
		if (!is_word) {
			if (buf_u8(out, (uint8_t)*c, err))
				return err->code;
			continue;
		}
		const char *word = p->words[c[1] - 'a'];
		assert(word != NULL);
		if (buf_str(out, word, err))
			return err->code;
		c += 2;
	}
	return ERR_OK;
}

static enum err_code
ask(struct my_pick *p, const char *template, struct buf *answer, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	if (my_put(&sql, p, template, err))
		return err->code;
	const char *text = buf_cstr(&sql);
	return text != NULL ? session_ask(p->session, text, answer, err) : err_nomem(err);
}

enum err_code
my_do(struct my_pick *p, const char *template, struct err *err)
{
	AUTO(bufv) struct buf nothing = BUF_INIT;
	return ask(p, template, &nothing, err);
}

/* A literal that does not end is no statement. */
enum err_code
my_do_whole(struct my_pick *p, const char *template, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf quoted = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (my_put(&sql, p, template, err) || buf_str(&quoted, "SET @stacksnap = x'", err))
		return err->code;
	for (size_t i = 0; i < sql.len; i++)
		if (buf_printf(&quoted, err, "%02x", (unsigned)sql.data[i]))
			return err->code;
	if (buf_str(&quoted,
		"';\nSET @stacksnap = CONVERT(@stacksnap USING utf8mb4);\nPREPARE stacksnap "
		"FROM @stacksnap;\nEXECUTE stacksnap;\n",
		err))
		return err->code;
	const char *text = buf_cstr(&quoted);
	return text != NULL ? session_ask(p->session, text, &nothing, err) : err_nomem(err);
}

enum err_code
my_ask_texts(struct my_pick *p, const char *template, struct strv *out, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	if (my_put(&sql, p, template, err))
		return err->code;
	const char *text = buf_cstr(&sql);
	return text != NULL ? session_ask_texts(p->session, text, out, err) : err_nomem(err);
}

enum err_code
my_ask_number(struct my_pick *p, const char *template, uint64_t *out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (ask(p, template, &answer, err))
		return err->code;
	const char *text = buf_cstr(&answer);
	if (text == NULL)
		return err_nomem(err);
	if (*text < '0' || *text > '9')
		return err_set(
		    err, ERR_CORRUPT, "a number was asked for, the answer is %.80s", text);
	*out = strtoull(text, NULL, 10);
	return ERR_OK;
}
