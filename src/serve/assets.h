/*
 * assets.h: the page, built into the program.
 *
 * tools/page_pack.c makes the table and the bytes behind it from web/dist (or from a page that
 * says how to build it) when the program is built.
 */
#ifndef SERVE_ASSETS_H
#define SERVE_ASSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct asset {
	const char *path; /* "/index.html" */
	const char *type;
	const char *etag; /* with its quotes */
	size_t at; /* in assets_bytes */
	size_t len;
	size_t gzip_at;
	size_t gzip_len; /* 0: not worth it */
	bool is_immutable; /* its name changes when it does */
};

/* Sorted by path; assets_count of them. */
extern const struct asset assets[];
extern const size_t assets_count;
extern const uint8_t assets_bytes[];
/* " 'sha256-...'" for each script that stands in index.html itself. */
extern const char assets_scripts[];

/* NULL when there is none. */
const struct asset *asset_find(const char *path);
/* The one for a request: paths of the page's views ("/stacks/shop") are index.html. */
const struct asset *asset_for(const char *path);

#endif
