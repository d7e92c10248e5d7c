/*
 * aws_login_impl.h: where passes come from.
 */
#ifndef NET_AWS_LOGIN_IMPL_H
#define NET_AWS_LOGIN_IMPL_H

#include "net/aws_login.h"
#include "net/web.h"

/* Ask a service on this machine or its host.  ERR_NOT_FOUND when there is none. */
MUST_CHECK enum err_code aws_container_fetch(
    struct web *w, struct aws_pass *p, struct err *err);
MUST_CHECK enum err_code aws_instance_fetch(struct web *w, struct aws_pass *p, struct err *err);

#endif
