/* Rules that leave paths out: what they mean, and the same as git says. */
#include "testing.h"

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/proc.h"
#include "tree/ignore.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static struct ignore *
rules(const char *text)
{
	struct err err;
	struct ignore *g;
	ok(ignore_new(&g, "/srv/data", &err));
	ok(ignore_add_lines(g, text, strlen(text), "rules", &err));
	return g;
}

/* Does the path count as out?  A slash at its end makes it a folder. */
static bool
is_out(const char *text, const char *path)
{
	AUTO(ignore) struct ignore *g = rules(text);
	size_t len = strlen(path);
	bool is_dir = len > 0 && path[len - 1] == '/';
	return ignore_covers(g, path, len - is_dir, is_dir);
}

static void
name_without_slash_matches_at_any_depth(void **state)
{
	(void)state;
	assert_true(is_out("cache", "cache/"));
	assert_true(is_out("cache", "a/b/cache"));
	assert_true(is_out("cache", "a/cache/x"));
	assert_false(is_out("cache", "caches"));
	assert_true(is_out("*.log", "a/b/x.log"));
	assert_false(is_out("*.log", "x.log.1"));
}

static void
slash_ties_a_rule_to_the_root(void **state)
{
	(void)state;
	assert_true(is_out("/cache", "cache"));
	assert_false(is_out("/cache", "a/cache"));
	assert_true(is_out("a/cache", "a/cache/x"));
	assert_false(is_out("a/cache", "b/a/cache"));
}

static void
slash_at_the_end_means_folders(void **state)
{
	(void)state;
	assert_true(is_out("cache/", "a/cache/"));
	assert_false(is_out("cache/", "a/cache"));
}

static void
two_stars_cross_folders_and_one_does_not(void **state)
{
	(void)state;
	assert_true(is_out("**/x", "x"));
	assert_true(is_out("**/x", "a/b/x"));
	assert_true(is_out("a/**/z", "a/z"));
	assert_true(is_out("a/**/z", "a/b/c/z"));
	assert_true(is_out("a/**", "a/b/c"));
	assert_false(is_out("a/**", "a/"));
	assert_true(is_out("a/*/z", "a/b/z"));
	assert_false(is_out("a/*/z", "a/b/c/z"));
	assert_false(is_out("/a?c", "a/c"));
}

static void
last_rule_that_matches_decides(void **state)
{
	(void)state;
	assert_false(is_out("*.log\n!keep.log", "keep.log"));
	assert_true(is_out("!keep.log\n*.log", "keep.log"));
	/* Nothing comes back below a folder that is out. */
	assert_true(is_out("logs/\n!logs/keep.log", "logs/keep.log"));
	assert_false(is_out("logs/*\n!logs/keep.log", "logs/keep.log"));
}

static void
classes_hold_ranges_names_and_their_opposite(void **state)
{
	(void)state;
	assert_true(is_out("[a-cx]", "b"));
	assert_true(is_out("[a-cx]", "x"));
	assert_false(is_out("[a-cx]", "d"));
	assert_true(is_out("[!a-c]", "d"));
	assert_false(is_out("[^a-c]", "b"));
	assert_true(is_out("[]-]", "]"));
	assert_true(is_out("[]-]", "-"));
	assert_true(is_out("x[[:digit:]]", "x7"));
	assert_true(is_out("[\\]]", "]"));
	assert_false(is_out("a[!b]c", "a/c"));
	assert_true(is_out("[\xc0-\xff]", "\xe9"));
}

static void
comments_spaces_and_escapes_are_those_of_git(void **state)
{
	(void)state;
	assert_false(is_out("# x", "# x"));
	assert_true(is_out("\\# x", "# x"));
	assert_true(is_out("\\!x", "!x"));
	assert_true(is_out("x   ", "x"));
	assert_true(is_out("x\\ ", "x "));
	assert_true(is_out("x\t", "x\t"));
	assert_true(is_out("x\r\n", "x"));
	assert_true(is_out("\xef\xbb\xbfx", "x"));
	assert_true(is_out("\n   \nx", "x"));
	assert_true(is_out("\\*", "*"));
	assert_false(is_out("\\*", "x"));
}

static void
rule_may_begin_with_the_path_of_the_root(void **state)
{
	(void)state;
	assert_true(is_out("/srv/data/cache", "cache"));
	assert_false(is_out("/srv/data/cache", "a/cache"));
	assert_true(is_out("/srv/data/*.log\n!/srv/data/keep.log", "x.log"));
	assert_false(is_out("/srv/data/*.log\n!/srv/data/keep.log", "keep.log"));
	assert_false(is_out("/srv/database", "base"));
}

static void
rules_that_match_nothing_are_refused_with_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message;
	} bad[] = {
		{ "x\n# y\n[a", "list:3: '[a': a class '[' without its ']'" },
		{ "[[:alpa:]]", "list:1: '[[:alpa:]]': no class of characters is called "
				"'[:alpa:]'" },
		{ "[[:alpha", "list:1: '[[:alpha': a class '[' without its ']'" },
		{ "x\\", "list:1: 'x\\': a backslash at the end" },
		{ "!", "list:1: '!': nothing is named by it" },
		{ "/", "list:1: '/': nothing is named by it" },
		{ "/srv/data/", "list:1: '/srv/data/': nothing is named by it" },
	};
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(ignore) struct ignore *g = NULL;
		ok(ignore_new(&g, "/srv/data", &err));
		refused(ignore_add_lines(g, bad[i].text, strlen(bad[i].text), "list", &err),
		    ERR_USAGE, bad[i].message);
	}
	AUTO(ignore) struct ignore *g = NULL;
	AUTO(mem) char *long_rule = malloc(IGNORE_RULE_MAX + 1);
	memset(long_rule, 'a', IGNORE_RULE_MAX + 1);
	ok(ignore_new(&g, NULL, &err));
	refused(ignore_add(g, long_rule, IGNORE_RULE_MAX + 1, &err), ERR_USAGE,
	    "a rule of more than 4096 bytes");
	refused(ignore_add(g, " ", 1, &err), ERR_USAGE, "an empty rule");
	refused(ignore_add(g, "a\0b", 3, &err), ERR_USAGE, "a rule that holds a NUL byte");
	ok(ignore_add(g, long_rule, IGNORE_RULE_MAX, &err));
	assert_true(ignore_has(g, long_rule, IGNORE_RULE_MAX, false));
}

/* A matcher that tries one way after the other would not come back. */
static void
hostile_rules_take_no_time(void **state)
{
	(void)state;
	char rule[2001];
	char path[2001];
	struct err err;
	AUTO(ignore) struct ignore *g = NULL;
	for (size_t i = 0; i < 2000; i++) {
		rule[i] = "a*"[i % 2];
		path[i] = 'a';
	}
	rule[1999] = 'b';
	ok(ignore_new(&g, NULL, &err));
	ok(ignore_add(g, rule, 2000, &err));
	ok(ignore_add(g, "/**/a/**/a/**/a/**/a/**/a/**/a/**/b*c", 37, &err));
	int64_t begin = clock_mono_ns();
	assert_false(ignore_has(g, path, 2000, false));
	for (size_t i = 1; i < 2000; i += 2)
		path[i] = '/';
	assert_false(ignore_has(g, path, 2000, false));
	assert_true(clock_mono_ns() - begin < 2 * NS_PER_S);
}

/* --- git --- */

#define PATHS 400
#define ROUNDS 250
#define RULES 4

struct oracle {
	char *base;
	struct strv paths; /* those that exist, folders with a slash at the end */
	struct buf
	    questions; /* the paths, each with a NUL behind, without slashes at the end */
	uint32_t seed;
};

static uint32_t
next_random(struct oracle *o, uint32_t below)
{
	o->seed ^= o->seed << 13;
	o->seed ^= o->seed >> 17;
	o->seed ^= o->seed << 5;
	return o->seed % below;
}

static void
run_git(const struct oracle *o, const char *const argv[], const struct buf *in, struct buf *out,
    int most)
{
	static const char *const env[] = { "GIT_CONFIG_NOSYSTEM=1", "HOME=/nonexistent",
		"XDG_CONFIG_HOME=/nonexistent", NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	struct err err;
	AUTO(bufv) struct buf talk = BUF_INIT;
	int status;
	opt.argv = argv;
	opt.env = env;
	opt.cwd = o->base;
	ok(proc_run(&opt, in, 20000, NULL, out, &talk, &status, &err));
	if (status > most)
		fail_msg("git: status %d: %s", status, buf_cstr(&talk));
}

static void
add_path(struct oracle *o, const char *path, bool is_dir)
{
	char full[1024];
	struct err err;
	snprintf(full, sizeof full, "%s/%s", o->base, path);
	int made = is_dir ? mkdir(full, 0755)
			  : open(full, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (made < 0)
		return;
	if (!is_dir)
		close(made);
	ok(strv_addf(&o->paths, &err, "%s%s", path, is_dir ? "/" : ""));
	ok(buf_add(&o->questions, path, strlen(path) + 1, &err));
}

/* A name, or the text of a rule, of few characters, so that they often meet. */
static void
random_text(struct oracle *o, const char *alphabet, uint32_t most, struct buf *out)
{
	struct err err;
	uint32_t n = 1 + next_random(o, most);
	for (uint32_t i = 0; i < n; i++)
		ok(buf_u8(
		    out, (uint8_t)alphabet[next_random(o, (uint32_t)strlen(alphabet))], &err));
}

static void
make_paths(struct oracle *o)
{
	for (unsigned tries = 0; o->paths.len < PATHS && tries < 20 * PATHS; tries++) {
		AUTO(bufv) struct buf path = BUF_INIT;
		struct err err;
		uint32_t depth = next_random(o, 4);
		for (uint32_t i = 0; i < depth; i++) {
			random_text(o, "abc", 1 + i / 2, &path);
			add_path(o, buf_cstr(&path), true);
			ok(buf_str(&path, "/", &err));
		}
		random_text(o, "aabbcc-]![*\\# \xe9", 3, &path);
		add_path(o, buf_cstr(&path), next_random(o, 4) == 0);
	}
	assert_true(o->paths.len > PATHS / 2);
}

/* Mostly sensible ones, and some that are anything. */
static void
random_rule(struct oracle *o, struct buf *out)
{
	static const char *const pieces[] = { "a", "b", "c", "a", "b", "c", "/", "/", "/", "*",
		"*", "**", "**/", "/**", "/**/", "?", "[ab]", "[!a]", "[^b-c]", "[]-]", "[a-",
		"[[:alpha:]]", "[[:punct:]", "\\", "\\*", "-", "!", "#", " ", "\xe9", "]" };
	struct err err;
	if (next_random(o, 4) == 0)
		ok(buf_str(out, "!", &err));
	if (next_random(o, 4) == 0)
		ok(buf_str(out, "/", &err));
	uint32_t n = 1 + next_random(o, 5);
	for (uint32_t i = 0; i < n; i++)
		ok(buf_str(out, pieces[next_random(o, (uint32_t)ARRAY_LEN(pieces))], &err));
	if (next_random(o, 6) == 0)
		ok(buf_str(out, "/", &err));
}

/* What git leaves out of all paths, with these rules. */
static void
ask_git(struct oracle *o, const struct buf *text, struct buf *out)
{
	static const char *const argv[] = { "git", "check-ignore", "--no-index", "-z",
		"--stdin", NULL };
	char path[1024];
	struct err err;
	snprintf(path, sizeof path, "%s/.git/info/exclude", o->base);
	AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	ok(fd_write_all(fd, text->data, text->len, &err));
	run_git(o, argv, &o->questions, out, 1);
}

static void
compare_round(struct oracle *o, uint64_t *compared, uint64_t *found)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf answer = BUF_INIT;
	AUTO(ignore) struct ignore *g = NULL;
	struct err err;
	ok(ignore_new(&g, NULL, &err));
	for (unsigned i = 0; i < RULES; i++) {
		AUTO(bufv) struct buf rule = BUF_INIT;
		random_rule(o, &rule);
		const char *line = buf_cstr(&rule);
		/* What is refused must be a rule that git can do nothing with: it stays in. */
		struct err why;
		if (ignore_add_lines(g, line, rule.len, "rules", &why) == ERR_USAGE)
			assert_non_null(strstr(why.msg, "rules:1: "));
		ok(buf_printf(&text, &err, "%s\n", line));
	}
	ask_git(o, &text, &answer);
	size_t at = 0;
	for (size_t i = 0; i < o->paths.len; i++) {
		const char *path = o->paths.items[i];
		size_t len = strlen(path);
		bool is_dir = path[len - 1] == '/';
		len -= is_dir;
		bool git = at < answer.len && strlen((char *)answer.data + at) == len &&
			   memcmp(answer.data + at, path, len) == 0;
		at += git ? len + 1 : 0;
		if (ignore_covers(g, path, len, is_dir) != git)
			fail_msg("rules:\n%s\npath '%s': git says %s", buf_cstr(&text), path,
			    git ? "out" : "in");
		++*compared;
		*found += git;
	}
	assert_int_equal(at, answer.len);
}

static void
random_rules_mean_what_git_says(void **state)
{
	(void)state;
	static const char *const init[] = { "git", "init", "-q", ".", NULL };
	struct oracle o = { .seed = 20261121 };
	uint64_t compared = 0;
	uint64_t found = 0;
	struct err err;
	ok(fs_make_temp_dir(&o.base, "stacksnap-ignore", &err));
	AUTO(bufv) struct buf none = BUF_INIT;
	run_git(&o, init, NULL, &none, 0);
	make_paths(&o);
	for (unsigned i = 0; i < ROUNDS; i++)
		compare_round(&o, &compared, &found);
	assert_true(compared > 50000 && found > compared / 50 && found < compared / 2);
	ok(fs_remove_tree(o.base, &err));
	free(o.base);
	strv_release(&o.paths);
	buf_release(&o.questions);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_without_slash_matches_at_any_depth),
		cmocka_unit_test(slash_ties_a_rule_to_the_root),
		cmocka_unit_test(slash_at_the_end_means_folders),
		cmocka_unit_test(two_stars_cross_folders_and_one_does_not),
		cmocka_unit_test(last_rule_that_matches_decides),
		cmocka_unit_test(classes_hold_ranges_names_and_their_opposite),
		cmocka_unit_test(comments_spaces_and_escapes_are_those_of_git),
		cmocka_unit_test(rule_may_begin_with_the_path_of_the_root),
		cmocka_unit_test(rules_that_match_nothing_are_refused_with_their_place),
		cmocka_unit_test(hostile_rules_take_no_time),
		cmocka_unit_test(random_rules_mean_what_git_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
