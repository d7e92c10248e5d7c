/*
 * banned.h: functions that must not appear in StackSnap.  Included before
 * every file by the build.
 *
 * Each one writes without a bound, keeps hidden state, or runs a shell.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#ifndef __ASSEMBLER__
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison gets strcpy strcat strncpy strncat sprintf vsprintf stpcpy
#pragma GCC poison strtok atoi atol atoll atof srand
#pragma GCC poison system popen tmpnam mktemp tempnam
#pragma GCC poison gmtime localtime ctime asctime
#endif

#endif
