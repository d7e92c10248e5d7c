#include "fake_engine.h"

#include "docker/image.h"

static enum err_code
open_host(struct docker **d, const char *host, struct err *err)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.host = host;
	return docker_open(d, &opt, err);
}

static void
version_is_the_lower_of_both(void **state)
{
	(void)state;
	static const struct {
		const char *theirs;
		const char *agreed;
	} cases[] = { { "1.41", "1.41" }, { "1.45", "1.45" }, { "1.52", "1.52" },
		{ "1.60", "1.52" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake *f = fake_start();
		fake_set_version(f, cases[i].theirs);
		AUTO(docker) struct docker *d = fake_client(f, NULL);
		assert_string_equal(docker_api_version(d), cases[i].agreed);
		assert_string_equal(docker_host(d), f->host);
		assert_string_equal(fake_request(f, 0), "GET /_ping");
		fake_stop(f);
	}
}

static void
engine_that_is_too_old_is_refused(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_set_version(f, "1.40");
	struct docker *d = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(open_host(&d, f->host, &err), ERR_UNSUPPORTED);
	char said[300];
	snprintf(said, sizeof said,
	    "the Docker engine on %s/docker.sock speaks API 1.40; 1.41 (Docker 20.10) or newer "
	    "is "
	    "needed",
	    f->dir);
	assert_string_equal(err.msg, said);
	fake_set_version(f, "x");
	assert_int_equal(open_host(&d, f->host, &err), ERR_UNSUPPORTED);
	snprintf(
	    said, sizeof said, "what answers on %s/docker.sock is no Docker engine", f->dir);
	assert_string_equal(err.msg, said);
	assert_null(d);
	fake_stop(f);
}

static void
missing_engine_is_told_with_what_to_do(void **state)
{
	(void)state;
	struct docker *d = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(open_host(&d, "unix:///nonexistent/docker.sock", &err), ERR_TRANSIENT);
	assert_string_equal(err.msg,
	    "no Docker engine answers on /nonexistent/docker.sock (there is no such socket): "
	    "is "
	    "it running? Set DOCKER_HOST=unix://PATH if it listens elsewhere");
	assert_int_equal(open_host(&d, "tcp://127.0.0.1:1", &err), ERR_TRANSIENT);
	assert_non_null(strstr(err.msg, "no Docker engine answers on tcp://127.0.0.1:1: "));
}

static void
hosts_that_cannot_be_used_are_refused_with_what_to_do(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		enum err_code code;
		const char *says;
	} cases[] = {
		{ "ssh://nas", ERR_UNSUPPORTED, "forward the socket with 'ssh -nNT -L " },
		{ "npipe:////./pipe/docker", ERR_UNSUPPORTED, "only unix:///PATH and tcp://" },
		{ "tcp://nas", ERR_USAGE, "it must name host and port: tcp://HOST:2376" },
		{ "tcp://nas:", ERR_USAGE, "it must name host and port" },
		{ "tcp://:2376", ERR_USAGE, "it must name host and port" },
		{ "tcp://nas:70000", ERR_USAGE, "it must name host and port" },
		{ "tcp://nas:2376x", ERR_USAGE, "it must name host and port" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker *d = NULL;
		struct err err = ERR_INIT;
		assert_int_equal(open_host(&d, cases[i].host, &err), cases[i].code);
		if (strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].host, err.msg);
	}
}

static void
socket_nobody_listens_on_is_told(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	shutdown(f->listen_fd, SHUT_RDWR);
	struct err err = ERR_INIT;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	/* Never "not found": what cannot be asked for is not certainly absent. */
	assert_int_equal(docker_container_inspect(d, "a", &doc, &err), ERR_TRANSIENT);
	char said[300];
	snprintf(said, sizeof said,
	    "no Docker engine answers on %s/docker.sock (nobody listens there): is it running? "
	    "Set DOCKER_HOST=unix://PATH if it listens elsewhere",
	    f->dir);
	assert_string_equal(err.msg, said);
	fake_stop(f);
}

static void
host_comes_from_the_environment(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	struct err err = ERR_INIT;
	AUTO(docker) struct docker *d = NULL;
	setenv("DOCKER_HOST", f->host, 1);
	assert_int_equal(open_host(&d, NULL, &err), ERR_OK);
	assert_string_equal(docker_host(d), f->host);
	unsetenv("DOCKER_HOST");
	fake_stop(f);
}

static void
status_gives_the_code_and_the_engine_the_words(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
		enum err_code code;
		const char *said;
	} cases[] = {
		{ 404, "{\"message\":\"No such container: a\"}", ERR_NOT_FOUND,
		    "inspect container a: No such container: a" },
		{ 409, "{\"message\":\"it is busy\"}", ERR_LOCKED,
		    "inspect container a: it is busy" },
		{ 403, "{\"message\":\"not you\"}", ERR_DENIED,
		    "inspect container a: not you" },
		{ 400, "{\"message\":\"client version 1.41 is too old\\n\"}", ERR_USAGE,
		    "inspect container a: client version 1.41 is too old" },
		{ 500, "plain\ttext\r\n\x1b[31m", ERR_IO,
		    "inspect container a: plain text   [31m" },
		{ 500, "", ERR_IO, "inspect container a: the engine answered 500 Some Reason" },
		{ 503, "{}", ERR_TRANSIENT,
		    "inspect container a: the engine answered 503 Some Reason" },
		{ 501, "{}", ERR_UNSUPPORTED,
		    "inspect container a: the engine answered 501 Some Reason" },
		{ 200, "{\"Id\":", ERR_CORRUPT, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake *f = fake_start();
		fake_route(f, "GET /containers/a/json", cases[i].status, cases[i].body);
		AUTO(docker) struct docker *d = fake_client(f, NULL);
		AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
		struct err err = ERR_INIT;
		assert_int_equal(docker_container_inspect(d, "a", &doc, &err), cases[i].code);
		if (cases[i].said != NULL)
			assert_string_equal(err.msg, cases[i].said);
		assert_null(doc.json);
		fake_stop(f);
	}
}

static void
inspect_keeps_the_bytes_as_they_came(void **state)
{
	(void)state;
	const char *body = "{ \"Id\" :\"a\",\"Memory\": 18446744073709551615 }\n";
	struct fake *f = fake_start();
	fake_route(f, "GET /containers/a/json", 200, body);
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(docker_container_inspect(d, "a", &doc, &err), ERR_OK);
	assert_string_equal(buf_cstr(&doc.raw), body);
	assert_string_equal(json_get_str(doc.json, "Id"), "a");
	fake_stop(f);
}

static void
names_are_encoded_in_the_path(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(docker_image_inspect(d, "lib/redis:7?x", &doc, &err), ERR_NOT_FOUND);
	assert_string_equal(fake_request(f, 1), "GET /v1.41/images/lib%2Fredis%3A7%3Fx/json");
	assert_int_equal(docker_volume_inspect(d, "..", &doc, &err), ERR_USAGE);
	assert_string_equal(
	    err.msg, "inspect volume ..: '..' cannot be part of a request's path");
	assert_int_equal(docker_container_list(d, "a=\"b", &doc, &err), ERR_NOT_FOUND);
	assert_string_equal(fake_request(f, 2), "GET /v1.41/containers/json?all=1&filters="
						"%7B%22label%22%3A%5B%22a%3D%5C%22b%22%5D%7D");
	fake_stop(f);
}

static void
an_image_is_known_by_its_id_or_not_here(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "GET /images/redis/json", 200, "{\"Id\":\"sha256:ab\"}");
	fake_route(f, "GET /images/nameless/json", 200, "{}");
	fake_route(f, "GET /images/broken/json", 500, "{\"message\":\"no disk\"}");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	AUTO(str) char *id = NULL;
	bool is_here = false;
	struct err err = ERR_INIT;
	assert_int_equal(docker_image_id(&id, d, "redis", &err), ERR_OK);
	assert_string_equal(id, "sha256:ab");
	assert_int_equal(docker_image_is_here(d, "redis", &is_here, &err), ERR_OK);
	assert_true(is_here);
	assert_int_equal(docker_image_is_here(d, "mongo", &is_here, &err), ERR_OK);
	assert_false(is_here);
	free(TAKE(id));
	assert_int_equal(docker_image_id(&id, d, "mongo", &err), ERR_OK);
	assert_null(id);
	assert_int_equal(docker_image_id(&id, d, "nameless", &err), ERR_CORRUPT);
	assert_string_equal(err.msg, "inspect image nameless: the engine gave no id");
	assert_int_equal(docker_image_id(&id, d, "broken", &err), ERR_IO);
	assert_string_equal(err.msg, "inspect image broken: no disk");
	fake_stop(f);
}

static void
info_is_read(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "GET /info", 200,
	    "{\"ServerVersion\":\"20.10.24\",\"DockerRootDir\":\"/data/"
	    "docker\",\"Name\":\"h\"}");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	AUTO(docker_info) struct docker_info info = DOCKER_INFO_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(docker_info(d, &info, &err), ERR_OK);
	assert_string_equal(info.version, "20.10.24");
	assert_string_equal(info.data_root, "/data/docker");
	assert_string_equal(info.os_type, "");
	fake_stop(f);
}

static void
create_of_a_volume_that_is_there_is_refused(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "GET /volumes/v", 200, "{\"Name\":\"v\"}");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct docker_volume_spec spec = { "v", NULL, NULL, NULL };
	struct err err = ERR_INIT;
	assert_int_equal(docker_volume_create(d, &spec, &err), ERR_EXISTS);
	assert_string_equal(err.msg, "create volume v: there is a volume of that name");
	assert_int_equal(fake_count(f, "POST /v1.41/volumes/create"), 0);
	fake_stop(f);
}

static void
pause_of_a_paused_container_is_fine(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_add(f, "a", "paused");
	fake_add(f, "b", "exited");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct err err = ERR_INIT;
	assert_int_equal(docker_container_pause(d, "a", &err), ERR_OK);
	assert_int_equal(docker_container_pause(d, "b", &err), ERR_LOCKED);
	assert_string_equal(err.msg, "pause container b: Container b is not fit for pause");
	assert_int_equal(docker_container_stop(d, "b", 5, &err), ERR_OK);
	assert_int_equal(fake_count(f, "POST /v1.41/containers/b/stop?t=5"), 1);
	assert_int_equal(docker_container_start(d, "b", &err), ERR_OK);
	assert_int_equal(docker_container_start(d, "b", &err), ERR_OK);
	assert_int_equal(docker_container_unpause(d, "b", &err), ERR_OK);
	fake_stop(f);
}

static void
raised_cancel_stops_all_but_the_way_back(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_add(f, "a", "paused");
	struct cancel c;
	struct err err = ERR_INIT;
	assert_int_equal(cancel_init(&c, &err), ERR_OK);
	AUTO(docker) struct docker *d = fake_client(f, &c);
	cancel_raise(&c);
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	assert_int_equal(docker_container_inspect(d, "a", &doc, &err), ERR_CANCELLED);
	assert_string_equal(err.msg, "inspect container a: stopped on request");
	assert_int_equal(docker_container_unpause(d, "a", &err), ERR_OK);
	assert_int_equal(docker_container_start(d, "a", &err), ERR_OK);
	cancel_release(&c);
	fake_stop(f);
}

static void
wait_gives_the_exit_code(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "POST /containers/a/wait", 200, "{\"StatusCode\":137}");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct err err = ERR_INIT;
	int status = 0;
	assert_int_equal(docker_container_wait(d, "a", 1000, &status, &err), ERR_OK);
	assert_int_equal(status, 137);
	fake_stop(f);
}

/* So many bytes of tar, then the end or a failure. */
struct tar {
	size_t left;
	bool should_fail;
};

static enum err_code
give_tar(void *ctx, void *out, size_t len, size_t *got, struct err *err)
{
	struct tar *t = ctx;
	if (t->left == 0 && t->should_fail)
		return err_set(err, ERR_IO, "disk is bad");
	*got = min_size(len, t->left);
	memset(out, 'x', *got);
	t->left -= *got;
	return ERR_OK;
}

static void
archive_is_sent_as_a_stream(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "PUT /containers/a/archive", 200, "");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct err err = ERR_INIT;
	struct tar t = { 5000, false };
	assert_int_equal(docker_archive_put(d, "a", "/data", give_tar, &t, &err), ERR_OK);
	assert_int_equal(fake_count(f, "PUT /v1.41/containers/a/archive?path=%2Fdata"), 1);
	fake_stop(f);
}

static void
archive_whose_source_fails_is_an_error(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "PUT /containers/a/archive", 200, "");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct err err = ERR_INIT;
	struct tar t = { 5000, true };
	assert_int_equal(docker_archive_put(d, "a", "/data", give_tar, &t, &err), ERR_IO);
	assert_string_equal(err.msg, "copy into container a: /data: disk is bad");
	fake_stop(f);
}

static enum err_code
keep_tar(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len, err);
}

static void
archive_is_received(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "GET /containers/a/archive", 200, "tar bytes");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	AUTO(bufv) struct buf got = BUF_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(docker_archive_get(d, "a", "/x", keep_tar, &got, &err), ERR_OK);
	assert_string_equal(buf_cstr(&got), "tar bytes");
	assert_int_equal(docker_archive_get(d, "b", "/x", keep_tar, &got, &err), ERR_NOT_FOUND);
	assert_string_equal(err.msg, "copy from container b: /x: no such thing");
	fake_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_is_the_lower_of_both),
		cmocka_unit_test(engine_that_is_too_old_is_refused),
		cmocka_unit_test(missing_engine_is_told_with_what_to_do),
		cmocka_unit_test(hosts_that_cannot_be_used_are_refused_with_what_to_do),
		cmocka_unit_test(socket_nobody_listens_on_is_told),
		cmocka_unit_test(host_comes_from_the_environment),
		cmocka_unit_test(status_gives_the_code_and_the_engine_the_words),
		cmocka_unit_test(inspect_keeps_the_bytes_as_they_came),
		cmocka_unit_test(names_are_encoded_in_the_path),
		cmocka_unit_test(an_image_is_known_by_its_id_or_not_here),
		cmocka_unit_test(info_is_read),
		cmocka_unit_test(create_of_a_volume_that_is_there_is_refused),
		cmocka_unit_test(pause_of_a_paused_container_is_fine),
		cmocka_unit_test(raised_cancel_stops_all_but_the_way_back),
		cmocka_unit_test(wait_gives_the_exit_code),
		cmocka_unit_test(archive_is_sent_as_a_stream),
		cmocka_unit_test(archive_whose_source_fails_is_an_error),
		cmocka_unit_test(archive_is_received),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
