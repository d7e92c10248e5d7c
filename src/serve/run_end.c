/* What became of a run, of run_process.h. */
#include "serve/keeper_impl.h"
#include "serve/run_log.h"
#include "serve/run_process.h"
#include "sys/clock.h"

#include <string.h>

/* Of docs/json.md. */
#define EXIT_COMPLETE 0
#define EXIT_PARTIAL 3
#define EXIT_QUARANTINED 4
#define EXIT_STOPPED 130
#define BY_SIGNAL 128
#define SNAPSHOT_DIGITS 64

/* What a row holds of a result; the file has all of it. */
#define SUMMARY_MAX ((size_t)64 << 10)

static enum catalog_run_state
state_of(const json_t *result, int64_t exit_code, bool was_stopped)
{
	if (exit_code == EXIT_COMPLETE || exit_code == EXIT_QUARANTINED)
		return RUN_COMPLETE;
	if (exit_code == EXIT_PARTIAL)
		return RUN_PARTIAL;
	if (exit_code == EXIT_STOPPED || (was_stopped && exit_code != -1))
		return RUN_CANCELLED;
	bool has_word = result != NULL || (exit_code >= 0 && exit_code < BY_SIGNAL);
	return has_word ? RUN_FAILED : RUN_LOST;
}

/* Of the result itself, or of its first run. */
static const char *
snapshot_of(const json_t *result)
{
	const char *id = json_get_str(result, "snapshot");
	if (id == NULL)
		id = json_get_str(
		    json_array_get(json_object_get(result, "runs"), 0), "snapshot");
	return id != NULL && strlen(id) == SNAPSHOT_DIGITS ? id : NULL;
}

static char *
summary_of(const json_t *result)
{
	char *text = result != NULL ? json_dumps(result, JSON_COMPACT) : NULL;
	if (text == NULL || strlen(text) <= SUMMARY_MAX)
		return text;
	free(text);
	AUTO(json) json_t *part = json_pack("{s:s, s:O*, s:O*, s:O*, s:O*}", "type", "result",
	    "command", json_object_get(result, "command"), "exit_code",
	    json_object_get(result, "exit_code"), "outcome", json_object_get(result, "outcome"),
	    "error", json_object_get(result, "error"));
	return part != NULL ? json_dumps(part, JSON_COMPACT) : NULL;
}

static void
tell_end(struct keeper *k, const struct catalog_run *row, const char *snapshot, bool is_good)
{
	keeper_repo_stale(k);
	runs_tell(k, row->id);
	if (is_good && snapshot != NULL && strcmp(row->kind, "backup") == 0)
		keeper_emit(k, "snapshot",
		    json_pack("{s:s, s:s}", "snapshot", snapshot, "stack", row->stack));
	if (row->stack[0] != '\0')
		keeper_emit(k, "stack", json_pack("{s:s}", "stack", row->stack));
}

static enum err_code
write_end(struct keeper *k, const struct catalog_run *row, const json_t *result,
    struct catalog_run_end *end, bool was_stopped, struct err *err)
{
	AUTO(mem) char *summary = summary_of(result);
	if (end->exit_code < 0 && result != NULL)
		end->exit_code = json_get_int(result, "exit_code", -1);
	end->state = state_of(result, end->exit_code, was_stopped);
	end->snapshot = snapshot_of(result);
	end->summary = summary;
	enum err_code rc = catalog_run_end(keeper_catalog(k), row->id, end, err);
	end->summary = NULL;
	return rc;
}

static enum err_code
read_result(struct keeper *k, const struct catalog_run *row, json_t **out, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (keeper_run_path(k, row->id, &path, err))
		return err->code;
	*out = NULL;
	if (run_log_result(out, path, err) && err->code != ERR_NOT_FOUND)
		return err->code;
	return ERR_OK;
}

enum err_code
run_end(struct keeper *k, const struct catalog_run *row, int64_t exit_code, bool was_stopped,
    struct err *err)
{
	AUTO(json) json_t *result = NULL;
	struct catalog_run_end end = { .now_ns = clock_wall_ns(), .exit_code = exit_code };
	if (read_result(k, row, &result, err) ||
	    write_end(k, row, result, &end, was_stopped, err))
		return err->code;
	tell_end(k, row, end.snapshot, end.state == RUN_COMPLETE || end.state == RUN_PARTIAL);
	return ERR_OK;
}

enum err_code
run_end_at(struct keeper *k, const struct catalog_run *row, int64_t ended_ns, struct err *err)
{
	AUTO(json) json_t *result = NULL;
	struct catalog_run_end end = { .now_ns = ended_ns, .exit_code = -1 };
	if (read_result(k, row, &result, err))
		return err->code;
	return write_end(k, row, result, &end, false, err);
}
