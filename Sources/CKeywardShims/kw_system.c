#define _GNU_SOURCE
#include "kw_system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int kw_set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -errno; }

int kw_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0; }

int kw_set_no_new_privileges(void) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

int kw_has_no_new_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

int kw_disable_core_files(void) {
  struct rlimit none = {0, 0};
  return setrlimit(RLIMIT_CORE, &none) == 0 ? 0 : -errno;
}

int kw_peer_credentials(int descriptor, pid_t *pid, uid_t *uid, gid_t *gid) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -errno;
  if (length != sizeof credentials) return -EINVAL;
  *pid = credentials.pid;
  *uid = credentials.uid;
  *gid = credentials.gid;
  return 0;
}

int kw_unix_stream_socket(void) {
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return descriptor >= 0 ? descriptor : -errno;
}

size_t kw_unix_name_limit(void) { return sizeof(((struct sockaddr_un *)0)->sun_path) - 1; }

static int make_address(struct sockaddr_un *address, socklen_t *length, const char *name,
                        size_t count, int is_abstract) {
  if (count == 0 || count > kw_unix_name_limit()) return -ENAMETOOLONG;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  // An abstract name starts with NUL and its length is what the address length says, so no
  // trailing NUL may be counted; a path is NUL-terminated.
  memcpy(address->sun_path + (is_abstract ? 1 : 0), name, count);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count + 1);
  return 0;
}

int kw_unix_bind(int descriptor, const char *name, size_t count, int is_abstract) {
  struct sockaddr_un address;
  socklen_t length;
  int rc = make_address(&address, &length, name, count, is_abstract);
  if (rc != 0) return rc;
  return bind(descriptor, (struct sockaddr *)&address, length) == 0 ? 0 : -errno;
}

int kw_unix_connect(int descriptor, const char *name, size_t count, int is_abstract) {
  struct sockaddr_un address;
  socklen_t length;
  int rc = make_address(&address, &length, name, count, is_abstract);
  if (rc != 0) return rc;
  do {
    rc = connect(descriptor, (struct sockaddr *)&address, length);
  } while (rc != 0 && errno == EINTR);
  return rc == 0 ? 0 : -errno;
}

int kw_unix_send_datagram(const char *name, size_t count, const void *bytes, size_t length) {
  int is_abstract = count > 0 && name[0] == '@';
  struct sockaddr_un address;
  socklen_t address_length;
  int rc = make_address(&address, &address_length, name + (is_abstract ? 1 : 0),
                        count - (is_abstract ? 1 : 0), is_abstract);
  if (rc != 0) return rc;
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  ssize_t sent;
  do {
    sent = sendto(descriptor, bytes, length, MSG_NOSIGNAL, (struct sockaddr *)&address,
                  address_length);
  } while (sent < 0 && errno == EINTR);
  rc = sent < 0 ? -errno : (size_t)sent == length ? 0 : -EMSGSIZE;
  close(descriptor);
  return rc;
}

static int integer_option(int descriptor, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

int kw_is_listening_unix_stream(int descriptor) {
  return integer_option(descriptor, SO_DOMAIN) == AF_UNIX &&
         integer_option(descriptor, SO_TYPE) == SOCK_STREAM &&
         integer_option(descriptor, SO_ACCEPTCONN) == 1;
}

int kw_lock_exclusive(int descriptor) {
  int rc;
  do {
    rc = flock(descriptor, LOCK_EX | LOCK_NB);
  } while (rc != 0 && errno == EINTR);
  return rc == 0 ? 0 : -errno;
}

int kw_set_close_on_exec(int descriptor) {
  int flags = fcntl(descriptor, F_GETFD);
  if (flags < 0) return -errno;
  return fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) == 0 ? 0 : -errno;
}

// One pipe a signal. Lock-free, so that a handler may load it.
static _Atomic int signal_descriptors[NSIG];

static void forward_signal(int signal_number) {
  int saved = errno;
  int descriptor = atomic_load(&signal_descriptors[signal_number]);
  unsigned char byte = (unsigned char)signal_number;
  // A full pipe already tells the reader.
  if (descriptor >= 0 && write(descriptor, &byte, 1) < 0) errno = 0;
  errno = saved;
}

int kw_signal_to_descriptor(int signal_number, int descriptor) {
  if (signal_number <= 0 || signal_number >= NSIG) return -EINVAL;
  atomic_store(&signal_descriptors[signal_number], descriptor);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigfillset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  action.sa_handler = descriptor >= 0 ? forward_signal : SIG_IGN;
  return sigaction(signal_number, &action, NULL) == 0 ? 0 : -errno;
}

int kw_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : -errno; }
