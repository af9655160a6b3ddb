// Starting, replacing, watching and stopping processes. Between fork and exec there is only C.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// A program to start. Nothing in it is copied; all of it must stay in place during the call.
typedef struct {
  /// Paths to try in this order, NULL-terminated.
  const char *const *paths;
  char *const *arguments;
  /// For a file that the kernel does not take as a program: {"sh", slot, arguments…}; the slot gets
  /// the path. NULL not to try.
  char **shell_arguments;
  char *const *environment;
  /// The memory of the environment's texts, which fork() does not show to the child.
  const void *environment_block;
  size_t environment_size;
  /// What becomes 0, 1 and 2; -1 to leave it as it is.
  int standard[3];
  /// Descriptors that the program gets under their own numbers.
  const int *kept;
  size_t kept_count;
  /// Non-zero leaves the limit of core files as it was found; else neither a file nor a pipe gets one.
  int allows_core;
  /// Non-zero makes the program end with SIGKILL when the calling thread ends.
  int ends_with_parent;
  /// The path that was tried last and failed, or was taken: an index into `paths`.
  int tried;
} kw_program;

/// Signals, mask, umask, limits and descriptors as they were when this process was started, which
/// is what its programs get. Recorded before main.
int kw_initially_ignored(int signal_number);
/// 1 when the descriptor was there at the start, so that a program gets it too.
int kw_initially_open(int descriptor);

/// Sets FD_CLOEXEC on every descriptor from 3 that was not there at the start.
int kw_close_others_on_exec(void);

/// Starts the program as a child in this process's group: 0, or the negated errno of the exec.
int kw_start(kw_program *program, pid_t *child);
/// Becomes the program; returns only to say why not, as a negated errno.
int kw_become(kw_program *program);

/// What the leader of a session writes to its report: one of the types, and a number.
typedef struct {
  int32_t type;
  int32_t value;
} kw_report;
enum {
  KW_REPORT_STARTED = 1,  // value: the pid
  KW_REPORT_FAILED = 2,   // value: errno
  KW_REPORT_STATUS = 3,   // value: a wait status
};
/// Starts the program in a new session on a terminal of its own: a leader, which waits for it and
/// reports, and the program as the foreground group.
int kw_start_in_session(kw_program *program, int terminal, int report, pid_t *leader);

/// Starts a process that removes a folder with what is in it when this process has ended, however
/// that was. The folder need not be there yet. Nothing is open in it but the end of a socket, whose
/// other end is `keeper`.
int kw_start_guardian(const char *folder, pid_t *guardian, int *keeper);

/// Gives the guardian a descriptor to hold open until it ends.
int kw_give_to_guardian(int keeper, int lock);

/// A signal as it came: its number, si_code and si_pid.
typedef struct {
  int32_t number;
  int32_t code;
  int32_t sender;
} kw_signal;
/// Makes a signal write a kw_signal to a pipe's end; -1 gives it its default action again.
int kw_signal_to_pipe(int signal_number, int descriptor);
/// Stops this process, or with `group` its whole group, by the default action of that signal, and
/// returns when it goes on.
int kw_stop_self(int signal_number, int group);
int kw_first_realtime(void);
int kw_last_realtime(void);

/// Makes orphans of descendants children of this process (PR_SET_CHILD_SUBREAPER).
int kw_adopt_orphans(void);

/// A sealed, close-on-exec memfd with these bytes, or a negated errno.
int kw_sealed_memfd(const char *name, const void *bytes, size_t count);
/// Maps what a descriptor holds and locks it, so that it is not swapped out while this process
/// lives: 1 if it is locked.
int kw_lock_contents(int descriptor, size_t count);
/// 1 when the descriptor is on a file system in memory (tmpfs or ramfs).
int kw_is_in_memory(int descriptor);

/// A close-on-exec pipe whose ends block.
int kw_blocking_pipe(int ends[2]);
/// Asks for a larger buffer of a pipe; it may stay as it is.
void kw_enlarge_pipe(int descriptor, int size);

/// Opens a pair of a pseudoterminal, close-on-exec.
int kw_open_terminal(int *master, int *slave);
/// The size of one terminal given to another.
int kw_copy_terminal_size(int from, int to);
/// Modes of a terminal copied to another one.
int kw_copy_terminal_modes(int from, int to);
/// Makes a terminal pass what is written to it as it is.
int kw_leave_output_alone(int descriptor);
/// Makes a terminal pass bytes as they are, keeping its modes in `saved` (kw_terminal_modes_size).
int kw_make_terminal_raw(int descriptor, void *saved);
int kw_restore_terminal(int descriptor, const void *saved);
size_t kw_terminal_modes_size(void);
/// 1 when this process's group is in the foreground of the terminal.
int kw_in_foreground(int terminal);
/// The foreground group of a terminal by its master.
pid_t kw_foreground_group(int master);
