#include "net/aws_profile.h"

#include "base/strv.h"
#include "sys/env.h"
#include "sys/fs.h"

#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

/* A run of characters in the file. */
struct span {
	const char *p;
	size_t len;
};

static struct span
trim(const char *p, size_t len)
{
	while (len > 0 && (*p == ' ' || *p == '\t' || *p == '\r')) {
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t' || p[len - 1] == '\r'))
		len--;
	return (struct span){ p, len };
}

static bool
is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

/* Is this header, without its brackets, that of the profile? */
static bool
names_profile(struct span s, enum aws_file kind, const char *profile)
{
	static const char word[] = "profile";
	size_t n = sizeof word - 1;
	if (kind == AWS_CONFIG && s.len > n && memcmp(s.p, word, n) == 0 &&
	    (s.p[n] == ' ' || s.p[n] == '\t'))
		return is(trim(s.p + n, s.len - n), profile);
	return (kind == AWS_CREDENTIALS || strcmp(profile, "default") == 0) && is(s, profile);
}

/* Find the value of key in the profile; of one that is there twice, the last. */
static bool
find(const struct buf *text, enum aws_file kind, const char *profile, const char *key,
    struct span *value)
{
	const char *p = (const char *)text->data;
	const char *end = p + text->len;
	bool inside = false;
	bool exists = false;
	*value = (struct span){ NULL, 0 };
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((stop != NULL ? stop : end) - p);
		struct span line = trim(p, len);
		const char *equals = memchr(line.p, '=', line.len);
		bool is_nested = len > 0 && (*p == ' ' || *p == '\t');
		if (line.len > 1 && line.p[0] == '[' && line.p[line.len - 1] == ']') {
			inside = names_profile(trim(line.p + 1, line.len - 2), kind, profile);
			exists = exists || inside;
		} else if (inside && !is_nested && equals != NULL && line.p[0] != '#' &&
			   line.p[0] != ';' &&
			   is(trim(line.p, (size_t)(equals - line.p)), key)) {
			*value = trim(equals + 1, line.len - (size_t)(equals + 1 - line.p));
		}
		p += len + 1;
	}
	return exists;
}

static enum err_code
look(struct secret **out, bool *exists, enum aws_file kind, const char *path,
    const char *profile, const char *key, struct err *err)
{
	AUTO(secret_buf) struct buf text = BUF_INIT;
	struct span value;
	*exists = false;
	*out = NULL;
	if (path == NULL)
		return ERR_OK;
	if (fs_read_file(path, FILE_MAX, &text, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	if (text.len == 0)
		return ERR_OK;
	*exists = find(&text, kind, profile, key, &value);
	return value.len > 0 ? secret_copy(out, value.p, value.len, err) : ERR_OK;
}

enum err_code
aws_profile_get(struct secret **out, enum aws_file kind, const char *path, const char *profile,
    const char *key, struct err *err)
{
	bool exists;
	return look(out, &exists, kind, path, profile, key, err);
}

enum err_code
aws_profile_exists(
    bool *exists, enum aws_file kind, const char *path, const char *profile, struct err *err)
{
	AUTO(secret) struct secret *none = NULL;
	return look(&none, exists, kind, path, profile, "", err);
}

enum err_code
aws_profile_path(char **out, enum aws_file kind, struct err *err)
{
	const char *name =
	    kind == AWS_CONFIG ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE";
	const char *given = env_get(name);
	const char *home = env_get("HOME");
	if (given != NULL)
		return str_dup(out, given, err);
	*out = NULL;
	if (home == NULL)
		return ERR_OK;
	return str_printf(
	    out, err, "%s/.aws/%s", home, kind == AWS_CONFIG ? "config" : "credentials");
}
