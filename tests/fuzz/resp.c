/*
 * Fuzz target: what a Redis server may answer, and what a command line and the
 * answers of SQL clients may hold.  Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "db/resp.h"
#include "db/dump_name.h"
#include "db/session.h"
#include "db/target.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
read_replies(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	int pair[2];
	struct resp *r;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return;
	assert(send(pair[1], data, len, MSG_DONTWAIT) == (ssize_t)len);
	close(pair[1]);
	enum err_code rc = resp_new(&r, pair[0], NULL, &err);
	assert(rc == ERR_OK);
	while (rc == ERR_OK) {
		AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
		rc = resp_receive(r, &reply, &err);
	}
	resp_free(r);
}

static void
read_text(char *text)
{
	struct err err = ERR_INIT;
	AUTO(strv) struct strv command = STRV_INIT;
	AUTO(strv) struct strv words = STRV_INIT;
	AUTO(str) char *database = NULL;
	struct db_target t = {
		.service = "", .image = text, .env = &command, .command = &command
	};
	if (strv_add(&command, "sh", &err) || strv_add(&command, text, &err) ||
	    target_words(&words, &t, &err))
		return;
	assert(connector_detect(&t) <= DB_MONGODB);
	if (dump_name_decode(&database, text, &err) == ERR_OK)
		assert(database != NULL && database[0] != '\0');
	char *row[3];
	while (session_row(&text, row, 3))
		assert(row[2] != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 4096)
		return 0;
	read_replies(data, len);
	AUTO(str) char *text = calloc(1, len + 1);
	if (text != NULL && len > 0)
		memcpy(text, data, len);
	if (text != NULL)
		read_text(text);
	return 0;
}
