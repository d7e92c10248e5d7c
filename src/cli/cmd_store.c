/*
 * store: is what is to hold a repository good enough for one?
 */
#include "cli/cli.h"
#include "cli/places.h"
#include "cli/store_args.h"
#include "ui/escape.h"

#define STEPS_MAX 20

/* A step is told to people at once, and to programs at the end. */
struct view {
	struct cli *cli;
	struct s3_step steps[STEPS_MAX];
	char details[STEPS_MAX][sizeof((struct err *)NULL)->msg];
	size_t count;
};

static const char *
word_of(enum s3_verdict v)
{
	static const char *const words[] = { [S3_WORKS] = "works",
		[S3_FAILS] = "fails",
		[S3_NOT_TRIED] = "not tried",
		[S3_REMARK] = "remark" };
	return words[v];
}

static void
show_step(void *arg, const struct s3_step *step)
{
	struct view *v = arg;
	if (!v->cli->args.json) {
		printf("%-10s  %-9s  ", step->name, word_of(step->verdict));
		escape_print(stdout, step->detail);
		putchar('\n');
		fflush(stdout);
	}
	if (v->count == STEPS_MAX)
		return;
	snprintf(v->details[v->count], sizeof v->details[0], "%s", step->detail);
	v->steps[v->count] = *step;
	v->steps[v->count].detail = v->details[v->count];
	v->count++;
}

static enum err_code
print_json(
    const struct view *v, const struct s3_report *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(v->cli, &w, &line, code);
	json_str(&w, "location", r->location);
	json_u64(&w, "failed", r->failed);
	json_arr(&w, "steps");
	for (size_t i = 0; i < v->count; i++) {
		const struct s3_step *s = &v->steps[i];
		json_obj(&w, NULL);
		json_str(&w, "name", s->name);
		json_str(&w, "verdict", word_of(s->verdict));
		json_str(&w, "detail", s->detail);
		json_str(&w, "permission", s->permission);
		json_i64(&w, "took_ns", s->took_ns);
		json_obj_end(&w);
	}
	json_arr_end(&w);
	json_str(&w, "policy", r->policy);
	return cli_result_end(&w, err);
}

static void
print_end(const struct view *v, const struct s3_report *r)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->steps[i].permission != NULL)
			printf("missing: %s\n", v->steps[i].permission);
	printf("%s %s for a repository\n", r->location,
	    r->failed == 0 ? "will do" : "will not do");
	if (r->policy != NULL)
		printf("on AWS, this policy grants what it takes:\n%s\n", r->policy);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(str) char *cache = NULL;
	struct view v = { .cli = c };
	struct s3_report r = { .failed = 0 };
	const struct strv *given = &c->args.operands;
	const char *where = NULL;
	if (strcmp(given->items[0], "test") != 0)
		return err_set(
		    err, ERR_USAGE, "%s: no such thing to do; there is: test", given->items[0]);
	if (given->len > 1)
		where = given->items[1];
	else if (cli_repository(c, &where, err))
		return err->code;
	if (!s3_address_is(where))
		return err_set(err, ERR_USAGE,
		    "%s: what can be tested is S3 (s3:https://HOST/BUCKET/PREFIX)", where);
	if (place_of_cache(&cache, c->args.cache_dir, geteuid() == 0, err))
		return err->code;
	struct store_s3_options opt = cli_s3_options(c, where, cache);
	enum err_code rc = store_test_s3(&opt, show_step, &v, &r, err);
	if (rc == ERR_OK) {
		*code = r.failed > 0 ? EXIT_FAILED : EXIT_COMPLETE;
		if (c->args.json)
			rc = print_json(&v, &r, *code, err);
		else
			print_end(&v, &r);
	}
	free(r.policy);
	free(r.location);
	return rc;
}

static const struct example examples[] = {
	{ "stacksnap store test s3:https://s3.eu-west-1.amazonaws.com/bucket/shop",
	    "before a repository is made there" },
	{ "stacksnap -r s3:https://minio.lan:9000/backup --cacert /etc/ssl/lan.pem store test",
	    "of a server with an authority of its own" },
	{ "stacksnap --s3-credentials /root/s3.ini store test s3:https://ceph.lan/backup",
	    "with the key pair in a file" },
};

const struct command command_store = {
	.name = "store",
	.summary = "test whether a bucket on S3 can hold a repository",
	.operands = "test [PLACE]",
	.about =
	    "Tries one after the other what a repository needs of PLACE (else of -r): to\n"
	    "reach it, its certificate, the clock, and to list, put, read, read a part,\n"
	    "put by parts and delete.  It says what fails, which permission is missing, and\n"
	    "what an IAM policy that grants all of it looks like.  It also finds out whether\n"
	    "the server keeps objects from being replaced when asked to (conditional put),\n"
	    "and remembers that in the cache; a repository does not depend on it.\n"
	    "\n"
	    "Some 5 MiB are sent, below probe/, and removed.  No passphrase is asked for.\n"
	    "\n"
	    "PLACE is s3:https://HOST[:PORT]/BUCKET[/PREFIX], or s3://BUCKET[/PREFIX] on AWS.\n"
	    "Behind it may stand ?region=…, &style=path or virtual, &ca=FILE, &profile=NAME,\n"
	    "&credentials=FILE, &part-size=MIB.  Keys never stand in it: they come from\n"
	    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, --s3-credentials, ~/.aws, or the\n"
	    "metadata of an instance or container.",
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = 2,
	.word = WORD_CHOICE,
	.choices = "test",
	.needs_repository = true,
	.has_json = true,
	.run = run,
};
