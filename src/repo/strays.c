#include "repo/strays.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/strv.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".strays"
#define NAME_BYTES 8
/* Of one file; a run that puts more has written indexes meanwhile. */
#define PACKS_MAX 4096

struct strays {
	struct strays *next;
	char *path;
	int fd;
	bool is_cut; /* by a disk that was full: what follows would not be read */
};

static void
strays_free(struct strays *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

/* Open and locked: a file of its own, or one that a writer who lives no more has left.
 * ERR_LOCKED when he lives. */
static enum err_code
take_file(struct strays **out, const char *folder, const char *name, int flags, struct err *err)
{
	struct strays *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->fd = -1;
	if (str_printf(&s->path, err, "%s/%s", folder, name) == ERR_OK) {
		s->fd = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
		if (s->fd < 0)
			err_sys(err, "%s", s->path);
		else if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
			err_set(err, ERR_LOCKED, "%s: its writer lives", s->path);
		else {
			*out = s;
			return ERR_OK;
		}
	}
	strays_free(s);
	return err->code;
}

struct strays *
strays_open(const char *cache_dir)
{
	struct err why = ERR_INIT;
	struct strays *s = NULL;
	uint8_t random[NAME_BYTES];
	char name[2 * NAME_BYTES + sizeof SUFFIX];
	if (cache_dir == NULL)
		return NULL;
	enum err_code rc = rand_bytes(random, sizeof random, &why);
	if (rc == ERR_OK) {
		hex_encode(name, random, sizeof random);
		memcpy(name + 2 * NAME_BYTES, SUFFIX, sizeof SUFFIX);
		rc = take_file(&s, cache_dir, name, O_CREAT | O_EXCL | O_APPEND, &why);
	}
	if (rc != ERR_OK)
		log_debug("packs are not noted: %s", why.msg);
	return s;
}

void
strays_note(struct strays *s, const struct id *pack)
{
	struct err why;
	if (s == NULL || s->is_cut)
		return;
	s->is_cut = fd_write_all(s->fd, pack->b, ID_SIZE, &why) != ERR_OK;
	if (s->is_cut)
		log_debug("%s: %s", s->path, why.msg);
}

void
strays_settle(struct strays *s)
{
	if (s == NULL)
		return;
	s->is_cut = ftruncate(s->fd, 0) != 0;
	if (s->is_cut)
		log_debug("%s: %s", s->path, strerror(errno));
}

void
strays_close(struct strays *s)
{
	struct stat st;
	if (s == NULL)
		return;
	if (fstat(s->fd, &st) == 0 && st.st_size == 0)
		unlink(s->path);
	strays_free(s);
}

/* --- what others have left --- */

static enum err_code
read_packs(const struct strays *s, struct pack_list *out, struct err *err)
{
	uint8_t ids[64 * ID_SIZE];
	size_t got = sizeof ids;
	for (uint64_t at = 0; got == sizeof ids && out->count < PACKS_MAX; at += got) {
		if (fd_pread_full(s->fd, ids, sizeof ids, at, &got, err))
			return err->code;
		for (size_t i = 0; i + ID_SIZE <= got; i += ID_SIZE) {
			struct id id;
			memcpy(&id, ids + i, sizeof id);
			if (pack_list_add(out, &id, err))
				return err->code;
		}
	}
	return ERR_OK;
}

static enum err_code
look_at(struct strays_left *l, const char *folder, const char *name, struct err *err)
{
	struct strays *s;
	if (!str_ends(name, SUFFIX))
		return ERR_OK;
	if (take_file(&s, folder, name, 0, err))
		return err->code == ERR_LOCKED || err->code == ERR_NOT_FOUND ? ERR_OK
									     : err->code;
	s->next = l->files;
	l->files = s;
	return read_packs(s, &l->packs, err);
}

void
strays_look(struct strays_left *out, const char *cache_dir)
{
	struct err why;
	AUTO(strv) struct strv names = STRV_INIT;
	*out = (struct strays_left){ PACK_LIST_INIT, NULL };
	if (cache_dir == NULL)
		return;
	enum err_code rc = fs_list_dir(cache_dir, &names, &why);
	for (size_t i = 0; i < names.len && rc == ERR_OK; i++)
		rc = look_at(out, cache_dir, names.items[i], &why);
	if (rc != ERR_OK)
		log_debug("packs that were noted: %s", why.msg);
	pack_list_sort(&out->packs);
}

void
strays_forget(struct strays_left *l)
{
	for (const struct strays *s = l->files; s != NULL; s = s->next)
		unlink(s->path);
}

void
strays_left_release(struct strays_left *l)
{
	for (struct strays *s = l->files, *next; s != NULL; s = next) {
		next = s->next;
		strays_free(s);
	}
	l->files = NULL;
	pack_list_release(&l->packs);
}
