#include "mount/fuse_ops.h"

#include <errno.h>
#include <limits.h>
#include <sys/statvfs.h>

/* What is in a snapshot never changes; the kernel may keep it. */
#define FIXED_TIMEOUT_S 86400.0
#define SHELVES_TIMEOUT_S 5.0

static struct view *
view_of_req(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static int
errno_of(const struct err *err)
{
	switch (err->code) {
	case ERR_NOT_FOUND:
		return ENOENT;
	case ERR_NO_MEMORY:
		return ENOMEM;
	case ERR_USAGE:
		return EINVAL;
	default:
		return EIO;
	}
}

static void
fill_entry(const struct view_item *item, struct fuse_entry_param *out)
{
	double timeout = item->is_fixed ? FIXED_TIMEOUT_S : SHELVES_TIMEOUT_S;
	*out = (struct fuse_entry_param){
		.ino = item->id.ino,
		.generation = item->id.generation,
		.attr = item->st,
		.attr_timeout = timeout,
		.entry_timeout = timeout,
	};
}

static void
op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	/* The session's descriptor does not block: no pipes in between. */
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE);
	conn->want |= conn->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
					  FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS);
	conn->max_readahead = 1 << 20;
}

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct err err = ERR_INIT;
	struct view_item item;
	struct fuse_entry_param e;
	if (view_lookup(view_of_req(req), parent, name, &item, &err)) {
		/* That there is no such name is remembered, too. */
		if (err.code != ERR_NOT_FOUND || parent < NODE_INO_FIRST) {
			fuse_reply_err(req, errno_of(&err));
			return;
		}
		e = (struct fuse_entry_param){ .entry_timeout = FIXED_TIMEOUT_S };
		fuse_reply_entry(req, &e);
		return;
	}
	fill_entry(&item, &e);
	if (fuse_reply_entry(req, &e) != 0)
		view_forget(view_of_req(req), item.id.ino, 1);
}

static void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	view_forget(view_of_req(req), ino, count);
	fuse_reply_none(req);
}

static void
op_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < n; i++)
		view_forget(view_of_req(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct err err = ERR_INIT;
	struct stat st;
	bool is_fixed;
	if (view_stat(view_of_req(req), ino, &st, &is_fixed, &err))
		fuse_reply_err(req, errno_of(&err));
	else
		fuse_reply_attr(req, &st, is_fixed ? FIXED_TIMEOUT_S : SHELVES_TIMEOUT_S);
}

static void
op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf target = BUF_INIT;
	if (view_target(view_of_req(req), ino, &target, &err)) {
		fuse_reply_err(req, errno_of(&err));
		return;
	}
	const char *text = buf_cstr(&target);
	if (text == NULL)
		fuse_reply_err(req, ENOMEM);
	else
		fuse_reply_readlink(req, text);
}

/* --- files --- */

static struct view_file *
file_of(const struct fuse_file_info *fi)
{
	return (struct view_file *)(uintptr_t)fi->fh;
}

static void
op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct err err = ERR_INIT;
	struct view_file *f;
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
		return;
	}
	if (view_file_open(&f, view_of_req(req), ino, &err)) {
		fuse_reply_err(req, errno_of(&err));
		return;
	}
	fi->fh = (uintptr_t)f;
	fi->keep_cache = 1;
	if (fuse_reply_open(req, fi) != 0)
		view_file_close(f);
}

static void
op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	struct err err = ERR_INIT;
	struct view_bytes bytes;
	if (view_file_read(file_of(fi), (uint64_t)offset, size, &bytes, &err)) {
		fuse_reply_err(req, errno_of(&err));
		return;
	}
	fuse_reply_iov(req, bytes.parts, bytes.count);
	view_bytes_release(&bytes);
}

static void
op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	view_file_close(file_of(fi));
	fuse_reply_err(req, 0);
}

/* --- folders --- */

static void
op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->keep_cache = ino >= NODE_INO_FIRST;
	fi->cache_readdir = ino >= NODE_INO_FIRST;
	fuse_reply_open(req, fi);
}

struct listing_reply {
	fuse_req_t req;
	char *data;
	size_t len;
	size_t size;
	bool with_attributes;
};

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
add_item(void *arg, const struct view_item *item, uint64_t next)
{
	struct listing_reply *r = arg;
	struct fuse_entry_param e;
	char name[NAME_MAX + 1];
	/* What no name on this system can be, an entry that was saved elsewhere might be. */
	if (item->name_len > NAME_MAX) {
		if (r->with_attributes)
			view_forget(view_of_req(r->req), item->id.ino, 1);
		return true;
	}
	memcpy(name, item->name, item->name_len);
	name[item->name_len] = '\0';
	size_t room = r->size - r->len;
	size_t need;
	if (r->with_attributes) {
		fill_entry(item, &e);
		if (is_dot(name))
			e.ino = 0;
		need = fuse_add_direntry_plus(
		    r->req, r->data + r->len, room, name, &e, (off_t)next);
	} else {
		need = fuse_add_direntry(
		    r->req, r->data + r->len, room, name, &item->st, (off_t)next);
	}
	if (need > room)
		return false;
	r->len += need;
	return true;
}

static void
list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, enum view_detail detail)
{
	struct err err = ERR_INIT;
	AUTO(mem) char *data = malloc(size);
	struct listing_reply r = { req, data, 0, size, detail == VIEW_ATTRIBUTES };
	if (data == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	enum err_code rc =
	    view_list(view_of_req(req), ino, (uint64_t)offset, detail, add_item, &r, &err);
	/* What was read before the damage is given first. */
	if (rc != ERR_OK && r.len == 0)
		fuse_reply_err(req, errno_of(&err));
	else
		fuse_reply_buf(req, data, r.len);
}

static void
op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, VIEW_NAMES);
}

static void
op_readdirplus(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, VIEW_ATTRIBUTES);
}

static void
op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0);
}

/* --- the rest --- */

static void
op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	struct statvfs s = { .f_bsize = PIECE_SIZE, .f_frsize = 4096, .f_namemax = NAME_MAX };
	s.f_flag = ST_RDONLY;
	fuse_reply_statfs(req, &s);
}

/* With size 0 only the length is asked for. */
static void
reply_xattr(fuse_req_t req, const void *data, size_t len, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, len);
	else if (len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, len);
}

static void
op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct err err = ERR_INIT;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	bool is_there;
	if (view_entry(view_of_req(req), ino, &e, &is_there, &err)) {
		fuse_reply_err(req, errno_of(&err));
		return;
	}
	for (size_t i = 0; is_there && i < e.xattr_count; i++) {
		if (strcmp(e.xattrs[i].name, name) != 0)
			continue;
		reply_xattr(req, e.xattrs[i].value, e.xattrs[i].len, size);
		return;
	}
	fuse_reply_err(req, ENODATA);
}

static void
op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct err err = ERR_INIT;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf names = BUF_INIT;
	bool is_there;
	enum err_code rc = view_entry(view_of_req(req), ino, &e, &is_there, &err);
	for (size_t i = 0; rc == ERR_OK && is_there && i < e.xattr_count; i++)
		rc = buf_add(&names, e.xattrs[i].name, strlen(e.xattrs[i].name) + 1, &err);
	if (rc != ERR_OK)
		fuse_reply_err(req, errno_of(&err));
	else
		reply_xattr(req, names.data, names.len, size);
}

const struct fuse_lowlevel_ops view_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.open = op_open,
	.read = op_read,
	.release = op_release,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
};
