/* Preloaded into the server for the power-cut test: writes down, in one order, each change of a file or a name
 * below POWER_CUT_BELOW, each fsync, and what goes over sockets, into POWER_CUT_JOURNAL. What a disk would hold
 * after a cut can then be worked out for every place in the journal (journal.ts, disk.ts).
 *
 * With POWER_CUT_KILL it also ends the process, by SIGKILL, at a named step: a row of events parted by ';', each
 * `before` or `after`, a kind (opened, written, synced, renamed, sent, received) and a part of the path or of the bytes. Each
 * is waited for in turn; at the last the process dies: `after received post-1@;before synced posthorn.db-wal`.
 *
 * Law: one lock is held over the call and its record, so the journal's order is the order in which it happened.
 * An answer on a socket is written down before it is sent: whoever has read it finds it in the journal.
 *
 * A record: u32 length of all, u32 kind, u64 inode or descriptor, u64 offset, u32 length of the path, path, bytes.
 * Integers are little-endian as on every machine that runs this. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPENED = 1, WRITTEN, CUT_TO, SYNCED, RENAMED, UNLINKED, FOLDER_MADE, FOLDER_GONE, LINKED, SENT, RECEIVED };

#define OPENED_NEW 1   /* offset of OPENED: the name was not there before */
#define OPENED_EMPTY 2 /* ... : what the file held is gone */

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static char below[PATH_MAX];
static size_t below_length;

/* What a descriptor was when it was last looked at. libuv closes by syscall(), unseen, so the inode is compared at
 * each use. */
#define DESCRIPTORS 65536
enum { UNKNOWN, FOREIGN, OURS, SOCKET };
static unsigned char what[DESCRIPTORS];
static uint64_t inode[DESCRIPTORS];
static dev_t device[DESCRIPTORS];

/* ---- the step to die at ---- */

#define STAGES 16
static struct {
  const char *when, *kind, *text;
} stages[STAGES];
static int stage_count, stage;

static void read_steps(const char *text) {
  if (text == NULL || *text == 0) return;
  char *rest = strdup(text), *one;
  while ((one = strsep(&rest, ";")) != NULL && stage_count < STAGES) {
    stages[stage_count].when = strsep(&one, " ");
    stages[stage_count].kind = strsep(&one, " ");
    stages[stage_count].text = one;
    if (one == NULL) _exit(97);
    stage_count++;
  }
}

static void step(const char *when, const char *kind, const void *bytes, size_t length) {
  if (stage == stage_count || strcmp(stages[stage].when, when) != 0 || strcmp(stages[stage].kind, kind) != 0) return;
  if (memmem(bytes, length, stages[stage].text, strlen(stages[stage].text)) == NULL) return;
  if (++stage < stage_count) return;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void step_of(const char *when, const char *kind, int fd) {
  char link[64], path[PATH_MAX];
  if (stage == stage_count) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  if (length > 0) step(when, kind, path, (size_t)length);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("POWER_CUT_JOURNAL"), *directory = getenv("POWER_CUT_BELOW");
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (path == NULL || directory == NULL || length < 5) return;
  self[length] = 0;
  /* The shell that finds Node lets the journal alone, and what Node starts is not to be recorded. */
  if (strcmp(self + length - 5, "/node") != 0) return;
  unsetenv("LD_PRELOAD");
  unsetenv("POWER_CUT_JOURNAL");
  read_steps(getenv("POWER_CUT_KILL"));
  below_length = strlen(directory);
  memcpy(below, directory, below_length + 1);
  journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (journal < 0) {
    perror(path);
    _exit(99);
  }
}

static void all(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t done = syscall(SYS_write, journal, at, length);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) _exit(98);
    at += done;
    length -= (size_t)done;
  }
}

static void record(enum kind kind, uint64_t of, uint64_t offset, const char *path, const struct iovec *parts, int count,
                   size_t length) {
  int before = errno;
  uint32_t path_length = path == NULL ? 0 : (uint32_t)strlen(path);
  char head[28];
  uint32_t total = (uint32_t)(sizeof head + path_length + length), kind32 = kind;
  memcpy(head, &total, 4);
  memcpy(head + 4, &kind32, 4);
  memcpy(head + 8, &of, 8);
  memcpy(head + 16, &offset, 8);
  memcpy(head + 24, &path_length, 4);
  all(head, sizeof head);
  all(path, path_length);
  for (int i = 0; i < count && length > 0; i++) {
    size_t part = parts[i].iov_len < length ? parts[i].iov_len : length;
    all(parts[i].iov_base, part);
    length -= part;
  }
  errno = before;
}

/* The path from the root, as far as text can tell. */
static int is_below(const char *path) {
  return path != NULL && strncmp(path, below, below_length) == 0 &&
         (path[below_length] == '/' || path[below_length] == 0);
}

static int kind_of(int fd) {
  if (journal < 0 || fd < 0 || fd >= DESCRIPTORS) return FOREIGN;
  struct stat facts;
  char link[64], path[PATH_MAX];
  int before = errno;
  int is_open = fstat(fd, &facts) == 0;
  if (is_open && what[fd] != UNKNOWN && inode[fd] == facts.st_ino && device[fd] == facts.st_dev) {
    errno = before;
    return what[fd];
  }
  what[fd] = FOREIGN;
  if (is_open) {
    inode[fd] = facts.st_ino;
    device[fd] = facts.st_dev;
    if (S_ISSOCK(facts.st_mode)) {
      struct sockaddr_storage name;
      socklen_t size = sizeof name;
      if (getsockname(fd, (struct sockaddr *)&name, &size) == 0 &&
          (name.ss_family == AF_INET || name.ss_family == AF_INET6))
        what[fd] = SOCKET;
    } else if (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode)) {
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, path, sizeof path - 1);
      if (length > 0) {
        path[length] = 0;
        if (is_below(path)) what[fd] = OURS;
      }
    }
  }
  errno = before;
  return what[fd];
}

static void lock(void) { pthread_mutex_lock(&order); }
static void unlock(void) {
  int before = errno;
  pthread_mutex_unlock(&order);
  errno = before;
}

/* ---- names ---- */

static int opened(int fd, const char *path, int flags, int was_there) {
  if (fd < 0 || fd >= DESCRIPTORS) return fd;
  what[fd] = UNKNOWN;
  if (kind_of(fd) == OURS)
    record(OPENED, inode[fd], (was_there ? 0 : OPENED_NEW) | (flags & O_TRUNC ? OPENED_EMPTY : 0), path, NULL, 0, 0);
  step("after", "opened", path, strlen(path));
  return fd;
}

#define OPEN(name)                                                   \
  int name(const char *path, int flags, ...) {                       \
    REAL(name);                                                      \
    va_list more;                                                    \
    va_start(more, flags);                                           \
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0; \
    va_end(more);                                                    \
    if (journal < 0) return real(path, flags, mode);                 \
    lock();                                                          \
    struct stat facts;                                               \
    int was_there = !(flags & O_CREAT) || lstat(path, &facts) == 0;  \
    int fd = opened(real(path, flags, mode), path, flags, was_there); \
    unlock();                                                        \
    return fd;                                                       \
  }
OPEN(open)
OPEN(open64)

#define ONE_NAME(name, kind, parameters, arguments)                              \
  int name parameters {                                                          \
    REAL(name);                                                                  \
    if (journal < 0 || !is_below(path)) return real arguments;                   \
    lock();                                                                      \
    int result = real arguments;                                                 \
    if (result == 0) record(kind, 0, 0, path, NULL, 0, 0);                       \
    unlock();                                                                    \
    return result;                                                               \
  }
int unlinkat(int directory, const char *path, int flags) {
  REAL(unlinkat);
  if (journal < 0 || !is_below(path)) return real(directory, path, flags);
  lock();
  int result = real(directory, path, flags);
  if (result == 0) record(flags & AT_REMOVEDIR ? FOLDER_GONE : UNLINKED, 0, 0, path, NULL, 0, 0);
  unlock();
  return result;
}

ONE_NAME(unlink, UNLINKED, (const char *path), (path))
ONE_NAME(rmdir, FOLDER_GONE, (const char *path), (path))
ONE_NAME(mkdir, FOLDER_MADE, (const char *path, mode_t mode), (path, mode))

#define TWO_NAMES(name, kind)                                                    \
  int name(const char *from, const char *path) {                                 \
    REAL(name);                                                                  \
    if (journal < 0 || !is_below(path)) return real(from, path);                 \
    lock();                                                                      \
    step("before", "renamed", path, strlen(path));                               \
    int result = real(from, path);                                               \
    struct iovec source = {(void *)from, strlen(from)};                          \
    if (result == 0) record(kind, 0, 0, path, &source, 1, source.iov_len);       \
    step("after", "renamed", path, strlen(path));                                \
    unlock();                                                                    \
    return result;                                                               \
  }
TWO_NAMES(rename, RENAMED)
TWO_NAMES(link, LINKED)

/* ---- bytes ---- */

static void wrote(int fd, ssize_t done, int64_t at, const struct iovec *parts, int count) {
  if (done <= 0) return;
  if (at < 0) at = syscall(SYS_lseek, fd, 0, SEEK_CUR) - done;
  record(WRITTEN, inode[fd], (uint64_t)at, NULL, parts, count, (size_t)done);
}

/* The start is enough to know an answer by; the copies that go out would only make the journal long. */
static size_t start_of(const struct iovec *parts, int count, char *start, size_t room) {
  size_t length = 0;
  for (int i = 0; i < count && length < room; i++) {
    size_t part = parts[i].iov_len < room - length ? parts[i].iov_len : room - length;
    memcpy(start + length, parts[i].iov_base, part);
    length += part;
  }
  return length;
}

static void sent(int fd, const struct iovec *parts, int count, const char *when) {
  char start[1024];
  struct iovec part = {start, start_of(parts, count, start, sizeof start)};
  if (*when == 'b') record(SENT, (uint64_t)fd, 0, NULL, &part, 1, part.iov_len);
  step(when, "sent", start, part.iov_len);
}

#define PUT(name, result_type, parameters, arguments, at, bytes, count)          \
  result_type name parameters {                                                  \
    REAL(name);                                                                  \
    if (journal < 0) return real arguments;                                      \
    lock();                                                                      \
    int kind = kind_of(fd);                                                      \
    if (kind == FOREIGN) {                                                       \
      unlock();                                                                  \
      return real arguments;                                                     \
    }                                                                            \
    if (kind == SOCKET) sent(fd, bytes, count, "before");                         \
    if (kind == OURS) step_of("before", "written", fd);                          \
    result_type done = real arguments;                                           \
    if (kind == OURS) wrote(fd, done, at, bytes, count);                         \
    if (kind == SOCKET) sent(fd, bytes, count, "after");                         \
    unlock();                                                                    \
    return done;                                                                 \
  }
#define ONE_PART (&(struct iovec){(void *)buffer, length})
PUT(write, ssize_t, (int fd, const void *buffer, size_t length), (fd, buffer, length), -1, ONE_PART, 1)
PUT(writev, ssize_t, (int fd, const struct iovec *parts, int count), (fd, parts, count), -1, parts, count)
PUT(pwrite, ssize_t, (int fd, const void *buffer, size_t length, off_t at), (fd, buffer, length, at), at, ONE_PART, 1)
PUT(pwrite64, ssize_t, (int fd, const void *buffer, size_t length, off64_t at), (fd, buffer, length, at), at, ONE_PART, 1)
PUT(pwritev, ssize_t, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at), at, parts, count)
PUT(pwritev64, ssize_t, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), at, parts, count)

/* A partial send is recorded whole; what the peer has is a part of it, and never more. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  REAL(sendmsg);
  if (journal < 0) return real(fd, message, flags);
  lock();
  int count = (int)message->msg_iovlen;
  int kind = kind_of(fd);
  if (kind == SOCKET) sent(fd, message->msg_iov, count, "before");
  ssize_t done = real(fd, message, flags);
  if (kind == SOCKET) sent(fd, message->msg_iov, count, "after");
  unlock();
  return done;
}

/* Reading may wait, so it is outside the lock: a record may come late, never early. */
static void got(int fd, const void *buffer, ssize_t done) {
  if (done <= 0) return;
  lock();
  struct iovec part = {(void *)buffer, (size_t)done};
  if (kind_of(fd) == SOCKET) {
    record(RECEIVED, (uint64_t)fd, 0, NULL, &part, 1, (size_t)done);
    step("after", "received", buffer, (size_t)done);
  }
  unlock();
}

ssize_t read(int fd, void *buffer, size_t length) {
  REAL(read);
  ssize_t done = real(fd, buffer, length);
  if (journal >= 0) got(fd, buffer, done);
  return done;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  REAL(recvmsg);
  ssize_t done = real(fd, message, flags);
  if (journal >= 0 && message->msg_iovlen == 1) got(fd, message->msg_iov[0].iov_base, done);
  return done;
}

#define CUT(name, offset)                                                        \
  int name(int fd, offset length) {                                              \
    REAL(name);                                                                  \
    if (journal < 0) return real(fd, length);                                    \
    lock();                                                                      \
    int result = real(fd, length);                                               \
    if (result == 0 && kind_of(fd) == OURS) record(CUT_TO, inode[fd], (uint64_t)length, NULL, NULL, 0, 0); \
    unlock();                                                                    \
    return result;                                                               \
  }
CUT(ftruncate, off_t)
CUT(ftruncate64, off64_t)

#define SYNC(name)                                                               \
  int name(int fd) {                                                             \
    REAL(name);                                                                  \
    if (journal < 0) return real(fd);                                            \
    lock();                                                                      \
    step_of("before", "synced", fd);                                             \
    int result = real(fd);                                                       \
    if (result == 0 && kind_of(fd) == OURS) record(SYNCED, inode[fd], 0, NULL, NULL, 0, 0); \
    step_of("after", "synced", fd);                                              \
    unlock();                                                                    \
    return result;                                                               \
  }
SYNC(fsync)
SYNC(fdatasync)
