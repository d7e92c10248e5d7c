#include "testing.h"

#include "serve/route.h"
#include "serve/verb.h"
#include "sys/fs.h"

#include <ctype.h>
#include <string.h>

static json_t *document;

static int
load(void **state)
{
	(void)state;
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	const char *source = getenv("STACKSNAP_SOURCE");
	assert_non_null(source);
	ok(str_printf(&path, &err, "%s/src/serve/openapi.json", source));
	ok(fs_read_file(path, (size_t)4 << 20, &text, &err));
	ok(json_parse(&document, text.data, text.len, "openapi.json", &err));
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	json_decref(document);
	return 0;
}

/* What the document says of a method and path; fails when it says nothing. */
static const json_t *
operation_of(const struct route *r)
{
	char method[8];
	size_t i;
	for (i = 0; r->method[i] != '\0'; i++)
		method[i] = (char)tolower((unsigned char)r->method[i]);
	method[i] = '\0';
	const json_t *o = json_object_get(
	    json_object_get(json_object_get(document, "paths"), r->path), method);
	if (o == NULL)
		fail_msg("%s %s is not in the document", r->method, r->path);
	return o;
}

static void
every_route_is_in_the_document_with_its_verb(void **state)
{
	(void)state;
	for (const struct route *r = routes; r->method != NULL; r++) {
		const char *verb = json_get_str(operation_of(r), "x-verb");
		assert_non_null(verb);
		assert_string_equal(verb, r->verb);
	}
}

static void
every_path_of_the_document_has_a_route(void **state)
{
	(void)state;
	size_t told = 0;
	size_t n = 0;
	const char *path;
	json_t *methods;
	json_object_foreach(json_object_get(document, "paths"), path, methods) told +=
	    json_object_size(methods);
	for (const struct route *r = routes; r->method != NULL; r++)
		n++;
	assert_int_equal(n, told);
}

static void
verbs_need_the_right_that_the_document_says(void **state)
{
	(void)state;
	for (const struct route *r = routes; r->method != NULL; r++) {
		const struct verb *v = verb_find(r->verb);
		if (v == NULL)
			fail_msg("%s: there is no such verb", r->verb);
		assert_string_equal(
		    scope_word(v->needs), json_get_str(operation_of(r), "x-scope"));
	}
}

/* A read must not change anything; of the others, only previews do not. */
static void
whatever_is_no_read_is_audited(void **state)
{
	(void)state;
	for (const struct route *r = routes; r->method != NULL; r++) {
		const struct verb *v = verb_find(r->verb);
		bool is_read = strcmp(r->method, "GET") == 0 || str_ends(r->path, "/preview");
		if (is_read && strcmp(r->method, "GET") == 0 && v->changes)
			fail_msg("%s changes something, and is a GET", r->verb);
		if (!is_read && !v->changes)
			fail_msg("%s is not audited", r->verb);
	}
}

/* The schema of a body, or NULL. */
static const json_t *
body_of(const json_t *operation)
{
	const json_t *body = json_object_get(operation, "requestBody");
	const json_t *content =
	    json_object_get(json_object_get(body, "content"), "application/json");
	const json_t *schema = json_object_get(content, "schema");
	const char *ref = json_get_str(schema, "$ref");
	const json_t *all = json_object_get(json_object_get(document, "components"), "schemas");
	return ref != NULL ? json_object_get(all, strrchr(ref, '/') + 1) : schema;
}

/* Is it in the document, and wanted there? */
static bool
is_argument(const json_t *operation, const char *name, bool *is_required)
{
	size_t i;
	const json_t *x;
	json_array_foreach(json_object_get(operation, "parameters"), i, x)
	{
		*is_required = json_get_bool(x, "required");
		if (strcmp(json_get_str(x, "name"), name) == 0)
			return true;
	}
	const json_t *body = body_of(operation);
	*is_required = false;
	json_array_foreach(json_object_get(body, "required"), i, x)
	{
		*is_required = *is_required || strcmp(json_string_value(x), name) == 0;
	}
	return json_object_get(json_object_get(body, "properties"), name) != NULL;
}

static size_t
count_arguments(const json_t *operation)
{
	return json_array_size(json_object_get(operation, "parameters")) +
	       json_object_size(json_object_get(body_of(operation), "properties"));
}

static void
verbs_take_the_arguments_of_the_document(void **state)
{
	(void)state;
	for (const struct route *r = routes; r->method != NULL; r++) {
		const json_t *o = operation_of(r);
		const struct verb *v = verb_find(r->verb);
		size_t n = 0;
		for (; n < ARRAY_LEN(v->args) && v->args[n].name != NULL; n++) {
			bool is_required;
			if (!is_argument(o, v->args[n].name, &is_required))
				fail_msg("%s takes %s, of which the document knows nothing",
				    r->verb, v->args[n].name);
			if (is_required != v->args[n].is_required)
				fail_msg("%s: must %s be there?", r->verb, v->args[n].name);
		}
		if (n != count_arguments(o))
			fail_msg("%s does not take all that the document says", r->verb);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_in_the_document_with_its_verb),
		cmocka_unit_test(every_path_of_the_document_has_a_route),
		cmocka_unit_test(verbs_need_the_right_that_the_document_says),
		cmocka_unit_test(whatever_is_no_read_is_audited),
		cmocka_unit_test(verbs_take_the_arguments_of_the_document),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
