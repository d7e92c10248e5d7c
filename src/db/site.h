/*
 * site.h: where a database outside of stacks is, and how to log in to it.
 *
 * Read from an address as other programs take it:
 *
 *	postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require   also postgresql://
 *	mysql://USER:PASSWORD@HOST:PORT/DATABASE                      also mariadb://
 *	redis://USER:PASSWORD@HOST:PORT                               also valkey://; by TLS
 *rediss://, valkeys:// mongodb://USER:PASSWORD@HOST:PORT                             the user
 *is admin's sqlite:PATH
 *
 * All but the host may be left out; ?socket=PATH takes its place (of PostgreSQL the
 * folder that the socket is in).  %XX stands for a byte.  Of a server all databases are meant
 * when none is named.
 *
 * Options: sslmode (disable, prefer, require, verify-ca, verify-full), sslrootcert (a
 * file), socket.  Others are refused: one that is passed over might be the one that matters.
 * Redis and MongoDB are spoken to by TLS when sslmode (not disable or prefer) is given, or
 * rediss://, or MongoDB's own tls=true, which mean verify-full; for them there are sslcert and
 * sslkey, too, and MongoDB's own tlsCAFile and tlsCertificateKeyFile, which mean the same.
 *
 * Ownership: a site owns its strings; the password is wiped when released.
 * Errors:    ERR_USAGE, ERR_UNSUPPORTED (several hosts); no message
 *            shows a password.
 *
 * Sources: PostgreSQL's manual, 34.1.1.2 "Connection URIs"; RFC 3986.
 */
#ifndef DB_SITE_H
#define DB_SITE_H

#include "db/connector.h"

struct db_site {
	enum db_kind kind; /* DB_NONE: a SQLite file */
	char *path; /* SQLite: absolute */
	char *host; /* a name or an address, without brackets; NULL with socket */
	unsigned port; /* never 0, but with socket */
	char *socket;
	char *user; /* NULL: the connector's own choice */
	char *password; /* NULL: none is known */
	char *database; /* NULL: all */
	char *sslmode; /* NULL: the tool's own choice; of Redis and MongoDB: no TLS */
	char *sslrootcert;
	char *sslcert; /* ours, of Redis and MongoDB; with sslkey, which may be the same file */
	char *sslkey;
};

#define DB_SITE_INIT             \
	{                        \
		.kind = DB_NONE, \
	}

void db_site_release(struct db_site *s);
static inline void UNUSED
db_site_auto(struct db_site *s)
{
	db_site_release(s);
}

/* out is DB_SITE_INIT. */
MUST_CHECK enum err_code db_site_parse(struct db_site *out, const char *url, struct err *err);
/* The address without the password; *out is the caller's. */
MUST_CHECK enum err_code db_site_url(char **out, const struct db_site *s, struct err *err);
/* Replace the password; NULL: there is none. */
MUST_CHECK enum err_code db_site_set_password(
    struct db_site *s, const void *password, size_t len, struct err *err);
/* "postgres", ..., "sqlite". */
const char *db_site_kind_word(const struct db_site *s);
const char *db_site_kind_title(const struct db_site *s);

#endif
