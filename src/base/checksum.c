#include "base/checksum.h"

#include <stdlib.h>
#include <xxhash.h>
/* On x86 the library can choose, when it runs, the widest registers that there are; only those
 * who ask by these names have it.  The sums are the same. */
#ifdef HAVE_XXH_DISPATCH
#include <xxh_x86dispatch.h>
#endif

uint64_t
checksum_of(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

struct checksum128
checksum128_of(const void *data, size_t len)
{
	XXH128_hash_t h = XXH3_128bits(data, len);
	return (struct checksum128){ h.low64, h.high64 };
}

void
checksum128_sum(struct checksum128 *to, struct checksum128 more)
{
	to->low += more.low;
	to->high += more.high + (to->low < more.low);
}

struct checksum_stream {
	XXH3_state_t *state;
};

enum err_code
checksum_stream_new(struct checksum_stream **out, struct err *err)
{
	struct checksum_stream *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->state = XXH3_createState();
	if (s->state == NULL) {
		free(s);
		return err_nomem(err);
	}
	XXH3_128bits_reset(s->state);
	*out = s;
	return ERR_OK;
}

void
checksum_stream_free(struct checksum_stream *s)
{
	if (s == NULL)
		return;
	XXH3_freeState(s->state);
	free(s);
}

void
checksum_stream_add(struct checksum_stream *s, const void *data, size_t len)
{
	XXH3_128bits_update(s->state, data, len);
}

struct checksum128
checksum_stream_end(struct checksum_stream *s)
{
	XXH128_hash_t h = XXH3_128bits_digest(s->state);
	XXH3_128bits_reset(s->state);
	return (struct checksum128){ h.low64, h.high64 };
}
