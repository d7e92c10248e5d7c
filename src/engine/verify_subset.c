#include "engine/verify.h"

#include <errno.h>
#include <math.h>

#define PARTS_MAX 1000000

static enum err_code
not_a_subset(const char *text, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "'%s' says not how much to read: give a share (5%%), a part (1/7: the first of "
	    "seven), or a size (500M)",
	    text);
}

static bool
parse_percent(struct verify_subset *out, const char *text)
{
	char *end;
	errno = 0;
	double v = strtod(text, &end);
	if (errno != 0 || strcmp(end, "%") != 0 || !isfinite(v) || v <= 0 || v > 100)
		return false;
	if (v < 100)
		out->share = v / 100;
	return true;
}

/* Digits only: strtoull takes signs and spaces too. */
static bool
parse_number(uint64_t *out, const char **text)
{
	char *end;
	errno = 0;
	if (**text < '0' || **text > '9')
		return false;
	*out = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

static bool
parse_part(struct verify_subset *out, const char *text)
{
	uint64_t part;
	uint64_t parts;
	if (!parse_number(&part, &text) || *text++ != '/' || !parse_number(&parts, &text) ||
	    *text != '\0' || part == 0 || part > parts || parts > PARTS_MAX)
		return false;
	out->part = part;
	out->parts = parts;
	return true;
}

static bool
parse_size(struct verify_subset *out, const char *text)
{
	static const char units[] = "KMGT";
	uint64_t n;
	if (!parse_number(&n, &text) || n == 0)
		return false;
	const char *unit = *text != '\0' ? strchr(units, *text) : NULL;
	unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
	if ((unit != NULL ? text[1] : *text) != '\0' || n > UINT64_MAX >> shift)
		return false;
	out->bytes = n << shift;
	return true;
}

enum err_code
verify_subset_parse(struct verify_subset *out, const char *text, struct err *err)
{
	struct verify_subset s = { 0 };
	bool is_good = strchr(text, '%') != NULL   ? parse_percent(&s, text)
		       : strchr(text, '/') != NULL ? parse_part(&s, text)
						   : parse_size(&s, text);
	if (!is_good)
		return not_a_subset(text, err);
	*out = s;
	return ERR_OK;
}
