/*
 * aws_profile.h: a value of the files that AWS's tools keep, ~/.aws/credentials
 * and ~/.aws/config ("Configuration and credential file settings in the AWS CLI",
 * AWS CLI User Guide).
 *
 * They belong to other programs, so what is not understood is passed over
 * (nested settings, sections of other kinds).
 *
 * Threads: any.
 */
#ifndef NET_AWS_PROFILE_H
#define NET_AWS_PROFILE_H

#include "crypto/secret.h"

#include <stdbool.h>

enum aws_file {
	AWS_CREDENTIALS, /* sections are "[NAME]" */
	AWS_CONFIG, /* sections are "[profile NAME]", and "[default]" */
};

/* The value of key in the profile, as the caller's secret; NULL when the file, the profile or
 * the key is absent, or the value empty. */
MUST_CHECK enum err_code aws_profile_get(struct secret **out, enum aws_file kind,
    const char *path, const char *profile, const char *key, struct err *err);
/* Is there such a profile? */
MUST_CHECK enum err_code aws_profile_exists(
    bool *exists, enum aws_file kind, const char *path, const char *profile, struct err *err);

/* Where the file is: AWS_SHARED_CREDENTIALS_FILE or AWS_CONFIG_FILE, else below $HOME; NULL
 * without one. *out is the caller's. */
MUST_CHECK enum err_code aws_profile_path(char **out, enum aws_file kind, struct err *err);

#endif
