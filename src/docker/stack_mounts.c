#include "base/room.h"
#include "docker/stack_parts.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Does dir hold path, or is it path? */
static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static enum err_code
add_use(struct stack_use **uses, size_t *n, size_t container, const struct stack_mount *m,
    struct err *err)
{
	if (ROOM_SHORT(*uses, *n, err))
		return err->code;
	(*uses)[*n] =
	    (struct stack_use){ .container = container, .is_read_only = m->is_read_only };
	if (str_dup(&(*uses)[*n].target, m->target, err))
		return err->code;
	(*n)++;
	return ERR_OK;
}

static void
free_uses(struct stack_use *uses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(uses[i].target);
	free(uses);
}

void
stack_mounts_release(struct stack *s)
{
	for (size_t i = 0; i < s->n_volumes; i++) {
		struct stack_volume *v = &s->volumes[i];
		free(v->name);
		free(v->key);
		free(v->driver);
		strv_release(&v->labels);
		strv_release(&v->options);
		free(v->mountpoint);
		free(v->source);
		free(v->why_not);
		free_uses(v->uses, v->n_uses);
		buf_release(&v->raw);
	}
	for (size_t i = 0; i < s->n_binds; i++) {
		struct stack_bind *b = &s->binds[i];
		free(b->path);
		free(b->source);
		free(b->why_not);
		free_uses(b->uses, b->n_uses);
	}
	free(s->volumes);
	free(s->binds);
}

/* "bind" among the words of the mount options in "o". */
static bool
is_bind(const char *type, const char *o)
{
	if (strcmp(type, "bind") == 0)
		return true;
	for (const char *p = o; *p != '\0'; p += strcspn(p, ","), p += *p == ',') {
		size_t n = strcspn(p, ",");
		if ((n == 4 && memcmp(p, "bind", 4) == 0) ||
		    (n == 5 && memcmp(p, "rbind", 5) == 0))
			return true;
	}
	return false;
}

/* Is something mounted at path?  A folder that cannot be seen has nothing mounted. */
static bool
is_mount_point(const char *path)
{
	struct stat st;
	struct stat up;
	struct err scratch;
	AUTO(str) char *above = NULL;
	return str_printf(&above, &scratch, "%s/..", path) == ERR_OK && stat(path, &st) == 0 &&
	       stat(above, &up) == 0 && st.st_dev != up.st_dev;
}

static bool
holds_something(const char *path)
{
	struct err scratch; /* what cannot be read is judged by who saves it */
	AUTO(strv) struct strv names = STRV_INIT;
	return fs_list_dir(path, &names, &scratch) != ERR_OK || names.len > 0;
}

static enum err_code
found(struct stack_volume *v, const char *place, struct err *err)
{
	v->is_by_engine = false;
	return str_dup(&v->source, place, err);
}

/* A driver that is no part of the engine may mount its files only while they are used: then the
 * folder is there, and empty. */
static enum err_code
find_foreign(struct stack_volume *v, const char *driver, const char *place, struct err *err)
{
	if (*place == '/' && fs_is_dir(place) &&
	    (is_mount_point(place) || holds_something(place)))
		return found(v, place, err);
	return str_printf(&v->why_not, err,
	    "volume driver %s keeps its files where they cannot be seen from here%s%s", driver,
	    *place == '/' ? ": nothing is at " : "", *place == '/' ? place : "");
}

/* A local volume with a device that is no folder of this host: a share. */
static enum err_code
find_share(struct stack_volume *v, const char *type, const char *device, const char *place,
    struct err *err)
{
	if (is_mount_point(place))
		return found(v, place, err);
	return str_printf(&v->why_not, err,
	    "it is mounted from %s (type %s) only while a container that uses it runs: start "
	    "one, and back up again",
	    device, *type != '\0' ? type : "not told");
}

/* Where a volume's files are, or why they cannot be had.  A local volume with a device is
 * mounted on its mountpoint only while it is used. */
static enum err_code
find_volume(struct stack_volume *v, bool is_local, const json_t *doc, struct err *err)
{
	const json_t *options = json_object_get(doc, "Options");
	const char *driver = json_get_text(doc, "Driver");
	const char *device = json_get_text(options, "device");
	const char *type = json_get_text(options, "type");
	const char *place = json_get_text(doc, "Mountpoint");
	if (strcmp(driver, "local") == 0 && strcasecmp(type, "tmpfs") == 0) {
		v->has_nothing = true;
		return str_dup(&v->why_not, "tmpfs: kept in memory only", err);
	}
	v->is_by_engine = true; /* unless it is found below */
	if (!is_local)
		return str_dup(&v->why_not, "the engine is on another machine", err);
	if (strcmp(driver, "local") != 0)
		return find_foreign(v, driver, place, err);
	if (*device != '\0') {
		if (!is_bind(type, json_get_text(options, "o")))
			return find_share(v, type, device, place, err);
		place = device;
	}
	if (!fs_is_dir(place))
		return str_printf(&v->why_not, err,
		    "its folder %s cannot be seen from here (another host, or not root)",
		    place);
	return found(v, place, err);
}

static struct stack_volume *
volume_named(const struct stack *s, const char *name)
{
	for (size_t i = 0; i < s->n_volumes; i++)
		if (strcmp(s->volumes[i].name, name) == 0)
			return &s->volumes[i];
	return NULL;
}

/* Anonymous volumes have 64 hexadecimal digits for a name. */
static bool
is_anonymous(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static enum err_code
read_volume(struct stack_volume *v, const struct stack *s, bool is_local, const json_t *doc,
    struct err *err)
{
	const json_t *labels = json_object_get(doc, "Labels");
	bool is_ours = strcmp(json_get_text(labels, LABEL_PROJECT), s->name) == 0;
	const char *key = json_get_str(labels, LABEL_VOLUME);
	v->is_anonymous = is_anonymous(v->name);
	v->is_external = !is_ours && !v->is_anonymous;
	if (is_ours && key != NULL && str_dup(&v->key, key, err))
		return err->code;
	if (copy_at(&v->driver, doc, "Driver", err) ||
	    copy_at(&v->mountpoint, doc, "Mountpoint", err) ||
	    copy_pairs(&v->labels, labels, err) ||
	    copy_pairs(&v->options, json_object_get(doc, "Options"), err))
		return err->code;
	return find_volume(v, is_local, doc, err);
}

/* Append the volume of that name, which is not there yet. */
static enum err_code
add_volume(struct stack *s, struct docker *d, const char *name, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_volume_inspect(d, name, &doc, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK; /* removed since it was listed */
	if (rc != ERR_OK)
		return rc;
	if (ROOM_SHORT(s->volumes, s->n_volumes, err))
		return err->code;
	struct stack_volume *v = &s->volumes[s->n_volumes];
	*v = (struct stack_volume){ 0 };
	if (str_dup(&v->name, name, err))
		return err->code;
	s->n_volumes++;
	if (read_volume(v, s, docker_is_local(d), doc.json, err))
		return err->code;
	v->raw = doc.raw;
	doc.raw = (struct buf)BUF_INIT;
	return ERR_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct stack_volume *x = a;
	const struct stack_volume *y = b;
	return strcmp(x->name, y->name);
}

static enum err_code
read_volumes(struct stack *s, struct docker *d, struct err *err)
{
	AUTO(str) char *label = NULL;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (str_printf(&label, err, LABEL_PROJECT "=%s", s->name) ||
	    docker_volume_list(d, label, &doc, err))
		return err->code;
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(doc.json, "Volumes"), i, item)
	{
		if (add_volume(s, d, json_get_text(item, "Name"), err))
			return err->code;
	}
	for (size_t c = 0; c < s->n_containers; c++) {
		for (size_t m = 0; m < s->containers[c].n_mounts; m++) {
			const struct stack_mount *mount = &s->containers[c].mounts[m];
			if (mount->kind == MOUNT_VOLUME &&
			    volume_named(s, mount->source) == NULL &&
			    add_volume(s, d, mount->source, err))
				return err->code;
		}
	}
	if (s->n_volumes > 1)
		qsort(s->volumes, s->n_volumes, sizeof *s->volumes, by_name);
	return ERR_OK;
}

/* Why a host path is no part of the stack, or NULL. */
static const char *
special_path(const char *path, const char *data_root)
{
	static const char *const kernel[] = { "/proc", "/sys", "/dev" };
	static const char *const settings[] = { "/etc/localtime", "/etc/timezone", "/etc/hosts",
		"/etc/hostname", "/etc/resolv.conf", "/etc/machine-id", "/etc/passwd",
		"/etc/group", "/etc/shadow", "/etc/os-release", "/lib/modules",
		"/usr/lib/modules", "/usr/share/zoneinfo" };
	if (strcmp(path, "/") == 0)
		return "the whole host";
	for (size_t i = 0; i < ARRAY_LEN(kernel); i++)
		if (is_below(path, kernel[i]))
			return "a view of the running kernel, not files";
	if (is_below(path, "/run") || is_below(path, "/var/run"))
		return "made anew at every boot of the host";
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (is_below(path, settings[i]))
			return "a setting of the host, not of the stack";
	if (*data_root != '\0' && (is_below(data_root, path) || strcmp(path, data_root) == 0))
		return "holds the engine's own data";
	return NULL;
}

/* Why what lies at a path cannot be captured from there, or NULL. */
static const char *
special_file(const char *path, bool *is_folder, bool *is_absent)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		*is_absent = errno != EACCES;
		return errno == EACCES ? "no permission to read it"
				       : "it cannot be found on this host";
	}
	*is_folder = S_ISDIR(st.st_mode);
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		return NULL;
	return S_ISSOCK(st.st_mode) ? "a socket, which the program behind it makes anew"
				    : "a device or pipe, not a file";
}

static enum err_code
judge_bind(struct stack_bind *b, const struct stack_mount *m, const char *data_root,
    bool is_local, struct err *err)
{
	const char *why = NULL;
	if (b->kind == MOUNT_VALUE)
		return str_printf(&b->why_not, err,
		    "its value is the environment variable %s of whoever starts the stack",
		    m->source);
	if (b->kind == MOUNT_TMPFS)
		why = "tmpfs: kept in memory only";
	else if (b->kind != MOUNT_BIND)
		why = "a kind of mount that is not known";
	else
		why = special_path(b->path, data_root);
	bool is_absent = false;
	const char *file_why = NULL;
	if (b->kind == MOUNT_BIND && is_local)
		file_why = special_file(b->path, &b->is_folder, &is_absent);
	else if (b->kind == MOUNT_BIND)
		file_why = "the engine is on another machine";
	b->is_by_engine = why == NULL && file_why != NULL && (is_absent || !is_local);
	if (why == NULL)
		why = file_why;
	return why != NULL ? str_dup(&b->why_not, why, err) : str_dup(&b->source, b->path, err);
}

static enum err_code
bind_at(struct stack *s, const struct stack_mount *m, const char *data_root, bool is_local,
    struct stack_bind **out, struct err *err)
{
	bool is_inside = m->kind == MOUNT_TMPFS || m->kind == MOUNT_VALUE;
	const char *path = is_inside ? m->target : m->source;
	for (size_t i = 0; i < s->n_binds; i++) {
		if (s->binds[i].kind == m->kind && strcmp(s->binds[i].path, path) == 0) {
			*out = &s->binds[i];
			return ERR_OK;
		}
	}
	if (ROOM_SHORT(s->binds, s->n_binds, err))
		return err->code;
	struct stack_bind *b = &s->binds[s->n_binds];
	*b = (struct stack_bind){ .kind = m->kind, .is_read_only = true };
	if (str_dup(&b->path, path, err))
		return err->code;
	s->n_binds++;
	*out = b;
	return judge_bind(b, m, data_root, is_local, err);
}

static int
by_path(const void *a, const void *b)
{
	const struct stack_bind *x = a;
	const struct stack_bind *y = b;
	int n = strcmp(x->path, y->path);
	return n != 0 ? n : (int)x->kind - (int)y->kind;
}

/* Binds are made, and volumes told, who uses them. */
static enum err_code
read_uses(struct stack *s, const char *data_root, bool is_local, struct err *err)
{
	for (size_t c = 0; c < s->n_containers; c++) {
		for (size_t i = 0; i < s->containers[c].n_mounts; i++) {
			const struct stack_mount *m = &s->containers[c].mounts[i];
			if (m->kind == MOUNT_VOLUME) {
				struct stack_volume *v = volume_named(s, m->source);
				if (v != NULL && add_use(&v->uses, &v->n_uses, c, m, err))
					return err->code;
				continue;
			}
			struct stack_bind *b = NULL;
			if (bind_at(s, m, data_root, is_local, &b, err) ||
			    add_use(&b->uses, &b->n_uses, c, m, err))
				return err->code;
			b->is_read_only = b->is_read_only && m->is_read_only;
		}
	}
	if (s->n_binds > 1)
		qsort(s->binds, s->n_binds, sizeof *s->binds, by_path);
	return ERR_OK;
}

enum err_code
stack_add_missing_volume(
    struct stack *s, const char *name, const char *key, bool is_external, struct err *err)
{
	if (volume_named(s, name) != NULL)
		return ERR_OK;
	if (ROOM_SHORT(s->volumes, s->n_volumes, err))
		return err->code;
	struct stack_volume *v = &s->volumes[s->n_volumes++];
	*v = (struct stack_volume){ .has_nothing = true, .is_external = is_external };
	if (str_dup(&v->name, name, err) || str_dup(&v->driver, "local", err) ||
	    str_dup(&v->mountpoint, "", err) || (!is_external && str_dup(&v->key, key, err)) ||
	    str_dup(&v->why_not, "the engine has no such volume: nothing was ever in it", err))
		return err->code;
	qsort(s->volumes, s->n_volumes, sizeof *s->volumes, by_name);
	return ERR_OK;
}

enum err_code
stack_mounts_read(struct stack *s, struct docker *d, struct err *err)
{
	AUTO(docker_info) struct docker_info info = DOCKER_INFO_INIT;
	s->is_far = !docker_is_local(d);
	if (docker_info(d, &info, err) || read_volumes(s, d, err))
		return err->code;
	return read_uses(s, info.data_root, docker_is_local(d), err);
}
