/*
 * xml.h: the little of XML that S3 servers answer with, read in one pass.
 *
 * Gives the elements that hold text alone ("<Key>a</Key>") with the path of
 * names that leads to them, and the end of those that hold others, so that a
 * caller can collect a record and knows when it is over:
 *
 *	<L><C><Key>a</Key></C></L>	XML_TEXT "L/C/Key" a, XML_END "L/C", XML_END "L"
 *
 * Names lose their namespace prefix; attributes, comments and processing
 * instructions are passed over; a document type is refused, so no entity but the
 * five and numbers is known.  What comes is hostile: depth, names and texts are
 * bounded.
 *
 * Errors:  ERR_CORRUPT with what is wrong; "ends early" when more was to come.
 * Threads: one at a time.
 */
#ifndef NET_XML_H
#define NET_XML_H

#include "base/err.h"

#include <stdbool.h>

#define XML_PATH_MAX 256
#define XML_TEXT_MAX 4096

enum xml_event {
	XML_TEXT, /* an element without others in it: path and text */
	XML_END, /* one with others in it has ended: path */
	XML_DONE, /* and so has the document */
};

struct xml {
	const char *at;
	const char *end;
	bool has_child; /* of the element that path names */
	bool has_begun;
	char path[XML_PATH_MAX]; /* "ListBucketResult/Contents/Key" */
	char text[XML_TEXT_MAX];
	size_t text_len;
	size_t leave; /* length of the path to go back to before going on */
};

/* The document stays the caller's, and must outlive x. */
void xml_init(struct xml *x, const void *data, size_t len);
MUST_CHECK enum err_code xml_next(struct xml *x, enum xml_event *event, struct err *err);
/* Does the path end with this name? */
bool xml_is(const struct xml *x, const char *path);

#endif
