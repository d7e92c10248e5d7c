/*
 * client.h: what is inside struct docker; for call.c and engine.c only.
 *
 * Nothing of it changes after docker_open, so threads need no lock.
 */
#ifndef DOCKER_CLIENT_H
#define DOCKER_CLIENT_H

#include "docker/engine.h"

struct docker {
	char *host; /* "unix:///var/run/docker.sock" */
	const char *socket; /* the path in host */
	char version[16]; /* "1.41"; empty until it is known */
	const struct cancel *cancel;
	int timeout_ms;
};

#endif
