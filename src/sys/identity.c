#include "sys/identity.h"

#include <pwd.h>

void
identity_user(char out[IDENTITY_MAX])
{
	char space[4096];
	struct passwd pw;
	struct passwd *found = NULL;
	if (getpwuid_r(geteuid(), &pw, space, sizeof space, &found) == 0 && found != NULL)
		snprintf(out, IDENTITY_MAX, "%s", found->pw_name);
	else
		snprintf(out, IDENTITY_MAX, "%u", (unsigned)geteuid());
}

void
identity_host(char out[IDENTITY_MAX])
{
	if (gethostname(out, IDENTITY_MAX) != 0 || out[0] == '\0')
		snprintf(out, IDENTITY_MAX, "localhost");
	out[IDENTITY_MAX - 1] = '\0';
}
