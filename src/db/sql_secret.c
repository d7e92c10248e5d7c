#include "db/sql_secret.h"

#include "base/checksum.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

/* Without randomness all look alike in all processes; nothing is shown by that. */
static void
make_seed(void)
{
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		seed = 1;
}

bool
sql_has_secrets(const char *name)
{
	static const char *const kinds[] = { "ROLE", "USER", "SUBSCRIPTION", "SERVER", "ALTER",
		"CREATE", "GRANT" };
	size_t n = strcspn(name, " ");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i]) == n && strncmp(name, kinds[i], n) == 0)
			return true;
	return false;
}

/* Behind this word stands a secret. */
static bool
announces(const char *word, size_t len)
{
	static const char *const words[] = { "PASSWORD", "BY", "USING", "AS", "CONNECTION" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len && strncasecmp(word, words[i], len) == 0)
			return true;
	return false;
}

/* Behind the quote that ends it; doubled and escaped ones do not. */
static const char *
end_of_quoted(const char *p)
{
	char quote = *p++;
	for (; *p != '\0'; p++) {
		if (*p == '\\' && quote == '\'' && p[1] != '\0')
			p++;
		else if (*p == quote && p[1] == quote)
			p++;
		else if (*p == quote)
			return p + 1;
	}
	return p;
}

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

enum err_code
sql_hide_secrets(struct buf *out, const char *text, struct err *err)
{
	bool is_announced = false;
	pthread_once(&seeded, make_seed);
	for (const char *p = text; *p != '\0';) {
		const char *from = p;
		if (*p == '\'' || *p == '"' || *p == '`') {
			p = end_of_quoted(p);
			bool hides = is_announced && *from == '\'';
			is_announced = false;
			if (hides) {
				uint64_t sum = checksum_of(from, (size_t)(p - from), seed);
				if (buf_printf(
					out, err, "'(hidden %04" PRIx64 ")'", sum & 0xffff))
					return err->code;
				continue;
			}
		} else if (is_word(*p)) {
			while (is_word(*p))
				p++;
			is_announced = announces(from, (size_t)(p - from));
		} else {
			is_announced = is_announced && isspace((unsigned char)*p);
			p++;
		}
		if (buf_add(out, from, (size_t)(p - from), err))
			return err->code;
	}
	return ERR_OK;
}
