#include "base/suggest.h"

#include <string.h>

#define WORD_MAX 32

static size_t
min3(size_t a, size_t b, size_t c)
{
	return min_size(a, min_size(b, c));
}

/* Damerau's distance of two short words: how many letters must be changed, added, removed, or
 * swapped with their neighbour. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[WORD_MAX + 1][WORD_MAX + 1];
	size_t la = strlen(a);
	size_t lb = strlen(b);
	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= la; i++)
		for (size_t j = 0; j <= lb; j++) {
			if (i == 0 || j == 0) {
				rows[i][j] = i + j;
				continue;
			}
			rows[i][j] = min3(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
			    rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				rows[i][j] = min_size(rows[i][j], rows[i - 2][j - 2] + 1);
		}
	return rows[la][lb];
}

const char *
suggest(const char *typed, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_distance = 3;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(typed, words[i]);
		if (d < best_distance && 2 * d <= strlen(words[i])) {
			best = words[i];
			best_distance = d;
		}
	}
	/* Or the beginning of one: "snap". */
	for (size_t i = 0; i < n && best == NULL && strlen(typed) >= 2; i++)
		if (strncmp(words[i], typed, strlen(typed)) == 0)
			best = words[i];
	return best;
}
