/*
 * recover: give back services that a run which died has left quiet, and settle
 * restores that were interrupted.
 */
#include "base/counted.h"
#include "base/log.h"
#include "cli/recover.h"
#include "docker/exec.h"
#include "engine/drill.h"
#include "engine/image_claim.h"

static enum err_code
print_json(struct cli *c, const struct recovery *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "services");
	for (size_t i = 0; i < r->services.len; i++)
		json_str(&w, NULL, r->services.items[i]);
	json_arr_end(&w);
	json_strings(&w, "put_back", &r->old);
	json_strings(&w, "restored", &r->restored);
	json_strings(&w, "tables", &r->tables);
	json_u64(&w, "busy", r->busy);
	json_u64(&w, "failed", r->failed);
	return cli_result_end(&w, err);
}

/* Scratch stacks of drills that died. */
static enum err_code
remove_scratch(struct cli *c, struct recovery *r, struct err *err)
{
	AUTO(drill_leftovers) struct drill_leftovers left = DRILL_LEFTOVERS_INIT;
	if (drill_clean(c->events, c->state_dir, false, &left, err))
		return err->code;
	r->busy += left.busy;
	r->failed += left.failed;
	for (size_t i = 0; i < left.removed.len; i++)
		event_note(c->events, left.removed.items[i],
		    "a scratch stack of a drill that died: removed");
	return ERR_OK;
}

/* Images that were being loaded, for a restore or a drill. */
static enum err_code
remove_images(struct cli *c, struct recovery *r, struct err *err)
{
	AUTO(image_leftovers) struct image_leftovers left = IMAGE_LEFTOVERS_INIT;
	if (image_claim_clean(c->events, c->state_dir, &left, err))
		return err->code;
	r->failed += left.failed;
	for (size_t i = 0; i < left.removed.len; i++)
		event_note(c->events, left.removed.items[i],
		    "an image that was loaded by a run that died: removed");
	return ERR_OK;
}

/* Pipes in containers, and dump tools that wait there.  Without an engine there are none. */
static void
remove_outlets(struct cli *c)
{
	AUTO(docker) struct docker *d = NULL;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	struct err err;
	opt.cancel = c->cancel;
	if (docker_open(&d, &opt, &err) != ERR_OK || docker_remove_outlets(d, &err) != ERR_OK)
		log_debug("no containers are looked into: %s", err.msg);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(recovery) struct recovery r = RECOVERY_INIT;
	char n[COUNTED_MAX];
	if (recover_all(c, &r, err) || recover_restores(c, &r, err) ||
	    recover_tables(c, &r, err) || remove_scratch(c, &r, err) ||
	    remove_images(c, &r, err))
		return err->code;
	remove_outlets(c);
	if (r.failed > 0)
		*code = EXIT_FAILED;
	else if (r.busy > 0)
		*code = EXIT_BUSY;
	if (c->args.json)
		return print_json(c, &r, *code, err);
	if (r.services.len > 0)
		printf("%s run%s again\n", counted(n, r.services.len, "service"),
		    r.services.len == 1 ? "s" : "");
	for (size_t i = 0; i < r.old.len; i++)
		printf("stack %s: its restore was interrupted; all is as it was before it\n",
		    r.old.items[i]);
	for (size_t i = 0; i < r.restored.len; i++)
		printf("stack %s: its restore was interrupted; it stands now\n",
		    r.restored.items[i]);
	for (size_t i = 0; i < r.tables.len; i++)
		puts(r.tables.items[i]);
	if (r.busy > 0)
		printf("%s %s at work right now\n", counted(n, r.busy, "run"),
		    r.busy == 1 ? "is" : "are");
	if (r.failed > 0)
		printf("%s could not be recovered: mend what the warnings say, and try again\n",
		    counted(n, r.failed, "record"));
	bool is_some =
	    r.services.len + r.old.len + r.restored.len + r.tables.len + r.busy + r.failed > 0;
	if (!is_some)
		puts("nothing to recover");
	return ERR_OK;
}

const struct command command_recover = {
	.name = "recover",
	.summary = "settle what a run that died has left: quiet services, half a restore",
	.operands = "",
	.about =
	    "Before a backup pauses or stops a service, it writes down which, and a watchdog\n"
	    "process gives it back should the backup die.  When the whole machine went down,\n"
	    "this command does it, as the next backup would.  Services that were paused or\n"
	    "stopped by somebody else are left alone.\n"
	    "\n"
	    "A restore that was interrupted is settled from its record: when all data was in\n"
	    "place and the stack starts, the restore stands; otherwise all is put back as it\n"
	    "was.  So is a restore of a single table, collection or prefix of keys: what was\n"
	    "loaded on the way is removed, and it is told whether it was done.  Dump tools "
	    "that\n"
	    "still wait in containers for a backup that died are ended.\n"
	    "The repository is not needed.",
	.has_json = true,
	.run = run,
};
