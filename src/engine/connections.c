#include "engine/connections.h"

#include "base/bytes.h"
#include "base/room.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/*
 * The file: 8 bytes magic, 16 bytes salt, then what AES-256-GCM makes of the
 * list, with the magic as associated data, a nonce of zeros, and a key of its own
 * for each salt: HKDF-SHA-256 of the key file's bytes, by the salt.  The list: varint
 * count, then for each connection a varint count of fields, and each field's name and
 * value as blobs.  A field that is not known is passed over.
 */
static const uint8_t magic[8] = { 's', 's', 'n', 'a', 'p', 'd', 'b', 1 };
#define HEAD_SIZE (sizeof magic + KDF_SALT_SIZE)
#define KEY_INFO "stacksnap databases 1"
#define KEY_MIN 16
#define KEY_MAX ((size_t)64 << 10)
#define FILE_MAX_BYTES ((size_t)16 << 20)
#define ENTRIES_MAX 100000

struct connections {
	char *path;
	char *key_path;
	int lock; /* -1: it is only read */
	struct connection *items; /* sorted by name */
	size_t n;
};

void
connection_release(struct connection *c)
{
	free(c->name);
	free(c->env);
	free(c->project);
	db_site_release(&c->site);
	*c = (struct connection)CONNECTION_INIT;
}

void
connections_close(struct connections *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		connection_release(&l->items[i]);
	free(l->items);
	free(l->path);
	free(l->key_path);
	if (l->lock >= 0)
		close(l->lock);
	free(l);
}

enum err_code
connection_check_name(const char *name, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789";
	size_t n = strlen(name);
	if (n == 0 || n > CONNECTION_NAME_MAX || strchr(letters, name[0]) == NULL)
		return err_set(err, ERR_USAGE,
		    "'%.80s': a name begins with a letter or digit, and has at most %d of them",
		    name, CONNECTION_NAME_MAX);
	for (const char *p = name; *p != '\0'; p++)
		if (strchr(letters, *p) == NULL && strchr("._-", *p) == NULL)
			return err_set(err, ERR_USAGE,
			    "'%.80s': a name is made of letters, digits, '.', '_' and '-'",
			    name);
	return ERR_OK;
}

/* --- the list as bytes --- */

struct field {
	const char *name;
	char **text;
};

#define TEXTS 13
#define NUMBERS 3 /* kind, port, added_ns: as text, too */

static void
texts_of(struct connection *c, struct field out[TEXTS])
{
	struct db_site *s = &c->site;
	const struct field all[TEXTS] = {
		{ "name", &c->name },
		{ "env", &c->env },
		{ "project", &c->project },
		{ "path", &s->path },
		{ "host", &s->host },
		{ "socket", &s->socket },
		{ "user", &s->user },
		{ "password", &s->password },
		{ "database", &s->database },
		{ "sslmode", &s->sslmode },
		{ "sslrootcert", &s->sslrootcert },
		{ "sslcert", &s->sslcert },
		{ "sslkey", &s->sslkey },
	};
	memcpy(out, all, sizeof all);
}

static enum err_code
put_field(struct buf *b, const char *name, const char *text, struct err *err)
{
	if (buf_blob(b, name, strlen(name), err))
		return err->code;
	return buf_blob(b, text, strlen(text), err);
}

static enum err_code
put_connection(struct buf *b, struct connection *c, struct err *err)
{
	struct field texts[TEXTS];
	char port[16];
	char added[24];
	uint64_t n = NUMBERS;
	texts_of(c, texts);
	for (size_t i = 0; i < TEXTS; i++)
		n += *texts[i].text != NULL;
	snprintf(port, sizeof port, "%u", c->site.port);
	snprintf(added, sizeof added, "%lld", (long long)c->added_ns);
	if (buf_varint(b, n, err) || put_field(b, "kind", db_kind_word(c->site.kind), err) ||
	    put_field(b, "port", port, err) || put_field(b, "added_ns", added, err))
		return err->code;
	for (size_t i = 0; i < TEXTS; i++)
		if (*texts[i].text != NULL && put_field(b, texts[i].name, *texts[i].text, err))
			return err->code;
	return ERR_OK;
}

static bool
is_called(const char *name, const uint8_t *data, size_t len)
{
	return strlen(name) == len && memcmp(name, data, len) == 0;
}

static enum err_code
take_field(struct connection *c, const uint8_t *name, size_t name_len, const char *text,
    struct err *err)
{
	struct field texts[TEXTS];
	texts_of(c, texts);
	if (is_called("kind", name, name_len))
		c->site.kind = db_kind_of_word(text);
	else if (is_called("port", name, name_len))
		c->site.port = (unsigned)strtoul(text, NULL, 10);
	else if (is_called("added_ns", name, name_len))
		c->added_ns = strtoll(text, NULL, 10);
	for (size_t i = 0; i < TEXTS; i++)
		if (is_called(texts[i].name, name, name_len) && *texts[i].text == NULL)
			return str_dup(texts[i].text, text, err);
	return ERR_OK;
}

static enum err_code
take_connection(struct connection *c, struct rd *r, struct err *err)
{
	uint64_t n = rd_varint(r);
	for (uint64_t i = 0; i < n && rd_ok(r); i++) {
		size_t name_len;
		size_t len;
		const uint8_t *name = rd_blob(r, &name_len);
		const uint8_t *data = rd_blob(r, &len);
		AUTO(secret) struct secret *text = NULL;
		if (!rd_ok(r))
			break;
		if (secret_new(&text, len + 1, err))
			return err->code;
		if (len > 0)
			memcpy(text->data, data, len);
		if (take_field(c, name, name_len, (const char *)text->data, err))
			return err->code;
	}
	bool is_place = c->site.path != NULL || c->site.kind != DB_NONE;
	return rd_ok(r) && c->name != NULL && is_place
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "the list of databases is not as expected");
}

static enum err_code
take_list(struct connections *l, const uint8_t *data, size_t len, struct err *err)
{
	struct rd r;
	rd_init(&r, data, len);
	uint64_t n = rd_varint(&r);
	if (!rd_ok(&r) || n > ENTRIES_MAX)
		return err_set(err, ERR_CORRUPT, "the list of databases is not as expected");
	for (uint64_t i = 0; i < n; i++) {
		AUTO(connection) struct connection c = CONNECTION_INIT;
		if (take_connection(&c, &r, err) || connections_put(l, &c, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- the key --- */

static enum err_code
read_key(struct secret **out, const char *path, struct err *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "the key of the databases' passwords, %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no file", path);
	if ((st.st_mode & 077) != 0)
		return err_set(err, ERR_DENIED,
		    "%s, the key of the databases' passwords, may be read or changed by "
		    "others: "
		    "'chmod 600 %s' mends that",
		    path, path);
	AUTO(secret) struct secret *room = NULL;
	size_t got;
	if (secret_new(&room, KEY_MAX, err) ||
	    fd_read_full(fd, room->data, room->len, &got, err))
		return err_wrap(err, "%s", path);
	if (got < KEY_MIN || got == room->len)
		return err_set(err, ERR_USAGE,
		    "%s: a key has %d bytes at least, and less than %zu", path, KEY_MIN,
		    KEY_MAX);
	return secret_copy(out, room->data, got, err);
}

static enum err_code
make_key(struct secret **out, const char *path, struct err *err)
{
	AUTO(secret) struct secret *key = NULL;
	if (secret_random(&key, AEAD_KEY_SIZE, err) ||
	    fs_write_file(path, 0600, key->data, key->len, err))
		return err->code;
	*out = TAKE(key);
	return ERR_OK;
}

static enum err_code
derive(struct secret **out, const struct secret *key, const uint8_t salt[KDF_SALT_SIZE],
    struct err *err)
{
	AUTO(secret) struct secret *derived = NULL;
	if (secret_new(&derived, AEAD_KEY_SIZE, err) ||
	    hkdf_derive(key->data, key->len, salt, KDF_SALT_SIZE, KEY_INFO, derived->data,
		derived->len, err))
		return err->code;
	*out = TAKE(derived);
	return ERR_OK;
}

/* --- the file --- */

static const uint8_t nonce[AEAD_NONCE_SIZE];

static enum err_code
unseal(struct connections *l, const struct buf *file, struct err *err)
{
	AUTO(secret) struct secret *key = NULL;
	AUTO(secret) struct secret *one = NULL;
	AUTO(secret) struct secret *plain = NULL;
	AUTO(aead) struct aead *a = NULL;
	if (file->len < HEAD_SIZE + AEAD_TAG_SIZE + 1 ||
	    memcmp(file->data, magic, sizeof magic - 1) != 0)
		return err_set(err, ERR_CORRUPT, "%s is no list of databases", l->path);
	if (file->data[sizeof magic - 1] != magic[sizeof magic - 1])
		return err_set(err, ERR_UNSUPPORTED, "%s: a newer StackSnap wrote it", l->path);
	size_t len = file->len - HEAD_SIZE;
	if (read_key(&key, l->key_path, err) ||
	    derive(&one, key, file->data + sizeof magic, err) ||
	    secret_new(&plain, len - AEAD_TAG_SIZE, err) || aead_new(&a, err))
		return err->code;
	if (aead_open(a, one->data, nonce, magic, sizeof magic, file->data + HEAD_SIZE, len,
		plain->data, err))
		return err_set(err, ERR_CORRUPT,
		    "%s: the key %s does not open it, or it is damaged", l->path, l->key_path);
	return take_list(l, plain->data, plain->len, err);
}

static enum err_code
load(struct connections *l, struct err *err)
{
	AUTO(bufv) struct buf file = BUF_INIT;
	if (fs_read_file(l->path, FILE_MAX_BYTES, &file, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	return unseal(l, &file, err);
}

static enum err_code
find_key(struct connections *l, struct secret **out, struct err *err)
{
	if (read_key(out, l->key_path, err) == ERR_OK)
		return ERR_OK;
	/* Where there is a list, its key was lost, and unseal has said so. */
	return err->code == ERR_NOT_FOUND ? make_key(out, l->key_path, err) : err->code;
}

enum err_code
connections_save(struct connections *l, struct err *err)
{
	AUTO(secret) struct secret *key = NULL;
	AUTO(secret) struct secret *one = NULL;
	AUTO(secret) struct secret *salt = NULL;
	AUTO(secret_buf) struct buf plain = BUF_INIT;
	AUTO(bufv) struct buf file = BUF_INIT;
	AUTO(aead) struct aead *a = NULL;
	/* So that no copy of a password is left behind when the buffer grows. */
	if (buf_reserve(&plain, (size_t)65536 + l->n * 8192, err) ||
	    buf_varint(&plain, l->n, err))
		return err->code;
	for (size_t i = 0; i < l->n; i++)
		if (put_connection(&plain, &l->items[i], err))
			return err->code;
	if (find_key(l, &key, err) || secret_random(&salt, KDF_SALT_SIZE, err) ||
	    derive(&one, key, salt->data, err) || aead_new(&a, err) ||
	    buf_add(&file, magic, sizeof magic, err) ||
	    buf_add(&file, salt->data, salt->len, err) ||
	    buf_reserve(&file, plain.len + AEAD_TAG_SIZE, err) ||
	    aead_seal(a, one->data, nonce, magic, sizeof magic, plain.data, plain.len,
		file.data + file.len, err))
		return err->code;
	file.len += plain.len + AEAD_TAG_SIZE;
	return fs_write_file(l->path, 0600, file.data, file.len, err);
}

static enum err_code
lock(struct connections *l, const char *state_dir, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (fs_mkdirs(state_dir, 0700, err) ||
	    str_printf(&path, err, "%s/databases.lock", state_dir))
		return err->code;
	l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->lock < 0)
		return err_sys(err, "open %s", path);
	/* Whoever holds it only writes a small file. */
	while (flock(l->lock, LOCK_EX) != 0)
		if (errno != EINTR)
			return err_sys(err, "lock %s", path);
	return ERR_OK;
}

/* Given, or what the environment says; NULL: beside the list. */
static const char *
key_of(const char *given)
{
	const char *named = given != NULL ? given : getenv("STACKSNAP_DATABASES_KEY");
	return named != NULL && *named != '\0' ? named : NULL;
}

enum err_code
connections_open(struct connections **out, const char *state_dir, const char *key_file,
    enum connections_use use, struct err *err)
{
	AUTO(connections) struct connections *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	l->lock = -1;
	key_file = key_of(key_file);
	if (str_printf(&l->path, err, "%s/databases", state_dir) ||
	    (key_file != NULL ? str_dup(&l->key_path, key_file, err)
			      : str_printf(&l->key_path, err, "%s/databases.key", state_dir)))
		return err->code;
	if (use == CONNECTIONS_CHANGE && lock(l, state_dir, err))
		return err->code;
	if (load(l, err))
		return err->code;
	*out = TAKE(l);
	return ERR_OK;
}

/* --- the list --- */

size_t
connections_count(const struct connections *l)
{
	return l->n;
}

const struct connection *
connections_at(const struct connections *l, size_t i)
{
	return &l->items[i];
}

/* Where the name is, or would be. */
static size_t
position(const struct connections *l, const char *name, bool *is_there)
{
	size_t i = 0;
	while (i < l->n && strcmp(l->items[i].name, name) < 0)
		i++;
	*is_there = i < l->n && strcmp(l->items[i].name, name) == 0;
	return i;
}

const struct connection *
connections_find(const struct connections *l, const char *name)
{
	bool is_there;
	size_t i = position(l, name, &is_there);
	return is_there ? &l->items[i] : NULL;
}

enum err_code
connections_put(struct connections *l, struct connection *c, struct err *err)
{
	bool is_there;
	size_t i = position(l, c->name, &is_there);
	if (is_there) {
		connection_release(&l->items[i]);
	} else {
		if (ROOM_SHORT(l->items, l->n, err))
			return err->code;
		memmove(l->items + i + 1, l->items + i, (l->n - i) * sizeof *l->items);
		l->n++;
	}
	l->items[i] = *c;
	*c = (struct connection)CONNECTION_INIT;
	return ERR_OK;
}

enum err_code
connections_remove(struct connections *l, const char *name, struct err *err)
{
	bool is_there;
	size_t i = position(l, name, &is_there);
	if (!is_there)
		return err_set(err, ERR_NOT_FOUND, "there is no database called %s", name);
	connection_release(&l->items[i]);
	l->n--;
	memmove(l->items + i, l->items + i + 1, (l->n - i) * sizeof *l->items);
	return ERR_OK;
}
