// Between fork (or clone) and exec, only calls that are safe after it: no allocation, no locks, no
// Swift. The child of kw_start shares the memory of its parent, which waits for the exec, so that
// the environment need not leave the locked arena: that is hidden from forked children.
#define _GNU_SOURCE
#include "kw_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum { STACK = 128 << 10, REMEMBERED = 4096 };

// MARK: as it was found

static struct {
  bool ignored[NSIG];
  sigset_t mask;
  mode_t umask;
  struct rlimit core, locked;
  unsigned char open[REMEMBERED / 8];
} initial;

__attribute__((constructor)) static void remember(void) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    initial.ignored[number] =
        sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
  }
  sigprocmask(SIG_SETMASK, NULL, &initial.mask);
  initial.umask = umask(0);
  umask(initial.umask);
  getrlimit(RLIMIT_CORE, &initial.core);
  getrlimit(RLIMIT_MEMLOCK, &initial.locked);
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    int descriptor = atoi(entry->d_name);
    if (descriptor > 2 && descriptor < REMEMBERED && descriptor != dirfd(folder))
      initial.open[descriptor / 8] |= (unsigned char)(1 << descriptor % 8);
  }
  closedir(folder);
}

int kw_initially_ignored(int number) {
  return number > 0 && number < NSIG && initial.ignored[number];
}

int kw_initially_open(int descriptor) {
  if (descriptor < 0 || descriptor >= REMEMBERED) return 0;
  return descriptor < 3 || (initial.open[descriptor / 8] >> descriptor % 8 & 1);
}

int kw_close_others_on_exec(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return -errno;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    int descriptor = atoi(entry->d_name);
    if (descriptor < 3 || kw_initially_open(descriptor)) continue;
    int flags = fcntl(descriptor, F_GETFD);
    if (flags >= 0 && !(flags & FD_CLOEXEC)) fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
  }
  closedir(folder);
  return 0;
}

// MARK: exec

// Gives the process the state its program shall find. All signals are blocked.
static int become_like_initial(const kw_program *program) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = initial.ignored[number] ? SIG_IGN : SIG_DFL;
    // Fails for SIGKILL, SIGSTOP and the numbers that libc keeps to itself.
    sigaction(number, &action, NULL);
  }
  umask(initial.umask);
  setrlimit(RLIMIT_MEMLOCK, &initial.locked);
  // A limit of 1 is too small for a file and the one that a pipe in core_pattern heeds.
  struct rlimit core = {1, 1};
  if (program->allows_core) core = initial.core;
  if (setrlimit(RLIMIT_CORE, &core) != 0 && !program->allows_core) {
    core.rlim_cur = core.rlim_max = 0;
    if (setrlimit(RLIMIT_CORE, &core) != 0) return errno;
  }
  for (int n = 0; n < 3; n++) {
    if (program->standard[n] < 0) continue;
    if (dup2(program->standard[n], n) < 0) return errno;
    if (program->standard[n] == n && fcntl(n, F_SETFD, 0) != 0) return errno;
  }
  for (size_t i = 0; i < program->kept_count; i++)
    if (fcntl(program->kept[i], F_SETFD, 0) != 0) return errno;
  return 0;
}

// Tries each path; returns an errno.
static int execute(kw_program *program) {
  int rc = ENOENT;
  for (int i = 0; program->paths[i] != NULL; i++) {
    program->tried = i;
    execve(program->paths[i], program->arguments, program->environment);
    int code = errno;
    if (code == ENOEXEC && program->shell_arguments != NULL) {
      program->shell_arguments[1] = (char *)program->paths[i];
      execve("/bin/sh", program->shell_arguments, program->environment);
      return errno;
    }
    if (code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG || code == ELOOP) continue;
    // A file that may not be run hides no other one, but is the better reason.
    if (code == EACCES) {
      rc = EACCES;
      continue;
    }
    return code;
  }
  return rc;
}

typedef struct {
  kw_program *program;
  pid_t parent;
  int terminal;  // where the program becomes the foreground group; or -1
  volatile int error;
} start;

static int child_main(void *argument) {
  start *s = argument;
  if (s->program->ends_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != s->parent) _exit(127);
  }
  if (s->terminal >= 0) {
    setpgid(0, 0);
    tcsetpgrp(s->terminal, getpid());
  }
  s->error = become_like_initial(s->program);
  if (s->error == 0) {
    sigprocmask(SIG_SETMASK, &initial.mask, NULL);
    s->error = execute(s->program);
  }
  _exit(127);
}

static int start_child(kw_program *program, int terminal, pid_t *child) {
  uint8_t *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -errno;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  start s = {program, getpid(), terminal, 0};
  pid_t pid = clone(child_main, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &s);
  int rc = pid < 0 ? -errno : -s.error;
  if (pid > 0 && rc != 0)
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  munmap(stack, STACK);
  if (rc == 0) *child = pid;
  return rc;
}

int kw_start(kw_program *program, pid_t *child) { return start_child(program, -1, child); }

int kw_become(kw_program *program) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  int rc = become_like_initial(program);
  if (rc != 0) return -rc;
  pthread_sigmask(SIG_SETMASK, &initial.mask, NULL);
  return -execute(program);
}

// MARK: a session of its own

static void report_to(int descriptor, int32_t type, int32_t value) {
  kw_report report = {type, value};
  while (write(descriptor, &report, sizeof report) < 0 && errno == EINTR) {}
}

// Closes all from `first` on but those three (-1 for none).
static void close_all_but(int first, int a, int b, int c) {
  int kept[3] = {a, b, c};
  for (int i = 0; i < 3; i++)
    for (int j = i + 1; j < 3; j++)
      if (kept[j] < kept[i]) {
        int swapped = kept[i];
        kept[i] = kept[j];
        kept[j] = swapped;
      }
  for (int i = 0; i < 3; i++) {
    if (kept[i] < first) continue;
    if (kept[i] > first) close_range((unsigned)first, (unsigned)kept[i] - 1, 0);
    first = kept[i] + 1;
  }
  close_range((unsigned)first, ~0u, 0);
}

static void quiet_standard(void) {
  int null = open("/dev/null", O_RDWR);
  for (int n = 0; n < 3; n++)
    if (null >= 0) dup2(null, n);
}

static _Noreturn void lead(kw_program *program, int terminal, int report, void *block) {
  setsid();
  ioctl(terminal, TIOCSCTTY, 0);
  pid_t child;
  int rc = start_child(program, terminal, &child);
  explicit_bzero(block, program->environment_size);
  quiet_standard();
  close_all_but(3, report, -1, -1);
  if (rc != 0) {
    report_to(report, KW_REPORT_FAILED, -rc);
    _exit(0);
  }
  report_to(report, KW_REPORT_STARTED, child);
  for (;;) {
    int status;
    pid_t pid = waitpid(child, &status, WUNTRACED | WCONTINUED);
    if (pid < 0 && errno != EINTR) _exit(1);
    if (pid != child) continue;
    report_to(report, KW_REPORT_STATUS, status);
    if (WIFEXITED(status) || WIFSIGNALED(status)) _exit(0);
  }
}

int kw_start_in_session(kw_program *program, int terminal, int report, pid_t *leader) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t size = (program->environment_size + page) / page * page;
  // The leader's fork gets a copy, since the arena is hidden from it; both wipe theirs at once.
  uint8_t *block =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return -errno;
  mlock(block, size);
  madvise(block, size, MADV_DONTDUMP);
  memcpy(block, program->environment_block, program->environment_size);
  size_t count = 0;
  while (program->environment[count] != NULL) count++;
  char **moved = calloc(count + 1, sizeof *moved);
  if (moved == NULL) {
    munmap(block, size);
    return -ENOMEM;
  }
  const uint8_t *old = program->environment_block;
  for (size_t i = 0; i < count; i++)
    moved[i] = (char *)(block + ((const uint8_t *)program->environment[i] - old));
  kw_program copy = *program;
  copy.environment = moved;

  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t parent = getpid();
  pid_t pid = fork();
  int rc = pid < 0 ? -errno : 0;
  if (pid == 0) {
    if (program->ends_with_parent) {
      prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      if (getppid() != parent) _exit(1);
    }
    lead(&copy, terminal, report, block);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  explicit_bzero(block, size);
  munmap(block, size);
  free(moved);
  if (rc == 0) *leader = pid;
  return rc;
}

// MARK: the guardian

static void remove_folder(const char *path) {
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return;
  struct dirent64 {
    uint64_t ino;
    int64_t off;
    unsigned short reclen;
    unsigned char type;
    char name[];
  };
  _Alignas(8) char buffer[4096];
  for (;;) {
    // By the system call: opendir allocates, which a forked child of threads may not.
    long got = syscall(SYS_getdents64, folder, buffer, sizeof buffer);
    if (got <= 0) break;
    bool removed = false;
    for (long at = 0; at < got;) {
      const struct dirent64 *entry = (const void *)(buffer + at);
      if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
        removed |= unlinkat(folder, entry->name, 0) == 0;
      at += entry->reclen;
    }
    if (!removed) break;
    lseek(folder, 0, SEEK_SET);
  }
  close(folder);
  rmdir(path);
}

static _Noreturn void guard(const char *folder, int keeper, pid_t parent) {
  setsid();
  prctl(PR_SET_NAME, "keyward-guard", 0, 0, 0);
  quiet_standard();
  if (chdir("/") != 0) _exit(1);
  int process = (int)syscall(SYS_pidfd_open, parent, 0);
  close_all_but(3, keeper, process, -1);
  if (process >= 0) {
    struct pollfd ended = {process, POLLIN, 0};
    while (getppid() == parent && poll(&ended, 1, -1) <= 0) {}
  } else {
    // No pidfd on this kernel: look now and then.
    while (getppid() == parent) poll(NULL, 0, 50);
  }
  remove_folder(folder);
  _exit(0);
}

int kw_start_guardian(const char *folder, pid_t *guardian, int *keeper) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t parent = getpid();
  pid_t pid = fork();
  int rc = pid < 0 ? -errno : 0;
  // All signals stay blocked in the guardian.
  if (pid == 0) guard(folder, ends[1], parent);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (rc == 0) {
    *guardian = pid;
    *keeper = ends[0];
  } else {
    close(ends[0]);
  }
  return rc;
}

int kw_give_to_guardian(int keeper, int lock) {
  char byte = 0;
  struct iovec part = {&byte, 1};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof lock)] = {0};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof lock);
  memcpy(CMSG_DATA(header), &lock, sizeof lock);
  // What waits in a socket is open, whether or not somebody ever takes it.
  return sendmsg(keeper, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

// MARK: signals

static _Atomic int signal_pipes[NSIG];

static void pass_signal(int number, siginfo_t *info, void *context) {
  (void)context;
  int saved = errno;
  // A fault of this process itself, which would come again at once: its default action.
  bool is_fault = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
                  number == SIGTRAP || number == SIGSYS;
  if (is_fault && info->si_code > 0) {
    signal(number, SIG_DFL);
    errno = saved;
    return;
  }
  kw_signal message = {number, info->si_code, info->si_code <= 0 ? info->si_pid : 0};
  int descriptor = atomic_load(&signal_pipes[number]);
  if (descriptor >= 0 && write(descriptor, &message, sizeof message) < 0) errno = 0;
  errno = saved;
}

int kw_signal_to_pipe(int number, int descriptor) {
  if (number <= 0 || number >= NSIG) return -EINVAL;
  atomic_store(&signal_pipes[number], descriptor);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigfillset(&action.sa_mask);
  if (descriptor >= 0) {
    action.sa_sigaction = pass_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
  } else {
    action.sa_handler = SIG_DFL;
  }
  return sigaction(number, &action, NULL) == 0 ? 0 : -errno;
}

int kw_stop_self(int number, int group) {
  if (number == SIGSTOP) return raise(number) == 0 ? 0 : -errno;
  struct sigaction action, before;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_IGN;
  if (sigaction(number, &action, &before) != 0) return -errno;
  if (group) kill(0, number);
  // By this thread, which then does not go on before the process does: sent to the process, another
  // thread could take it after the handler is back.
  action.sa_handler = SIG_DFL;
  sigaction(number, &action, NULL);
  int rc = raise(number) == 0 ? 0 : -errno;
  sigaction(number, &before, NULL);
  return rc;
}

int kw_first_realtime(void) { return SIGRTMIN; }

int kw_last_realtime(void) { return SIGRTMAX; }

int kw_adopt_orphans(void) {
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

// MARK: files in memory

int kw_sealed_memfd(const char *name, const void *bytes, size_t count) {
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  int rc = 0;
  for (size_t done = 0; done < count && rc == 0;) {
    ssize_t wrote = write(fd, (const uint8_t *)bytes + done, count - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) rc = -errno;
    else done += (size_t)wrote;
  }
  if (rc == 0 && fchmod(fd, 0400) != 0) rc = -errno;
  const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (rc == 0 && fcntl(fd, F_ADD_SEALS, seals) != 0) rc = -errno;
  if (rc == 0 && lseek(fd, 0, SEEK_SET) != 0) rc = -errno;
  if (rc == 0) return fd;
  close(fd);
  return rc;
}

int kw_lock_contents(int descriptor, size_t count) {
  if (count == 0) return 1;
  void *p = mmap(NULL, count, PROT_READ, MAP_SHARED, descriptor, 0);
  if (p == MAP_FAILED) return 0;
  madvise(p, count, MADV_DONTDUMP);
  madvise(p, count, MADV_DONTFORK);
  if (mlock(p, count) == 0) return 1;
  munmap(p, count);
  return 0;
}

int kw_is_in_memory(int descriptor) {
  struct statfs status;
  if (fstatfs(descriptor, &status) != 0) return -errno;
  return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}

int kw_blocking_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno; }

void kw_enlarge_pipe(int descriptor, int size) { fcntl(descriptor, F_SETPIPE_SZ, size); }

// MARK: terminals

int kw_open_terminal(int *master, int *slave) {
  int m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (m < 0) return -errno;
  char name[64];
  int rc = 0;
  if (grantpt(m) != 0 || unlockpt(m) != 0) rc = -errno;
  if (rc == 0) rc = -ptsname_r(m, name, sizeof name);
  int s = -1;
  if (rc == 0 && (s = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) rc = -errno;
  if (rc != 0) {
    close(m);
    return rc;
  }
  *master = m;
  *slave = s;
  return 0;
}

int kw_copy_terminal_size(int from, int to) {
  struct winsize size;
  if (ioctl(from, TIOCGWINSZ, &size) != 0 || ioctl(to, TIOCSWINSZ, &size) != 0) return -errno;
  return 0;
}

int kw_copy_terminal_modes(int from, int to) {
  struct termios modes;
  if (tcgetattr(from, &modes) != 0 || tcsetattr(to, TCSANOW, &modes) != 0) return -errno;
  return 0;
}

int kw_leave_output_alone(int descriptor) {
  struct termios modes;
  if (tcgetattr(descriptor, &modes) != 0) return -errno;
  modes.c_oflag &= ~(tcflag_t)OPOST;
  return tcsetattr(descriptor, TCSANOW, &modes) == 0 ? 0 : -errno;
}

int kw_make_terminal_raw(int descriptor, void *saved) {
  struct termios modes;
  if (tcgetattr(descriptor, &modes) != 0) return -errno;
  memcpy(saved, &modes, sizeof modes);
  cfmakeraw(&modes);
  return tcsetattr(descriptor, TCSADRAIN, &modes) == 0 ? 0 : -errno;
}

int kw_restore_terminal(int descriptor, const void *saved) {
  struct termios modes;
  memcpy(&modes, saved, sizeof modes);
  return tcsetattr(descriptor, TCSADRAIN, &modes) == 0 ? 0 : -errno;
}

size_t kw_terminal_modes_size(void) { return sizeof(struct termios); }

int kw_in_foreground(int terminal) { return tcgetpgrp(terminal) == getpgrp(); }

pid_t kw_foreground_group(int master) { return tcgetpgrp(master); }
