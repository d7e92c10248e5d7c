#include "testing.h"

#include "base/room.h"

/* The sanitizers stop the program where malloc would refuse, unless they are told not to. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
room_is_doubled_when_it_is_used_up(void **state)
{
	(void)state;
	AUTO(mem) uint32_t *items = NULL;
	size_t cap = 0;
	struct err err = ERR_INIT;
	for (uint32_t i = 0; i < 1000; i++) {
		ok(ROOM(items, i, cap, 3, &err));
		size_t expected = 3;
		while (expected <= i)
			expected *= 2;
		assert_int_equal(cap, expected);
		items[i] = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
}

static void
nothing_moves_while_there_is_room(void **state)
{
	(void)state;
	AUTO(mem) uint32_t *items = NULL;
	size_t cap = 0;
	struct err err = ERR_INIT;
	ok(ROOM(items, 0, cap, 8, &err));
	const uint32_t *before = items;
	for (uint32_t i = 0; i < 8; i++)
		ok(ROOM(items, i, cap, 8, &err));
	assert_ptr_equal(items, before);
	assert_int_equal(cap, 8);
}

static void
what_cannot_grow_stays(void **state)
{
	(void)state;
	AUTO(mem) uint64_t *items = NULL;
	size_t cap = 0;
	struct err err = ERR_INIT;
	ok(ROOM(items, 0, cap, 1, &err));
	items[0] = 42;
	uint64_t *before = items;
	assert_int_equal(ROOM(items, 1, cap, SIZE_MAX / 2, &err), ERR_NO_MEMORY);
	assert_int_equal(err.code, ERR_NO_MEMORY);
	assert_ptr_equal(items, before);
	assert_int_equal(cap, 1);
	assert_int_equal(items[0], 42);
	assert_int_equal(ROOM_SHORT(items, SIZE_MAX / 4 + 1, &err), ERR_NO_MEMORY);
	assert_ptr_equal(items, before);
}

/* Also where it has become shorter meanwhile: the sanitizer sees what lies outside. */
static void
a_short_array_has_room_at_every_count(void **state)
{
	(void)state;
	AUTO(mem) char **items = NULL;
	char text[] = "text";
	size_t count = 0;
	struct err err = ERR_INIT;
	for (size_t top = 1; top < 40; top++) {
		while (count < top) {
			ok(ROOM_SHORT(items, count, &err));
			items[count] = text + count % sizeof text;
			count++;
		}
		for (size_t i = 0; i < count; i++)
			assert_ptr_equal(items[i], text + i % sizeof text);
		count /= 3;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_is_doubled_when_it_is_used_up),
		cmocka_unit_test(nothing_moves_while_there_is_room),
		cmocka_unit_test(what_cannot_grow_stays),
		cmocka_unit_test(a_short_array_has_room_at_every_count),
	};
	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
