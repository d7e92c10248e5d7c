#include "db/target.h"

#include "db/tool.h"

#include <string.h>

#define SECRET_MAX ((size_t)64 << 10)

const char *
path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static const char *
find_env(const struct db_target *t, const char *name, size_t len)
{
	for (size_t i = 0; t->env != NULL && i < t->env->len; i++) {
		const char *e = t->env->items[i];
		if (strncmp(e, name, len) == 0 && e[len] == '=')
			return e + len + 1;
	}
	return NULL;
}

const char *
target_env(const struct db_target *t, const char *name)
{
	return find_env(t, name, strlen(name));
}

const char *
target_env_any(const struct db_target *t, const char *const *names)
{
	for (; *names != NULL; names++) {
		const char *value = target_env(t, *names);
		if (value != NULL && *value != '\0')
			return value;
	}
	return NULL;
}

static bool
is_name_byte(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch >= '0' && ch <= '9') || ch == '_';
}

/* s is behind a '$': adds the variable's value, and gives what lies behind its name. */
static const char *
add_variable(struct buf *word, const struct db_target *t, const char *s, struct err *err)
{
	bool braced = *s == '{';
	const char *name = braced ? s + 1 : s;
	size_t len = 0;
	while (is_name_byte(name[len]))
		len++;
	const char *value = find_env(t, name, len);
	/* The buffer is checked once at the end of the word. */
	if (value != NULL && buf_str(word, value, err))
		return NULL;
	const char *rest = name + len;
	if (braced)
		rest = *rest == '}' ? rest + 1 : strchrnul(rest, '}');
	if (braced && *rest == '}')
		rest++;
	return rest;
}

/* "$(...)" is kept as text. */
static const char *
add_substitution(struct buf *word, const char *s, struct err *err)
{
	const char *end = strchrnul(s, ')');
	if (*end == ')')
		end++;
	return buf_add(word, s, (size_t)(end - s), err) ? NULL : end;
}

/* One piece of a word: a plain byte, an escaped one, or an expansion. */
static const char *
add_piece(
    struct buf *word, const struct db_target *t, const char *s, char quote, struct err *err)
{
	if (*s == '$' && quote != '\'' && s[1] == '(')
		return add_substitution(word, s, err);
	if (*s == '$' && quote != '\'' && (s[1] == '{' || is_name_byte(s[1])))
		return add_variable(word, t, s + 1, err);
	if (*s == '\\' && quote != '\'' && s[1] != '\0')
		s++;
	return buf_add(word, s, 1, err) ? NULL : s + 1;
}

static bool
is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n';
}

static enum err_code
add_word(struct strv *words, struct buf *word, struct err *err)
{
	const char *text = buf_cstr(word);
	if (text == NULL)
		return err_nomem(err);
	if (strv_add(words, text, err))
		return err->code;
	word->len = 0;
	return ERR_OK;
}

static enum err_code
split_shell(struct strv *words, const struct db_target *t, const char *s, struct err *err)
{
	AUTO(bufv) struct buf word = BUF_INIT;
	bool in_word = false;
	char quote = '\0';
	while (*s != '\0') {
		if (quote == '\0' && is_blank(*s)) {
			if (in_word && add_word(words, &word, err))
				return err->code;
			in_word = false;
			s++;
			continue;
		}
		in_word = true;
		if (quote == '\0' ? *s == '\'' || *s == '"' : *s == quote) {
			quote = quote == '\0' ? *s : '\0';
			s++;
			continue;
		}
		s = add_piece(&word, t, s, quote, err);
		if (s == NULL)
			return err->code;
	}
	return in_word ? add_word(words, &word, err) : ERR_OK;
}

static bool
is_shell(const char *word)
{
	const char *base = path_base(word);
	return strcmp(base, "sh") == 0 || strcmp(base, "bash") == 0 ||
	       strcmp(base, "ash") == 0 || strcmp(base, "dash") == 0;
}

enum err_code
target_words(struct strv *words, const struct db_target *t, struct err *err)
{
	const struct strv *lists[] = { t->entrypoint, t->command };
	bool shell = false;
	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		for (size_t i = 0; lists[l] != NULL && i < lists[l]->len; i++) {
			const char *word = lists[l]->items[i];
			if (shell && strpbrk(word, " \t\n$") != NULL) {
				if (split_shell(words, t, word, err))
					return err->code;
				continue;
			}
			shell = shell || is_shell(word);
			if (strv_add(words, word, err))
				return err->code;
		}
	}
	return ERR_OK;
}

/* Does word begin with this option name, with - and _ the same?  Gives what follows it. */
static const char *
after_name(const char *word, const char *name)
{
	for (; *name != '\0'; word++, name++) {
		char a = *word == '_' ? '-' : *word;
		char b = *name == '_' ? '-' : *name;
		if (a != b)
			return NULL;
	}
	return word;
}

const char *
words_option(const struct strv *words, const char *name)
{
	const char *value = NULL;
	for (size_t i = 0; i < words->len; i++) {
		if (!str_starts(words->items[i], "--"))
			continue;
		const char *rest = after_name(words->items[i] + 2, name);
		if (rest != NULL && *rest == '=')
			value = rest + 1;
		else if (rest != NULL && *rest == '\0' && i + 1 < words->len)
			value = words->items[i + 1];
	}
	return value;
}

const char *
words_setting(const struct strv *words, const char *name)
{
	const char *value = NULL;
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->items[i];
		if (strcmp(word, "-c") == 0 && i + 1 < words->len)
			word = words->items[++i];
		else if (str_starts(word, "--") || str_starts(word, "-c"))
			word += 2;
		else
			continue;
		const char *rest = after_name(word, name);
		if (rest != NULL && *rest == '=')
			value = rest + 1;
	}
	return value;
}

/* The file's first line, which is how images read NAME_FILE. */
static enum err_code
read_secret_file(char **out, const struct db_target *t, const char *path, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (tool_cat(t, path, SECRET_MAX, &raw, err))
		return err_wrap(err, "read the password file %s inside the container", path);
	while (raw.len > 0 && (raw.data[raw.len - 1] == '\n' || raw.data[raw.len - 1] == '\r'))
		raw.len--;
	const char *text = buf_cstr(&raw);
	return text != NULL ? str_dup(out, text, err) : err_nomem(err);
}

enum err_code
target_secret(char **out, const struct db_target *t, const char *const *names, struct err *err)
{
	for (; *names != NULL; names++) {
		const char *value = target_env(t, *names);
		if (value != NULL && *value != '\0')
			return str_dup(out, value, err);
		AUTO(str) char *file_name = NULL;
		if (str_printf(&file_name, err, "%s_FILE", *names))
			return err->code;
		const char *path = target_env(t, file_name);
		if (path != NULL && *path != '\0')
			return read_secret_file(out, t, path, err);
	}
	*out = NULL;
	return ERR_OK;
}

enum err_code
target_secret_value(char **out, const struct db_target *t, const char *text, struct err *err)
{
	static const char *const forms[] = { "$(cat ", "$(< ", "$(<" };
	size_t n = strlen(text);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (!str_starts(text, forms[i]) || text[n - 1] != ')')
			continue;
		size_t skip = strlen(forms[i]);
		AUTO(str) char *path = NULL;
		if (str_dupn(&path, text + skip, n - skip - 1, err))
			return err->code;
		return read_secret_file(out, t, path, err);
	}
	return str_dup(out, text, err);
}
