/*
 * Passes from the services that hand them out on the spot: the container's
 * ("Container credential provider", AWS SDKs and Tools Reference Guide) and the
 * instance's ("Use the Instance Metadata Service", EC2 User Guide; version 2 only,
 * whose token a request forged through some other program cannot have).
 */
#include "base/json.h"
#include "net/aws_login_impl.h"
#include "sys/clock.h"
#include "sys/env.h"
#include "sys/fs.h"

#define ECS_HOST "http://169.254.170.2"
#define EC2_HOST "http://169.254.169.254"
#define ROLES "/latest/meta-data/iam/security-credentials/"

/* "2026-11-21T12:30:05Z"; 0 when it is not that. */
static int64_t
parse_time(const char *text)
{
	struct tm tm = { 0 };
	if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return 0;
	return (int64_t)timegm(&tm) * NS_PER_S;
}

/* The body of a 200 answer, as text that stays a's. */
static enum err_code
ask(struct web *w, const char *method, const char *url, const struct strv *headers,
    struct web_answer *a, const char **text, struct err *err)
{
	struct web_call call = { .method = method, .url = url, .headers = headers };
	if (web_do(w, &call, a, err))
		return err->code;
	if (a->status != 200)
		return err_set(err, a->status == 404 ? ERR_NOT_FOUND : ERR_TRANSIENT,
		    "HTTP %d from %s", a->status, url);
	*text = buf_cstr(&a->body);
	return *text != NULL ? ERR_OK : err_nomem(err);
}

/* {"AccessKeyId":…,"SecretAccessKey":…,"Token":…,"Expiration":…} */
static enum err_code
parse_pass(struct aws_pass *p, const char *text, struct err *err)
{
	AUTO(json) json_t *doc = NULL;
	if (json_parse(&doc, text, strlen(text), "credentials", err))
		return err->code;
	const char *id = json_get_str(doc, "AccessKeyId");
	const char *key = json_get_str(doc, "SecretAccessKey");
	const char *token = json_get_str(doc, "Token");
	if (id == NULL || key == NULL)
		return err_set(err, ERR_IO, "%s hands out no keys", p->from);
	p->expires_ns = parse_time(json_get_str(doc, "Expiration"));
	if (secret_copy(&p->key_id, id, strlen(id), err) ||
	    secret_copy(&p->key, key, strlen(key), err))
		return err->code;
	return token != NULL ? secret_copy(&p->token, token, strlen(token), err) : ERR_OK;
}

/* Keys must not be fetched in the clear over a network. */
static bool
is_beside_us(const char *url)
{
	static const char *const hosts[] = { "http://localhost", "http://127.0.0.1",
		"http://[::1]", ECS_HOST, "http://169.254.170.23", "http://[fd00:ec2::23]" };
	if (str_starts(url, "https://"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		size_t n = strlen(hosts[i]);
		if (strncmp(url, hosts[i], n) == 0 &&
		    (url[n] == '\0' || url[n] == ':' || url[n] == '/'))
			return true;
	}
	return false;
}

/* The header that the container's service wants, if it wants one. */
static enum err_code
add_authorization(struct strv *headers, struct err *err)
{
	AUTO(secret_buf) struct buf token = BUF_INIT;
	const char *file = env_get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *given = env_get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (file != NULL) {
		if (fs_read_file(file, 65536, &token, err))
			return err->code;
		while (token.len > 0 && token.data[token.len - 1] <= ' ')
			token.len--;
		given = buf_cstr(&token);
		if (given == NULL)
			return err_nomem(err);
	}
	return given != NULL ? strv_addf(headers, err, "Authorization: %s", given) : ERR_OK;
}

enum err_code
aws_container_fetch(struct web *w, struct aws_pass *p, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(str) char *url = NULL;
	const char *text;
	const char *relative = env_get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = env_get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (relative == NULL && full == NULL)
		return err_set(err, ERR_NOT_FOUND, "no service of a container");
	if (relative != NULL ? str_printf(&url, err, ECS_HOST "%s", relative)
			     : str_dup(&url, full, err))
		return err->code;
	if (!is_beside_us(url))
		return err_set(err, ERR_USAGE,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither HTTPS nor this machine");
	snprintf(p->from, sizeof p->from, "the container's credentials service");
	if (add_authorization(&headers, err) || ask(w, "GET", url, &headers, &a, &text, err) ||
	    parse_pass(p, text, err))
		return err_wrap(err, "%s", p->from);
	secret_wipe(a.body.data, a.body.len);
	return ERR_OK;
}

/* A role's name is a line of text, which becomes part of a URL. */
static bool
is_role(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     "+=,.@_-");
	return n > 0 && s[n] == '\0';
}

static enum err_code
fetch_role(struct web *w, const char *host, const struct strv *headers, struct aws_pass *p,
    struct err *err)
{
	AUTO(web_answer) struct web_answer names = WEB_ANSWER_INIT;
	AUTO(web_answer) struct web_answer keys = WEB_ANSWER_INIT;
	AUTO(str) char *list = NULL;
	AUTO(str) char *role = NULL;
	AUTO(str) char *url = NULL;
	const char *text;
	if (str_printf(&list, err, "%s" ROLES, host) ||
	    ask(w, "GET", list, headers, &names, &text, err))
		return err->code;
	if (str_dupn(&role, text, strcspn(text, "\r\n"), err))
		return err->code;
	if (!is_role(role))
		return err_set(err, ERR_NOT_FOUND, "the instance has no role");
	if (str_printf(&url, err, "%s" ROLES "%s", host, role) ||
	    ask(w, "GET", url, headers, &keys, &text, err) || parse_pass(p, text, err))
		return err->code;
	secret_wipe(keys.body.data, keys.body.len);
	return ERR_OK;
}

enum err_code
aws_instance_fetch(struct web *w, struct aws_pass *p, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(strv) struct strv ask_token = STRV_INIT;
	AUTO(strv) struct strv with_token = STRV_INIT;
	AUTO(str) char *url = NULL;
	const char *token;
	const char *given = env_get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *host = given != NULL ? given : EC2_HOST;
	const char *disabled = env_get("AWS_EC2_METADATA_DISABLED");
	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return err_set(err, ERR_NOT_FOUND, "the instance is not to be asked");
	snprintf(p->from, sizeof p->from, "the instance's metadata");
	if (str_printf(&url, err, "%s/latest/api/token", host) ||
	    strv_add(&ask_token, "X-aws-ec2-metadata-token-ttl-seconds: 300", err))
		return err->code;
	if (ask(w, "PUT", url, &ask_token, &a, &token, err)) {
		/* This is no instance: nothing is there that answers. */
		if (err->code == ERR_TRANSIENT && a.status == 0)
			err->code = ERR_NOT_FOUND;
		return err->code;
	}
	if (strv_addf(&with_token, err, "X-aws-ec2-metadata-token: %s", token) ||
	    fetch_role(w, host, &with_token, p, err))
		return err_wrap(err, "%s", p->from);
	return ERR_OK;
}
