// Operating-system calls that Swift cannot import: prctl, ucred, flock, Unix socket addresses.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Every function returns 0 (or a descriptor) on success and a negated errno value on failure.

/// Makes the process undumpable: no core, no ptrace by the same uid (prctl PR_SET_DUMPABLE).
int kw_set_undumpable(void);
/// 1 when the process may be dumped, 0 when not.
int kw_is_dumpable(void);
/// No execve may gain privileges from here on (prctl PR_SET_NO_NEW_PRIVS).
int kw_set_no_new_privileges(void);
int kw_has_no_new_privileges(void);
/// Sets the soft and hard limit of core files to zero.
int kw_disable_core_files(void);

/// Credentials of the process at the other end, as of its connect() (SO_PEERCRED).
int kw_peer_credentials(int descriptor, pid_t *pid, uid_t *uid, gid_t *gid);

/// A close-on-exec, non-blocking Unix stream socket.
int kw_unix_stream_socket(void);
/// The bytes a name may have at most: sun_path less its NUL (path) or leading NUL (abstract).
size_t kw_unix_name_limit(void);
/// bind() to a path, or to an abstract name given without its leading NUL.
int kw_unix_bind(int descriptor, const char *name, size_t count, int is_abstract);
/// connect() to a path or an abstract name; -EAGAIN when the backlog of a live server is full.
int kw_unix_connect(int descriptor, const char *name, size_t count, int is_abstract);
/// Sends one datagram to a Unix datagram socket; a name that begins with '@' is abstract.
int kw_unix_send_datagram(const char *name, size_t count, const void *bytes, size_t length);
/// 1 when the descriptor is a listening Unix stream socket, 0 when not.
int kw_is_listening_unix_stream(int descriptor);

/// Takes an exclusive advisory lock without waiting: -EWOULDBLOCK when another holds it.
int kw_lock_exclusive(int descriptor);
/// Sets FD_CLOEXEC.
int kw_set_close_on_exec(int descriptor);

/// Makes the signal write its number, as one byte, to a pipe's end; -1 ignores it from now on.
int kw_signal_to_descriptor(int signal_number, int descriptor);
/// A close-on-exec pipe whose ends do not block: ends[0] is read, ends[1] is written.
int kw_pipe(int ends[2]);
