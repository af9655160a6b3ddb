import Glibc

/// A failed use of the operating system: what kind, words for the operator, and the `errno`.
///
/// The message names the path and says what to do. It never holds file contents.
package struct SystemError: Error, Sendable, Equatable {
  /// What went wrong, for code that has to tell cases apart.
  package enum Kind: Sendable, Equatable {
    /// A live process already serves the socket, or holds the lock.
    case inUse
    /// Something else is in the place: a plain file, a symbolic link, another owner's socket.
    case occupied
    /// Nothing is there.
    case notFound
    /// The file or folder may be read or changed by those who should not.
    case tooPermissive
    /// The kernel refused for lack of a right.
    case notPermitted
    /// More bytes than the caller allows.
    case tooLarge
    /// A name, address or value that cannot be used.
    case invalid
    /// Any other failure of a system call.
    case failed
  }

  package let kind: Kind
  package let message: String
  /// The `errno` value behind the failure, 0 when there is none.
  package let code: CInt

  package init(_ kind: Kind, _ message: String, code: CInt = 0) {
    self.kind = kind
    self.message = message
    self.code = code
  }

  /// The failure of a system call: `cannot <action>: <strerror>`.
  package init(cannot action: String, code: CInt) {
    switch code {
    case ENOENT, ENOTDIR: kind = .notFound
    case EACCES, EPERM, EROFS: kind = .notPermitted
    case EADDRINUSE, EWOULDBLOCK: kind = .inUse
    case ENAMETOOLONG, EINVAL: kind = .invalid
    default: kind = .failed
    }
    message = "cannot \(action): \(Self.words(for: code))"
    self.code = code
  }

  private static func words(for code: CInt) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
  }
}

extension SystemError: CustomStringConvertible {
  package var description: String { message }
}
