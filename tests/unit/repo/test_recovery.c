#include "testing.h"

#include "repo/recovery_lines.h"

static struct repo_create_options quick = { 8, 1, "anna@nas" };

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo_key key;
	struct repo *repo;
};

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(store_open_mem(&f->store, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	f->key.passphrase = f->pass;
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(repo_open(&f->repo, f->store, &f->key, NULL, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	repo_close(f->repo);
	store_close(f->store);
	secret_free(f->pass);
	free(f);
	return 0;
}

/* A slot whose bytes count up, and its lines, computed without this code from docs/format.md.
 */
static void
vector_slot(struct recovery_key *k, bool with_code)
{
	*k = (struct recovery_key){ .has_code = with_code };
	memcpy(k->slot, "SSNAPKEY\1", 9);
	for (unsigned i = 10; i < 80; i++)
		k->slot[i] = (uint8_t)i;
	memcpy(k->slot + 80, "vector", 6);
	for (unsigned i = 144; i < 192; i++)
		k->slot[i] = (uint8_t)i;
	if (with_code)
		memcpy(k->code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 33);
}

static void
print_vector(struct buf *out, struct recovery_key *k, bool with_code)
{
	struct err err;
	vector_slot(k, with_code);
	ok(recovery_lines_print(k, out, &err));
}

static const char vector_lines[] = " 1  040G M2RC 1M70 Y40H 289H 858P 2WC1 J6GV  TF\n"
				   " 2  3GEH W7S0 44H2 6915 4RKJ GA9A 5CP2 TBHF  ZB\n"
				   " 3  60RK 4CSM 6MV3 EE1S 78XK RF9Y 7X04 2GJ3  NH\n"
				   " 4  8H2M CHT8 9554 PK2D 9S7G CXK5 CDT6 YWMG  TV\n"
				   " 5  J699 754N JTBS H6CT KEE9 V7MZ M2GT 58X4  F9\n"
				   " 6  MPKA FA59 NANT SBDE NYRB 3CNK PJTV DDXR  V5\n"
				   " 7  Q6XB QF5X QTZW YKPT 5G  1W\n"
				   " C  0123 4567 89AB CDEF GHJK MNPQ RSTV WXYZ  5S\n";

static void
lines_are_as_the_format_says(void **state)
{
	(void)state;
	struct recovery_key k;
	struct buf out = BUF_INIT;
	print_vector(&out, &k, true);
	assert_string_equal(buf_cstr(&out), vector_lines);
	buf_release(&out);
}

static void
expect_vector(const char *text)
{
	struct err err;
	struct recovery_key want;
	struct recovery_key got;
	vector_slot(&want, true);
	ok(recovery_parse(text, strlen(text), &got, &err));
	assert_memory_equal(&got, &want, sizeof got);
}

static void
lines_are_read_as_people_type_them(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	struct err err;
	char typed[sizeof vector_lines];
	expect_vector(vector_lines);
	/* Small letters, O for 0, l for 1, no blanks between groups. */
	size_t n = 0;
	for (const char *p = vector_lines; *p != '\0'; p++)
		typed[n++] = *p == '0'   ? 'o'
			     : *p == '1' ? 'l'
					 : (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	typed[n] = '\0';
	expect_vector(typed);
	/* Inside a page, with other things around it. */
	ok(buf_printf(&text, &err, "1. Not this\n<pre>%s\n%s%s\n</pre>2. Nor that",
	    RECOVERY_BEGIN, vector_lines, RECOVERY_END));
	expect_vector(buf_cstr(&text));
	/* In any order: the last line first. */
	text.len = 0;
	const char *last = strstr(vector_lines, " C ");
	ok(buf_printf(&text, &err, "%s%.*s", last, (int)(last - vector_lines), vector_lines));
	expect_vector(buf_cstr(&text));
	buf_release(&text);
}

/* What every single wrong character leads to. */
static void
each_wrong_character_is_found_in_its_line(void **state)
{
	(void)state;
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned line = 1;
	unsigned wrong = 0;
	unsigned missed = 0;
	size_t start = 0;
	for (size_t i = 0; vector_lines[i] != '\0'; i++) {
		if (vector_lines[i] == '\n') {
			line++;
			start = i + 1;
		}
		if (i < start + 4 || strchr(" \n", vector_lines[i]) != NULL)
			continue;
		for (const char *c = alphabet; *c != '\0'; c++) {
			char text[sizeof vector_lines];
			char want[40];
			struct err err;
			struct recovery_key k;
			if (*c == vector_lines[i])
				continue;
			memcpy(text, vector_lines, sizeof text);
			text[i] = *c;
			wrong++;
			/* The code is not in the sum: there the seal has the last word. */
			if (recovery_parse(text, strlen(text), &k, &err) == ERR_OK) {
				assert_int_equal(line, 8);
				missed++;
				continue;
			}
			snprintf(want, sizeof want, line == 8 ? "the code (34" : "line %u (%d",
			    line, line == 7 ? 20 : 34);
			missed += strncmp(err.msg, want, strlen(want)) != 0;
		}
	}
	assert_true(wrong > 7000);
	/* One in 1024 passes its line's check; the sum of the whole finds it. */
	assert_true(missed < wrong / 256);
}

static void
parse_refused(const char *text, enum err_code code, const char *message)
{
	struct err err;
	struct recovery_key k;
	refused(recovery_parse(text, strlen(text), &k, &err), code, message);
}

static void
what_is_wrong_with_lines_is_told(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	struct err err;
	const char *third = strstr(vector_lines, " 3 ");
	const char *fourth = strstr(vector_lines, " 4 ");
	ok(buf_printf(
	    &text, &err, "%.*s%s", (int)(third - vector_lines), vector_lines, fourth));
	parse_refused(buf_cstr(&text), ERR_USAGE, "line 3 of the recovery key is missing");
	/* A line in the place of another. */
	text.len = 0;
	ok(buf_printf(&text, &err, "%s", vector_lines));
	text.data[third - vector_lines + 1] = '4';
	parse_refused(buf_cstr(&text), ERR_USAGE,
	    "line 4 (34 characters) does not fit its check characters: compare it with the "
	    "kit");
	parse_refused("", ERR_USAGE, "line 1 of the recovery key is missing");
	parse_refused("hello there\n", ERR_USAGE,
	    "'hello th' is no line of a recovery key: each begins with its number");
	parse_refused(
	    " 1  ABCD EUGH\n", ERR_USAGE, "line 1: 'U' does not occur in a recovery key");
	parse_refused(
	    " 1  A\xc3\n", ERR_USAGE, "line 1: byte c3 does not occur in a recovery key");
	parse_refused("11  ABCD\n", ERR_USAGE, "line 11: a recovery key has at most 10 lines");
	parse_refused("2 AB\n", ERR_USAGE, "line 2 is too short");
	parse_refused("2 0000000000000000000000000000000000000\n", ERR_USAGE,
	    "line 2 is too long: 34 characters are the most, two of them to check the others");
	buf_release(&text);
}

static void
a_number_is_not_needed_when_it_is_known(void **state)
{
	(void)state;
	struct err err;
	struct recovery_input in = RECOVERY_INPUT_INIT;
	assert_int_equal(recovery_missing_line(&in), 1);
	const char *line = vector_lines;
	for (unsigned n = 1; n <= 7; n++) {
		const char *end = strchr(line, '\n');
		/* With its number, and without. */
		size_t skip = n % 2 == 0 ? 4 : 0;
		assert_int_equal(recovery_missing_line(&in), n);
		ok(recovery_take_line(&in, n, line + skip, (size_t)(end - line) - skip, &err));
		line = end + 1;
	}
	assert_int_equal(recovery_missing_line(&in), 0);
	struct recovery_key k;
	ok(recovery_finish(&in, &k, &err));
	assert_true(k.has_code);
	assert_string_equal(k.code, "");
	ok(recovery_take_code(&in, line + 4, strlen(line + 4) - 1, &err));
	ok(recovery_finish(&in, &k, &err));
	assert_string_equal(k.code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ");
}

struct one_key {
	char name[STORE_KEY_MAX];
};

static enum err_code
note_name(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	struct one_key *one = arg;
	memcpy(one->name, e->key, sizeof one->name);
	return ERR_OK;
}

static void
lose_keys(struct fixture *f)
{
	struct err err;
	struct one_key one = { "" };
	ok(store_list(f->store, "keys/", NULL, note_name, &one, &err));
	ok(store_delete(f->store, one.name, &err));
}

static enum err_code
opens(struct fixture *f, const struct repo_key *key, struct err *err)
{
	struct repo *r;
	if (repo_open(&r, f->store, key, NULL, err))
		return err->code;
	repo_close(r);
	return ERR_OK;
}

static void
slot_in_use_comes_back_with_its_passphrase(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct recovery_key k;
	struct recovery *r;
	struct key_slot mine;
	struct key_slot slot;
	struct id id;
	bool is_there;
	key_in_use(f->repo, &mine);
	recovery_key_in_use(f->repo, &k);
	ok(recovery_describe(&k, f->store, &slot, &err));
	assert_string_equal(slot.label, "anna@nas");
	assert_int_equal(slot.kind, KEY_PASSPHRASE);
	lose_keys(f);
	assert_int_equal(opens(f, &f->key, &err), ERR_WRONG_KEY);
	ok(recovery_open(&r, f->store, &k, &f->key, &err));
	ok(recovery_is_there(r, &is_there, &err));
	assert_false(is_there);
	ok(recovery_put_back(r, &id, &err));
	assert_true(id_equal(&id, &mine.id));
	ok(recovery_is_there(r, &is_there, &err));
	assert_true(is_there);
	recovery_close(r);
	ok(opens(f, &f->key, &err));
}

static void
recovery_key_needs_its_passphrase(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct recovery_key k;
	struct recovery *r;
	struct secret *other;
	recovery_key_in_use(f->repo, &k);
	ok(secret_copy(&other, "battery staple", 14, &err));
	struct repo_key wrong = { .passphrase = other };
	refused(recovery_open(&r, f->store, &k, &wrong, &err), ERR_WRONG_KEY,
	    "the passphrase does not open this recovery key");
	secret_free(other);
}

static void
code_opens_alone_and_lets_a_new_key_in(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct recovery_key k;
	struct recovery *r;
	struct secret *fresh;
	struct id id;
	ok(recovery_key_with_code(f->repo, &k, &err));
	assert_int_equal(strlen(k.code), RECOVERY_CODE_LEN);
	lose_keys(f);
	ok(recovery_open(&r, f->store, &k, NULL, &err));
	ok(secret_copy(&fresh, "battery staple", 14, &err));
	struct repo_key by_fresh = { .passphrase = fresh };
	ok(recovery_add_key(r, &by_fresh, &quick, &id, &err));
	recovery_close(r);
	ok(opens(f, &by_fresh, &err));
	k.code[5] = k.code[5] == '7' ? '8' : '7';
	refused(recovery_open(&r, f->store, &k, NULL, &err), ERR_WRONG_KEY,
	    "the code does not open this recovery key");
	secret_free(fresh);
}

static void
key_of_another_repository_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct recovery_key k;
	struct key_slot slot;
	struct recovery *r;
	recovery_key_in_use(f->repo, &k);
	k.slot[12] ^= 1;
	refused_like(recovery_describe(&k, f->store, &slot, &err), ERR_USAGE,
	    "this recovery key is for the repository ");
	refused(recovery_open(&r, f->store, &k, &f->key, &err), ERR_CORRUPT,
	    "open the recovery key: the key slot is not of the repository that the config "
	    "names");
}

static void
longest_label_fits(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct recovery_key k;
	struct recovery_key back;
	struct buf text = BUF_INIT;
	recovery_key_in_use(f->repo, &k);
	memset(k.slot + 80, 'x', 63);
	ok(recovery_lines_print(&k, &text, &err));
	ok(recovery_parse((const char *)text.data, text.len, &back, &err));
	assert_memory_equal(&back, &k, sizeof k);
	buf_release(&text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_as_the_format_says),
		cmocka_unit_test(lines_are_read_as_people_type_them),
		cmocka_unit_test(each_wrong_character_is_found_in_its_line),
		cmocka_unit_test(what_is_wrong_with_lines_is_told),
		cmocka_unit_test(a_number_is_not_needed_when_it_is_known),
		CASE(slot_in_use_comes_back_with_its_passphrase),
		CASE(recovery_key_needs_its_passphrase),
		CASE(code_opens_alone_and_lets_a_new_key_in),
		CASE(key_of_another_repository_is_told),
		CASE(longest_label_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
