import CKeywardShims
import Glibc
import Synchronization

/// A bound, listening Unix socket that nobody else was served by.
///
/// Binding never takes a path from its owner: a live socket, a plain file, a symbolic link and
/// another user's socket are each refused with words that say what to do. Only a socket that is
/// ours and that refuses connections is removed. Two servers that start at once are kept apart by
/// a lock on `<path>.lock`, held until `removeFile` or the end of the listener.
package final class UnixListener: Sendable {
  package let endpoint: UnixEndpoint

  private let state: Mutex<State>
  private let identity: FileIdentity?

  private struct State: ~Copyable {
    var descriptor: CInt?
    var lock: FileDescriptor?
    var isRemoved = false
  }

  private init(
    _ endpoint: UnixEndpoint,
    descriptor: consuming FileDescriptor,
    identity: FileIdentity?,
    lock: consuming FileDescriptor?
  ) {
    self.endpoint = endpoint
    self.identity = identity
    state = Mutex(State(descriptor: descriptor.release(), lock: lock))
  }

  deinit {
    state.withLock { state in
      if let descriptor = state.descriptor { close(descriptor) }
    }
  }

  /// Binds and listens.
  ///
  /// The socket file has the bits of `mode` before it becomes visible; the kernel holds `backlog`
  /// connections until they are accepted. Fails with `inUse`, `occupied`, `tooPermissive` or the
  /// error of a call.
  package static func bind(
    _ endpoint: UnixEndpoint,
    mode: UInt32 = 0o600,
    backlog: CInt = 1024
  ) throws(SystemError) -> UnixListener {
    switch endpoint {
    case .abstract:
      let socket = try open(endpoint, mode: mode, backlog: backlog)
      return UnixListener(endpoint, descriptor: socket, identity: nil, lock: nil)
    case .path(let path):
      try checkParent(of: path)
      let lock = try takeLock(for: path)
      try removeStaleSocket(at: path, endpoint)
      let socket = try open(endpoint, mode: mode, backlog: backlog)
      guard let status = try stat.ofLink(at: path), status.isSocket,
        status.permissions & ~mode & 0o777 == 0
      else {
        throw SystemError(
          .failed,
          "\(path) is not the socket that was just bound; does another process use it?"
        )
      }
      return UnixListener(
        endpoint,
        descriptor: socket,
        identity: FileIdentity(status),
        lock: lock
      )
    }
  }

  /// Adopts a socket that the service manager bound; its file is not ours to remove.
  package static func adopt(
    _ socket: consuming ActivatedSocket,
    as endpoint: UnixEndpoint
  )
    -> UnixListener
  {
    UnixListener(endpoint, descriptor: socket.takeDescriptor(), identity: nil, lock: nil)
  }

  /// Gives the descriptor to a server, which closes it; nil when it was given before.
  package func takeDescriptor() -> CInt? {
    state.withLock { state in
      defer { state.descriptor = nil }
      return state.descriptor
    }
  }

  /// Removes the socket file, if it is still the one that was bound here, and frees its path.
  package func removeFile() {
    guard case .path(let path) = endpoint, let identity else { return }
    state.withLock { state in
      guard !state.isRemoved else { return }
      state.isRemoved = true
      // The lock keeps other servers of ours off the path between the look and the unlink.
      if let status = try? stat.ofLink(at: path), FileIdentity(status) == identity {
        unlink(path)
      }
      state.lock = nil
    }
  }

  private static func open(
    _ endpoint: UnixEndpoint,
    mode: UInt32,
    backlog: CInt
  ) throws(SystemError) -> FileDescriptor {
    let socket = try UnixSocket.open()
    // Before bind: the file is born with these bits, so there is no moment of looser ones.
    guard fchmod(socket.rawValue, mode) == 0 else {
      throw SystemError(cannot: "set the mode of \(endpoint)", code: errno)
    }
    let (name, isAbstract) = endpoint.name
    let code = -kw_unix_bind(socket.rawValue, name, name.utf8.count, isAbstract ? 1 : 0)
    if code == EADDRINUSE {
      throw SystemError(
        .inUse,
        "\(endpoint) is served by another process; stop it or choose another name",
        code: code
      )
    }
    guard code == 0 else { throw SystemError(cannot: "bind \(endpoint)", code: code) }
    guard listen(socket.rawValue, backlog) == 0 else {
      throw SystemError(cannot: "listen on \(endpoint)", code: errno)
    }
    return socket
  }

  private static func checkParent(of path: String) throws(SystemError) {
    let parent = parentDirectory(of: path)
    var status = stat()
    guard stat(parent, &status) == 0 else {
      let code = errno
      if code == ENOENT {
        throw SystemError(
          .notFound,
          "the folder \(parent) does not exist; create it with mode 0700",
          code: code
        )
      }
      throw SystemError(cannot: "inspect \(parent)", code: code)
    }
    guard status.isDirectory else {
      throw SystemError(.occupied, "\(parent) is not a folder")
    }
    guard status.permissions & 0o002 == 0 || status.permissions & 0o1000 != 0 else {
      throw SystemError(
        .tooPermissive,
        "every user may replace files in \(parent); run: chmod o-w \(parent)"
      )
    }
  }

  private static func takeLock(for path: String) throws(SystemError) -> FileDescriptor {
    let name = path + ".lock"
    let file = try FileDescriptor.open(name, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    let status = try file.status(of: name)
    guard status.isRegularFile, status.st_uid == geteuid() else {
      throw SystemError(
        .occupied,
        "\(name) is not a lock file of this user; remove it or choose another path"
      )
    }
    let code = -kw_lock_exclusive(file.rawValue)
    if code == EWOULDBLOCK {
      throw SystemError(
        .inUse,
        "\(path) is served by another keyward (it holds \(name)); stop it first",
        code: code
      )
    }
    guard code == 0 else { throw SystemError(cannot: "lock \(name)", code: code) }
    return file
  }

  private static func removeStaleSocket(
    at path: String,
    _ endpoint: UnixEndpoint
  ) throws(SystemError) {
    guard let found = try stat.ofLink(at: path) else { return }
    guard !found.isSymbolicLink else {
      throw SystemError(.occupied, "\(path) is a symbolic link; remove it or choose another path")
    }
    guard found.isSocket else {
      throw SystemError(
        .occupied,
        "\(path) is a file, not a socket; move it away or choose another path"
      )
    }
    guard found.st_uid == geteuid() else {
      throw SystemError(
        .occupied,
        "\(path) is a socket of user \(found.st_uid); remove it as that user or choose another path"
      )
    }
    let probe = try UnixSocket.open()
    let code = UnixSocket.attempt(probe.rawValue, endpoint)
    guard code == ECONNREFUSED else {
      if code == ENOENT { return }
      throw SystemError(
        .inUse,
        "\(path) is served by another process; stop it or choose another path",
        code: code
      )
    }
    // Another program, which does not know our lock, may have replaced it meanwhile.
    guard let again = try stat.ofLink(at: path) else { return }
    guard FileIdentity(again) == FileIdentity(found) else {
      throw SystemError(.inUse, "\(path) was just bound by another process; stop it first")
    }
    guard unlink(path) == 0 || errno == ENOENT else {
      throw SystemError(cannot: "remove the stale socket \(path)", code: errno)
    }
  }
}
