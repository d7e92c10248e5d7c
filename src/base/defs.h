/*
 * defs.h: the few words that every file of StackSnap may use.
 *
 * AUTO(x) declares an owner that lets go at the end of its scope:
 *
 *	AUTO(buf) struct buf *b = buf_new();
 *
 * calls buf_auto(&b) on every way out of the block.  A module that offers
 * AUTO(x) defines it with AUTO_FREE(x, type, function).  TAKE(p) hands the
 * object over: it yields p and leaves NULL behind.  A function that uses
 * AUTO has no goto.
 */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED __attribute__((unused))

#define AUTO(name) __attribute__((cleanup(name##_auto)))

#define AUTO_FREE(name, type, fn)                      \
	static inline void UNUSED name##_auto(type *p) \
	{                                              \
		fn(*p);                                \
	}

#define TAKE(p)                             \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void UNUSED
mem_auto(void *pp)
{
	free(*(void **)pp);
}

static inline size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t
max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
