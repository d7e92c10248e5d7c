/*
 * random_case.h: random cases that can be repeated: STACKSNAP_SEED names the first,
 * STACKSNAP_CASES how many.
 */
#ifndef TESTS_UNIT_RANDOM_CASE_H
#define TESTS_UNIT_RANDOM_CASE_H

#include "testing.h"

#include "sys/rand.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t random_state;
static uint64_t seed_of_case;

static inline void
seed_case(uint64_t seed)
{
	random_state = seed_of_case = seed;
}

static inline uint64_t
next_random(void)
{
	/* splitmix64 (Steele, Lea, Flood 2014) */
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline size_t
below(size_t n)
{
	return (size_t)(next_random() % n);
}

static inline bool
one_in(size_t n)
{
	return below(n) == 0;
}

static inline uint64_t
first_seed(void)
{
	const char *chosen = getenv("STACKSNAP_SEED");
	uint64_t v;
	struct err err;
	if (chosen != NULL)
		return strtoull(chosen, NULL, 10);
	ok(rand_bytes(&v, sizeof v, &err));
	return v;
}

static inline size_t
case_count(size_t usual)
{
	const char *chosen = getenv("STACKSNAP_CASES");
	return chosen != NULL ? (size_t)strtoull(chosen, NULL, 10) : usual;
}

/* A teardown. */
static inline int
tell_seed(void **state)
{
	(void)state;
	fprintf(
	    stderr, "the last case: STACKSNAP_SEED=%llu\n", (unsigned long long)seed_of_case);
	return 0;
}

#endif
