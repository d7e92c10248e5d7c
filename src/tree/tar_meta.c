#include "tree/tar_meta.h"

#include "base/room.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/sysmacros.h>

#define NOBODY 65534

/* The kernel's form of a POSIX ACL (linux/posix_acl_xattr.h): a version, then for each entry
 * tag, permissions and id, sorted by tag and id. */
#define ACL_VERSION 2
#define ACL_NO_ID UINT32_MAX
#define ACL_MAX 512

struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

void
tar_meta_release(struct tar_meta *m)
{
	free(m->xattrs);
	buf_release(&m->acls[0]);
	buf_release(&m->acls[1]);
}

static uint16_t
acl_tag(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return 0x01;
	case ARCHIVE_ENTRY_ACL_USER:
		return 0x02;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return 0x04;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return 0x08;
	case ARCHIVE_ENTRY_ACL_MASK:
		return 0x10;
	case ARCHIVE_ENTRY_ACL_OTHER:
		return 0x20;
	default:
		return 0;
	}
}

/* The number of a user or group that an archive knows by name only; false when this host has
 * none. */
static bool
id_of_name(uint16_t tag, const char *name, uint32_t *out)
{
	char space[4096];
	if (name == NULL)
		return false;
	if (tag == 0x02) {
		struct passwd pw;
		struct passwd *found = NULL;
		if (getpwnam_r(name, &pw, space, sizeof space, &found) != 0 || found == NULL)
			return false;
		*out = found->pw_uid;
		return true;
	}
	struct group gr;
	struct group *found = NULL;
	if (getgrnam_r(name, &gr, space, sizeof space, &found) != 0 || found == NULL)
		return false;
	*out = found->gr_gid;
	return true;
}

static int
by_tag_and_id(const void *a, const void *b)
{
	const struct acl_entry *x = a;
	const struct acl_entry *y = b;
	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* The entries of one kind of ACL; false when one of them cannot be kept. */
static bool
collect_acl(struct archive_entry *from, int type, struct acl_entry *all, size_t *count)
{
	int got, perm, tag, id;
	const char *name;
	*count = 0;
	if (archive_entry_acl_reset(from, type) <= 0)
		return true;
	while (
	    archive_entry_acl_next(from, type, &got, &perm, &tag, &id, &name) == ARCHIVE_OK) {
		struct acl_entry a = { acl_tag(tag), (uint16_t)(perm & 7), ACL_NO_ID };
		bool has_id = a.tag == 0x02 || a.tag == 0x08;
		if (a.tag == 0 || *count == ACL_MAX)
			return false;
		if (has_id && id >= 0)
			a.id = (uint32_t)id;
		else if (has_id && !id_of_name(a.tag, name, &a.id))
			return false;
		all[(*count)++] = a;
	}
	return true;
}

static enum err_code
encode_acl(
    struct archive_entry *from, int type, struct buf *out, bool *is_lost, struct err *err)
{
	struct acl_entry all[ACL_MAX];
	size_t count;
	out->len = 0;
	if (!collect_acl(from, type, all, &count)) {
		*is_lost = true;
		return ERR_OK;
	}
	if (count == 0)
		return ERR_OK;
	qsort(all, count, sizeof all[0], by_tag_and_id);
	if (buf_u32(out, ACL_VERSION, err))
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (buf_u16(out, all[i].tag, err) || buf_u16(out, all[i].perm, err) ||
		    buf_u32(out, all[i].id, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
add_xattr(struct tar_meta *m, size_t *count, const char *name, const void *value, size_t len,
    struct err *err)
{
	/* A later one of the same name counts. */
	for (size_t i = 0; i < *count; i++) {
		if (strcmp(m->xattrs[i].name, name) != 0)
			continue;
		m->xattrs[i] = (struct tree_xattr){ name, value, len };
		return ERR_OK;
	}
	if (ROOM(m->xattrs, *count, m->xattr_cap, 8, err))
		return err->code;
	m->xattrs[(*count)++] = (struct tree_xattr){ name, value, len };
	return ERR_OK;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    ((const struct tree_xattr *)a)->name, ((const struct tree_xattr *)b)->name);
}

static enum err_code
read_xattrs(struct tar_meta *m, struct tree_entry *out, struct archive_entry *from,
    bool *is_lost, struct err *err)
{
	static const struct {
		int type;
		const char *name;
	} acls[] = { { ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access" },
		{ ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default" } };
	const char *name;
	const void *value;
	size_t len;
	size_t count = 0;
	archive_entry_xattr_reset(from);
	while (archive_entry_xattr_next(from, &name, &value, &len) == ARCHIVE_OK)
		if (name != NULL && *name != '\0' &&
		    add_xattr(m, &count, name, value, len, err))
			return err->code;
	for (size_t i = 0; i < ARRAY_LEN(acls); i++) {
		struct buf *acl = &m->acls[i];
		if (encode_acl(from, acls[i].type, acl, is_lost, err))
			return err->code;
		if (acl->len > 0 &&
		    add_xattr(m, &count, acls[i].name, acl->data, acl->len, err))
			return err->code;
	}
	if ((archive_entry_acl_types(from) & ARCHIVE_ENTRY_ACL_TYPE_NFS4) != 0)
		*is_lost = true;
	if (count > 0)
		qsort(m->xattrs, count, sizeof m->xattrs[0], by_name);
	out->xattrs = m->xattrs;
	out->xattr_count = count;
	return ERR_OK;
}

static enum err_code
read_type(struct tree_entry *out, struct archive_entry *from, struct err *err)
{
	switch (archive_entry_filetype(from)) {
	case AE_IFREG:
		out->type = TREE_FILE;
		return ERR_OK;
	case AE_IFDIR:
		out->type = TREE_DIR;
		return ERR_OK;
	case AE_IFLNK:
		out->type = TREE_SYMLINK;
		out->target = archive_entry_symlink(from);
		if (out->target == NULL || *out->target == '\0')
			return err_set(err, ERR_UNSUPPORTED, "a symlink to nothing");
		out->target_len = strlen(out->target);
		return ERR_OK;
	case AE_IFCHR:
	case AE_IFBLK:
		out->type = archive_entry_filetype(from) == AE_IFCHR ? TREE_CHAR_DEVICE
								     : TREE_BLOCK_DEVICE;
		out->rdev_major = (uint32_t)archive_entry_rdevmajor(from);
		out->rdev_minor = (uint32_t)archive_entry_rdevminor(from);
		return ERR_OK;
	case AE_IFIFO:
		out->type = TREE_FIFO;
		return ERR_OK;
	case AE_IFSOCK:
		out->type = TREE_SOCKET;
		return ERR_OK;
	default:
		return err_set(err, ERR_UNSUPPORTED, "a thing of a kind that is not known");
	}
}

static uint32_t
owner_number(int64_t n, bool *is_lost)
{
	if (n >= 0 && n < UINT32_MAX)
		return (uint32_t)n;
	*is_lost = true;
	return NOBODY;
}

static const char *
name_or_null(const char *name)
{
	return name != NULL && *name != '\0' ? name : NULL;
}

enum err_code
tar_meta_read(struct tar_meta *m, struct tree_entry *out, struct archive_entry *from,
    const char **lost, struct err *err)
{
	struct tree_entry e = TREE_ENTRY_INIT;
	bool no_owner = false;
	bool no_acl = false;
	long ns = archive_entry_mtime_nsec(from);
	if (read_type(&e, from, err))
		return err->code;
	e.mode = (uint32_t)archive_entry_perm(from) & 07777;
	e.uid = owner_number(archive_entry_uid(from), &no_owner);
	e.gid = owner_number(archive_entry_gid(from), &no_owner);
	e.user = name_or_null(archive_entry_uname(from));
	e.group = name_or_null(archive_entry_gname(from));
	e.modified.s = archive_entry_mtime(from);
	e.modified.ns = ns >= 0 && ns < 1000000000 ? (uint32_t)ns : 0;
	if (read_xattrs(m, &e, from, &no_acl, err))
		return err->code;
	*lost = no_owner ? "its owner's number is none: kept as nobody's"
		: no_acl ? "its ACL names somebody whom this host does not know: left out"
			 : "";
	*out = e;
	return ERR_OK;
}
