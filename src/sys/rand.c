#include "sys/rand.h"

#include <errno.h>
#include <sys/random.h>

enum err_code
rand_bytes(void *out, size_t len, struct err *err)
{
	uint8_t *p = out;
	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "get random bytes");
		}
		p += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}
