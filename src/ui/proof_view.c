#include "ui/proof_view.h"

#include "repo/proof.h"
#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

void
proof_view_age(char out[AGE_TEXT], int64_t then_ns, int64_t now_ns)
{
	static const struct {
		int64_t unit_ns;
		const char *word;
	} units[] = { { DAY_NS, "day" }, { HOUR_NS, "hour" }, { MINUTE_NS, "minute" } };
	int64_t age_ns = now_ns - then_ns;
	snprintf(out, AGE_TEXT, "just now");
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		int64_t n = age_ns / units[i].unit_ns;
		if (n < 1)
			continue;
		snprintf(
		    out, AGE_TEXT, "%" PRId64 " %s%s ago", n, units[i].word, n == 1 ? "" : "s");
		return;
	}
}

void
proof_view_short(char out[PROOF_TEXT], const json_t *proof, int64_t now_ns)
{
	char age[AGE_TEXT];
	char rto[FORMAT_MAX];
	const char *verdict = json_get_text(proof, "verdict");
	*out = '\0';
	if (proof == NULL)
		return;
	proof_view_age(age, json_get_int(proof, "time_ns", 0), now_ns);
	format_duration(rto, json_get_int(proof, "rto_ns", 0));
	if (strcmp(verdict, PROOF_PROVED) == 0)
		snprintf(out, PROOF_TEXT, "proved %s, %s", age, rto);
	else if (strcmp(verdict, PROOF_FAILED) == 0)
		snprintf(out, PROOF_TEXT, "drill FAILED %s", age);
	else
		snprintf(out, PROOF_TEXT, "drill inconclusive %s", age);
}

static void PRINTF_LIKE(3, 4) line(FILE *out, const char *label, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fprintf(out, "  %-9s ", label);
	escape_print(out, text);
	fputc('\n', out);
}

static void
print_files(FILE *out, const json_t *files)
{
	char count[FORMAT_MAX], bytes[FORMAT_MAX], wrong[FORMAT_MAX];
	if (!json_get_bool(files, "compared")) {
		line(out, "files", "not compared");
		return;
	}
	format_count(count, json_get_u64(files, "files"));
	format_size(bytes, json_get_u64(files, "bytes"));
	format_count(wrong, json_get_u64(files, "differ"));
	if (json_get_u64(files, "differ") == 0)
		line(out, "files", "%s with %s, restored and the same", count, bytes);
	else
		line(out, "files", "%s with %s, of which %s DIFFER", count, bytes, wrong);
}

static void
print_databases(FILE *out, const json_t *databases)
{
	size_t i, k;
	const json_t *x;
	const json_t *difference;
	json_array_foreach(databases, i, x)
	{
		char tables[FORMAT_MAX], rows[FORMAT_MAX], objects[FORMAT_MAX];
		format_count(tables, json_get_u64(x, "tables"));
		format_count(rows, json_get_u64(x, "rows"));
		format_count(objects, json_get_u64(x, "objects"));
		const char *service = json_get_text(x, "service");
		if (!json_get_bool(x, "compared")) {
			line(out, "database", "%s (%s): not compared", service,
			    json_get_text(x, "engine"));
			continue;
		}
		bool has_documents = strcmp(json_get_text(x, "engine"), "mongodb") == 0;
		bool has_keys = strcmp(json_get_text(x, "engine"), "redis") == 0 ||
				strcmp(json_get_text(x, "engine"), "valkey") == 0;
		bool is_same = json_get_u64(x, "differ") == 0;
		if (has_keys)
			line(out, "database", "%s (%s): %s keys, loaded%s", service,
			    json_get_text(x, "engine"), rows,
			    is_same ? " and the same" : "; DIFFERENT");
		else
			line(out, "database",
			    "%s (%s): %s %s in %s %s, and %s definitions, loaded%s", service,
			    json_get_text(x, "engine"), rows,
			    has_documents ? "documents" : "rows", tables,
			    has_documents ? "collections" : "tables", objects,
			    is_same ? " and the same" : "; DIFFERENT");
		json_array_foreach(json_object_get(x, "differences"), k, difference)
		{
			const char *text = json_string_value(difference);
			line(out, "", "%s", text != NULL ? text : "?");
		}
		if (json_get_u64(x, "fleeting") > 0)
			line(out, "", "%" PRIu64 " keys expire by themselves: not compared",
			    json_get_u64(x, "fleeting"));
	}
}

static void
print_services(FILE *out, const json_t *proof)
{
	size_t i;
	const json_t *x;
	json_array_foreach(json_object_get(proof, "services"), i, x)
	{
		line(out, "service", "%s: %s", json_get_text(x, "service"),
		    json_get_text(x, "state"));
	}
	if (json_get_u64(proof, "checks") > 0)
		line(out, "checks", "%" PRIu64 " of the stack's own: passed",
		    json_get_u64(proof, "checks"));
	json_array_foreach(json_object_get(proof, "cut_off"), i, x)
	{
		const char *service = json_get_text(x, "service");
		line(out, "cut off", "%s%s%s", service, *service != '\0' ? ": " : "",
		    json_get_text(x, "what"));
	}
}

void
proof_view_print(FILE *out, const json_t *proof)
{
	char rto[FORMAT_MAX], compare[FORMAT_MAX], took[FORMAT_MAX];
	format_duration(rto, json_get_int(proof, "rto_ns", 0));
	format_duration(compare, json_get_int(proof, "compare_ns", 0));
	format_duration(took, json_get_int(proof, "took_ns", 0));
	if (json_get_str(proof, "reason") != NULL)
		line(out, "because", "%s", json_get_text(proof, "reason"));
	print_files(out, json_object_get(proof, "files"));
	print_databases(out, json_object_get(proof, "databases"));
	print_services(out, proof);
	if (json_get_int(proof, "rto_ns", 0) > 0)
		line(out, "back in",
		    "%s from the first byte to the last healthy service; %s went into "
		    "comparing, %s into all of it",
		    rto, compare, took);
	else
		line(out, "took", "%s", took);
}

void
proof_view_brief(struct json_writer *w, const char *key, const json_t *proof)
{
	static const char *const fields[] = { "verdict", "time_ns", "rto_ns", "took_ns",
		"reason" };
	if (proof == NULL) {
		json_nil(w, key);
		return;
	}
	json_obj(w, key);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		json_value(w, fields[i], json_object_get(proof, fields[i]));
	json_obj_end(w);
}
