import CKeywardShims
import Glibc

/// A listening socket that systemd bound and passed on.
package struct ActivatedSocket: ~Copyable, Sendable {
  /// `FileDescriptorName=` of the socket unit, `unknown` when it gives none.
  package let name: String
  private let descriptor: FileDescriptor

  init(name: String, descriptor: consuming FileDescriptor) {
    self.name = name
    self.descriptor = descriptor
  }

  consuming func takeDescriptor() -> FileDescriptor { descriptor }
}

/// Sockets passed by a service manager: `LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES`.
///
/// With activation the socket is never closed during a restart, so a kube-apiserver waits in the
/// backlog instead of falling into its back-off. Source: sd_listen_fds(3).
package struct SocketActivation: ~Copyable {
  /// The first passed descriptor (`SD_LISTEN_FDS_START`).
  private static let firstDescriptor: CInt = 3
  private static let mostDescriptors = 64

  private var sockets: [String: CInt] = [:]

  /// Claims the passed descriptors; empty when there are none, or they are for another process.
  ///
  /// - Parameters:
  ///   - environment: `ProcessInfo.processInfo.environment` or the like.
  ///   - firstDescriptor: where they begin; only tests differ from 3.
  /// - Throws: `SystemError.Kind.invalid` when a descriptor is not a listening Unix stream socket,
  ///   or two have one name.
  package init(
    environment: [String: String],
    firstDescriptor: CInt = Self.firstDescriptor
  ) throws(SystemError) {
    guard let pid = environment["LISTEN_PID"], pid_t(pid) == getpid(),
      let text = environment["LISTEN_FDS"]
    else { return }
    guard let count = Int(text), (0...Self.mostDescriptors).contains(count) else {
      throw SystemError(.invalid, "LISTEN_FDS=\(text) is not a count of sockets")
    }
    let names = (environment["LISTEN_FDNAMES"] ?? "").split(
      separator: ":",
      omittingEmptySubsequences: false
    )
    for index in 0..<count {
      let descriptor = firstDescriptor + CInt(index)
      let name =
        names.indices.contains(index) && !names[index].isEmpty ? String(names[index]) : "unknown"
      guard kw_is_listening_unix_stream(descriptor) == 1 else {
        throw SystemError(
          .invalid,
          "socket \(name) passed by systemd is not a listening Unix stream socket"
        )
      }
      guard kw_set_close_on_exec(descriptor) == 0 else {
        throw SystemError(cannot: "keep the passed socket \(name) from children", code: errno)
      }
      guard sockets.updateValue(descriptor, forKey: name) == nil else {
        throw SystemError(
          .invalid,
          "systemd passed two sockets named \(name); set FileDescriptorName= of each"
        )
      }
    }
  }

  deinit {
    for descriptor in sockets.values { close(descriptor) }
  }

  /// Names of the sockets nobody has taken yet, sorted.
  package var names: [String] { sockets.keys.sorted() }

  /// Takes the socket of that name.
  package mutating func take(_ name: String) -> ActivatedSocket? {
    guard let descriptor = sockets.removeValue(forKey: name) else { return nil }
    return ActivatedSocket(name: name, descriptor: FileDescriptor(owning: descriptor))
  }

  /// The endpoint at which a passed socket listens, as the kernel says.
  package static func endpoint(of socket: borrowing ActivatedSocket) -> UnixEndpoint? {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let descriptor = socket.rawDescriptor
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
        getsockname(descriptor, rebound, &length)
      }
    }
    let prefix = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    guard code == 0, Int(length) > prefix else { return nil }
    let name = withUnsafeBytes(of: &address.sun_path) { bytes in
      Array(bytes.prefix(Int(length) - prefix))
    }
    if name.first == 0 {
      return try? UnixEndpoint(abstract: String(decoding: name.dropFirst(), as: UTF8.self))
    }
    return try? UnixEndpoint(path: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
  }
}

extension ActivatedSocket {
  var rawDescriptor: CInt { descriptor.rawValue }
}
