/*
 * page_pack: the files of a folder, as what src/serve/assets.h declares.
 *
 *	page_pack FOLDER STUB OUT.c OUT.S OUT.bin OUT.d [ADDRESS FILE]...
 *
 * STUB is taken when FOLDER has not been built: it has no index.html.
 * A tool of the build: runs on the machine that builds, and ends at the first error.
 */
#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define FILES_MAX 2048
#define FILE_MAX (16L << 20)

struct file {
	char *from; /* where it is read from */
	char *path; /* "/index.html" */
	unsigned char *data;
	size_t len;
};

static struct file files[FILES_MAX];
static size_t count;
static size_t root_len;

static _Noreturn void
die(const char *what, const char *which)
{
	fprintf(stderr, "page_pack: %s: %s%s%s\n", which, what, errno != 0 ? ": " : "",
	    errno != 0 ? strerror(errno) : "");
	exit(1);
}

static void *
need(void *p)
{
	if (p == NULL)
		die("out of memory", "page");
	return p;
}

static bool
ends_with(const char *path, const char *end)
{
	size_t len = strlen(path);
	size_t n = strlen(end);
	return len > n && strcmp(path + len - n, end) == 0;
}

static void
read_file(struct file *f)
{
	FILE *in = fopen(f->from, "rb");
	if (in == NULL || fseek(in, 0, SEEK_END) != 0)
		die("cannot be read", f->from);
	long len = ftell(in);
	if (len < 0 || len > FILE_MAX)
		die("is too long for a page", f->from);
	rewind(in);
	f->len = (size_t)len;
	f->data = need(calloc(1, f->len + 1));
	if (fread(f->data, 1, f->len, in) != f->len)
		die("cannot be read", f->from);
	fclose(in);
}

static void
add_file(const char *from, const char *address)
{
	if (count == FILES_MAX)
		die("too many files for a page", from);
	/* They become texts in C, and addresses. */
	if (strpbrk(address, "\"\\\n $#:%") != NULL)
		die("has a name that a page's file cannot have", from);
	struct file *f = &files[count++];
	f->from = need(strdup(from));
	f->path = need(strdup(address));
	read_file(f);
}

static int
found(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)where;
	if (kind == FTW_DNR || kind == FTW_NS)
		die("cannot be read", path);
	/* Packed copies are made here. */
	if (kind != FTW_F || strstr(path + root_len, "/.") != NULL || ends_with(path, ".gz") ||
	    ends_with(path, ".br"))
		return 0;
	add_file(path, path + root_len);
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static const struct {
	const char *end;
	const char *type;
	bool packs;
} types[] = {
	{ ".html", "text/html; charset=utf-8", true },
	{ ".js", "text/javascript; charset=utf-8", true },
	{ ".mjs", "text/javascript; charset=utf-8", true },
	{ ".css", "text/css; charset=utf-8", true },
	{ ".json", "application/json", true },
	{ ".webmanifest", "application/manifest+json", true },
	{ ".svg", "image/svg+xml", true },
	{ ".txt", "text/plain; charset=utf-8", true },
	{ ".ico", "image/x-icon", true },
	{ ".png", "image/png", false },
	{ ".jpg", "image/jpeg", false },
	{ ".webp", "image/webp", false },
	{ ".woff2", "font/woff2", false },
	{ NULL, "application/octet-stream", false },
};

static size_t
type_of(const char *path)
{
	size_t i = 0;
	while (types[i].end != NULL && !ends_with(path, types[i].end))
		i++;
	return i;
}

/* *len is 0 when gzip does not make it a good deal smaller. */
static unsigned char *
gzip(const struct file *f, size_t *len)
{
	z_stream z = { 0 };
	size_t room = f->len + 1024;
	unsigned char *out = need(malloc(room));
	if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		die("zlib does not begin", f->from);
	z.next_in = f->data;
	z.avail_in = (uInt)f->len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	const bool is_whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
	*len = is_whole && z.total_out < f->len - f->len / 10 ? z.total_out : 0;
	deflateEnd(&z);
	return out;
}

static void
sha256(unsigned char out[32], const void *data, size_t len)
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
		die("no SHA-256", "page");
}

/* Vite puts a hash into the names of what it makes: name-Bx3_9-fQ.js */
static bool
is_immutable(const char *path)
{
	const char *dot = strrchr(path, '.');
	return strncmp(path, "/assets/", 8) == 0 && dot != NULL && dot - path > 17 &&
	       dot[-9] == '-';
}

static void
write_row(FILE *c, FILE *bin, const struct file *f, size_t *at)
{
	unsigned char hash[32];
	const size_t type = type_of(f->path);
	size_t packed_len = 0;
	unsigned char *packed = types[type].packs ? gzip(f, &packed_len) : NULL;
	sha256(hash, f->data, f->len);
	fprintf(c, "\t{ \"%s\", \"%s\", \"\\\"", f->path, types[type].type);
	for (size_t i = 0; i < 16; i++)
		fprintf(c, "%02x", hash[i]);
	fprintf(c, "\\\"\", %zu, %zu, %zu, %zu, %s },\n", *at, f->len, *at + f->len, packed_len,
	    is_immutable(f->path) ? "true" : "false");
	if (fwrite(f->data, 1, f->len, bin) != f->len ||
	    fwrite(packed != NULL ? packed : hash, 1, packed_len, bin) != packed_len)
		die("cannot be written", f->path);
	*at += f->len + packed_len;
	free(packed);
}

/* The policy allows scripts that stand in the page by their hash only. */
static void
write_scripts(FILE *c, const char *html)
{
	fputs("const char assets_scripts[] = \"", c);
	for (const char *p = html; (p = strstr(p, "<script")) != NULL;) {
		const char *body = strchr(p, '>');
		const char *end = body != NULL ? strstr(body, "</script>") : NULL;
		if (end == NULL)
			break;
		const char *src = strstr(p, " src");
		if (src == NULL || src > body) {
			unsigned char hash[32];
			unsigned char text[48];
			sha256(hash, body + 1, (size_t)(end - body - 1));
			EVP_EncodeBlock(text, hash, sizeof hash);
			fprintf(c, " 'sha256-%s'", (const char *)text);
		}
		p = end;
	}
	fputs("\";\n", c);
}

static void
write_table(FILE *c, FILE *bin)
{
	size_t at = 0;
	const struct file *index = NULL;
	fputs("#include \"serve/assets.h\"\n\nconst struct asset assets[] = {\n", c);
	for (size_t i = 0; i < count; i++) {
		write_row(c, bin, &files[i], &at);
		if (strcmp(files[i].path, "/index.html") == 0)
			index = &files[i];
	}
	if (index == NULL)
		die("there is no index.html", "page");
	fprintf(c, "};\nconst size_t assets_count = %zu;\n", count);
	write_scripts(c, (const char *)index->data);
}

static FILE *
create(const char *path)
{
	FILE *f = fopen(path, "wb");
	if (f == NULL)
		die("cannot be written", path);
	return f;
}

static void
finish(FILE *f, const char *path)
{
	if (ferror(f) || fclose(f) != 0)
		die("cannot be written", path);
}

/* Without the last line the linker would make the whole program's stack executable. */
static const char assembly[] = "\t.section .rodata\n"
			       "\t.balign 16\n"
			       "\t.globl assets_bytes\n"
			       "\t.hidden assets_bytes\n"
			       "\t.type assets_bytes, %%object\n"
			       "assets_bytes:\n"
			       "\t.incbin \"%s\"\n"
			       "\t.byte 0\n"
			       "\t.size assets_bytes, . - assets_bytes\n"
			       "\t.section .note.GNU-stack, \"\", %%progbits\n";

/* A prerequisite as make writes it. */
static void
depend(FILE *dep, const char *path)
{
	fputc(' ', dep);
	for (; *path != '\0'; path++) {
		if (*path == ' ' || *path == '#' || *path == '\\')
			fputc('\\', dep);
		fputs(*path == '$' ? "$$" : (char[]){ *path, '\0' }, dep);
	}
}

static bool
is_built(const char *folder)
{
	size_t room = strlen(folder) + sizeof "/index.html";
	char *index = need(malloc(room));
	snprintf(index, room, "%s/index.html", folder);
	const bool is = access(index, R_OK) == 0;
	free(index);
	return is;
}

/* It, or the folder in which it will appear. */
static void
depend_on_folder(FILE *dep, const char *folder)
{
	if (access(folder, F_OK) == 0) {
		depend(dep, folder);
		return;
	}
	char *copy = need(strdup(folder));
	depend(dep, dirname(copy));
	free(copy);
}

int
main(int argc, char **argv)
{
	if (argc < 7 || argc % 2 == 0)
		die("usage: page_pack FOLDER STUB OUT.c OUT.S OUT.bin OUT.d [ADDRESS FILE]...",
		    "page_pack");
	char *folder = is_built(argv[1]) ? argv[1] : argv[2];
	root_len = strlen(folder);
	if (nftw(folder, found, 16, FTW_PHYS) != 0)
		die("cannot be walked", folder);
	for (int i = 7; i < argc; i += 2)
		add_file(argv[i + 1], argv[i]);
	errno = 0;
	qsort(files, count, sizeof files[0], by_path);

	FILE *c = create(argv[3]);
	FILE *s = create(argv[4]);
	FILE *bin = create(argv[5]);
	FILE *dep = create(argv[6]);
	write_table(c, bin);
	char *whole = need(realpath(argv[5], NULL));
	fprintf(s, assembly, whole);
	free(whole);
	fprintf(dep, "%s:", argv[3]);
	depend_on_folder(dep, argv[1]);
	for (size_t i = 0; i < count; i++) {
		depend(dep, files[i].from);
		free(files[i].from);
		free(files[i].path);
		free(files[i].data);
	}
	fputs("\n", dep);
	finish(c, argv[3]);
	finish(s, argv[4]);
	finish(bin, argv[5]);
	finish(dep, argv[6]);
	return 0;
}
