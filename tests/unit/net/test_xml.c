#include "testing.h"

#include "base/buf.h"
#include "net/xml.h"

/* All events as text: "path=text " and "/path ". */
static enum err_code
events_of(const char *doc, struct buf *out, struct err *err)
{
	struct xml x;
	xml_init(&x, doc, strlen(doc));
	for (;;) {
		enum xml_event event;
		if (xml_next(&x, &event, err))
			return err->code;
		if (event == XML_DONE)
			return ERR_OK;
		enum err_code rc = event == XML_TEXT
				       ? buf_printf(out, err, "%s=%s ", x.path, x.text)
				       : buf_printf(out, err, "/%s ", x.path);
		if (rc)
			return rc;
	}
}

static void
assert_events(const char *doc, const char *want)
{
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(events_of(doc, &out, &err));
	assert_string_equal(buf_cstr(&out), want);
}

static void
elements_come_with_their_paths(void **state)
{
	(void)state;
	assert_events("<a/>", "a= ");
	assert_events("<a>x</a>\n", "a=x ");
	assert_events("<?xml version=\"1.0\"?>\n<!-- -- -->"
		      "<List xmlns='http://s3/'><C><Key>a</Key><Size >12</Size ></C>\n"
		      "<C><Key>b</Key><E/></C></List>",
	    "List/C/Key=a List/C/Size=12 /List/C List/C/Key=b List/C/E= /List/C /List ");
	assert_events("<s3:a x='<not>' y=\"/>\"><s3:b>1</s3:b></s3:a>", "a/b=1 /a ");
}

static void
text_is_decoded(void **state)
{
	(void)state;
	assert_events("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;&#xe9;&#x20ac;&#x1F600;</a>",
	    "a=<&>\"'AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 ");
	assert_events("<a>x<![CDATA[<b>&amp;]]>y</a>", "a=x<b>&amp;y ");
}

static void
what_is_not_whole_or_not_xml_is_refused(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	static const char whole[] = "<?xml version='1.0'?><L><C><Key>a&amp;</Key></C></L>";
	for (size_t n = 0; n < sizeof whole - 1; n++) {
		char cut[sizeof whole];
		memcpy(cut, whole, n);
		cut[n] = '\0';
		refused(events_of(cut, &out, &err), ERR_CORRUPT, "ends early");
	}
	static const struct {
		const char *doc;
		const char *why;
	} bad[] = {
		{ "hello", "not XML" },
		{ "<a></b>", "an element is closed that is not open" },
		{ "<a><b></a></b>", "an element is closed that is not open" },
		{ "</a>", "an element is closed that is not open" },
		{ "<a/><b/>", "something behind the document" },
		{ "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "a document type" },
		{ "<a>&x;</a>", "an unknown entity" },
		{ "<a>&#0;</a>", "a character that there is none of" },
		{ "<a>&#xd800;</a>", "a character that there is none of" },
		{ "<a>&#1114112;</a>", "a character that there is none of" },
		{ "<a>&#-1;</a>", "a bad character reference" },
		{ "<a>&#12x;</a>", "a bad character reference" },
		{ "<a>& and so on, for long</a>", "an ampersand by itself" },
		{ "<a <b></b></a>", "a tag in a tag" },
		{ "<>x</>", "elements too deep, or a name too long" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(events_of(bad[i].doc, &out, &err), ERR_CORRUPT, bad[i].why);
}

static void
depth_and_length_are_bounded(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(bufv) struct buf doc = BUF_INIT;
	for (int i = 0; i < 200; i++)
		ok(buf_str(&doc, "<a>", &err));
	refused(events_of(buf_cstr(&doc), &out, &err), ERR_CORRUPT,
	    "elements too deep, or a name too long");
	doc.len = 0;
	ok(buf_str(&doc, "<a>", &err));
	for (int i = 0; i < XML_TEXT_MAX; i++)
		ok(buf_u8(&doc, 'x', &err));
	ok(buf_str(&doc, "</a>", &err));
	refused(events_of(buf_cstr(&doc), &out, &err), ERR_CORRUPT,
	    "a text of more than 4096 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_come_with_their_paths),
		cmocka_unit_test(text_is_decoded),
		cmocka_unit_test(what_is_not_whole_or_not_xml_is_refused),
		cmocka_unit_test(depth_and_length_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
