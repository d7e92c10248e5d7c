/*
 * format.h: the numbers of repository format version 1 (docs/format.md).
 *
 * For repo/ only, but for the sizes of ids.
 */
#ifndef REPO_FORMAT_H
#define REPO_FORMAT_H

#include <stddef.h>

#define FORMAT_VERSION 1

#define CONFIG_KEY "config"
#define CONFIG_MAGIC "SSNAPCFG"
#define CONFIG_SIZE 128

#define SLOT_MAGIC "SSNAPKEY"
#define SLOT_SIZE 192

/* What sealed objects and packs begin with. */
#define OBJECT_MAGIC "SSNAPOBJ"
#define PACK_MAGIC "SSNAPPCK"
#define HEADER_SIZE 44
#define SALT_SIZE 32

#define PACK_END_MAGIC "SSNAPEND"
#define PACK_TRAILER_SIZE 12
/* Offsets in a pack take four bytes. */
#define PACK_MAX_SIZE ((size_t)1 << 30)
#define FRAME_MAX_PLAIN ((size_t)8 << 20)
#define FRAME_MAX_CHUNKS 65536
#define OBJECT_MAX_SIZE ((size_t)64 << 20)

#define MASTER_KEY_SIZE 32
#define REPO_ID_SIZE 16

#endif
