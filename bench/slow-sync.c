// Makes each fsync and fdatasync of a program last at least SLOW_SYNC_US microseconds: a disk of the slower kind.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slowly(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  const char *wait = getenv("SLOW_SYNC_US");
  if (wait != NULL) usleep((useconds_t)atoi(wait));
  return real(fd);
}

int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
