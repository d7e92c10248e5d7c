/*
 * client.h: what is inside struct docker; for call.c and engine.c only.
 *
 * Nothing of it changes after docker_open, so threads need no lock.
 */
#ifndef DOCKER_CLIENT_H
#define DOCKER_CLIENT_H

#include "docker/address.h"
#include "docker/engine.h"

struct docker {
	struct docker_address address;
	char version[16]; /* "1.41"; empty until it is known */
	const struct cancel *cancel;
	int timeout_ms;
};

#endif
