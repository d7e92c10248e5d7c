#include "cli/places.h"

#include "base/strv.h"

/* A variable of the environment; unset, empty and (for folders) relative ones do not count. */
static const char *
folder_in_env(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] == '/' ? value : NULL;
}

enum err_code
place_of_cache(char **out, const char *given, bool is_root, struct err *err)
{
	const char *xdg = folder_in_env("XDG_CACHE_HOME");
	const char *home = folder_in_env("HOME");
	if (given != NULL)
		return str_dup(out, given, err);
	if (xdg != NULL)
		return str_printf(out, err, "%s/stacksnap", xdg);
	if (home != NULL)
		return str_printf(out, err, "%s/.cache/stacksnap", home);
	if (is_root)
		return str_dup(out, "/var/cache/stacksnap", err);
	*out = NULL;
	return ERR_OK;
}

enum err_code
place_of_state(char **out, bool is_root, struct err *err)
{
	const char *own = getenv("STACKSNAP_STATE_DIR");
	const char *xdg = folder_in_env("XDG_STATE_HOME");
	const char *home = folder_in_env("HOME");
	if (own != NULL && *own != '\0')
		return str_dup(out, own, err);
	if (is_root)
		return str_dup(out, "/var/lib/stacksnap", err);
	if (xdg != NULL)
		return str_printf(out, err, "%s/stacksnap", xdg);
	if (home != NULL)
		return str_printf(out, err, "%s/.local/state/stacksnap", home);
	return err_set(err, ERR_USAGE,
	    "no place to keep journals: set HOME, or STACKSNAP_STATE_DIR to a folder");
}
