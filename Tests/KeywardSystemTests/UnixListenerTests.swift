import Foundation
import Glibc
import KeywardSystem
import Testing

@Suite
struct UnixListenerTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let endpoint: UnixEndpoint

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("kms.sock")
    endpoint = try UnixEndpoint(path: path)
  }

  @Test
  func bindsWithMode0600AndAccepts() throws {
    let listener = try UnixListener.bind(endpoint)
    #expect(permissions(of: path) == 0o600)
    close(try UnixSocket.connect(to: endpoint))
    listener.removeFile()
    #expect(permissions(of: path) == nil)
    // The path is free again, though the first listener still lives.
    try UnixListener.bind(endpoint).removeFile()
    withExtendedLifetime(listener) {}
  }

  @Test
  func theModeDoesNotDependOnTheUmask() throws {
    let old = umask(0)
    defer { umask(old) }
    let listener = try UnixListener.bind(endpoint)
    #expect(permissions(of: path) == 0o600)
    listener.removeFile()
  }

  @Test
  func replacesItsOwnStaleSocketEachTime() throws {
    for _ in 0..<100 {
      // Dropped without removeFile, as after a kill: the file stays and refuses.
      _ = try UnixListener.bind(endpoint)
      #expect(permissions(of: path) == 0o600)
    }
    let error = #expect(throws: SystemError.self) { try UnixSocket.connect(to: endpoint) }
    #expect(error?.kind == .notFound)
  }

  @Test
  func refusesASocketThatIsServed() throws {
    // Bound by a program that knows no lock file.
    let foreign = try bareSocket(at: path)
    defer { close(foreign) }
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(endpoint) }
    #expect(error?.kind == .inUse)
    #expect(error?.message.contains("served by another process") == true)
    close(try UnixSocket.connect(to: endpoint))
  }

  @Test
  func refusesASecondListenerByItsLock() throws {
    let listener = try UnixListener.bind(endpoint)
    // Even without the file: the first one still serves its open connections.
    unlink(path)
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(endpoint) }
    #expect(error?.kind == .inUse)
    #expect(error?.message.contains(".lock") == true)
    withExtendedLifetime(listener) {}
  }

  @Test
  func refusesAPlainFileAndLeavesIt() throws {
    try directory.write([1, 2, 3], to: "kms.sock", mode: 0o600)
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(endpoint) }
    #expect(error?.kind == .occupied)
    #expect(error?.message.contains("not a socket") == true)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data([1, 2, 3]))
  }

  @Test
  func refusesASymbolicLinkAndLeavesItsTarget() throws {
    let target = directory.file("target")
    close(try bareSocket(at: target))
    symlink(target, path)
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(endpoint) }
    #expect(error?.kind == .occupied)
    #expect(error?.message.contains("symbolic link") == true)
    #expect(permissions(of: target) != nil)
  }

  @Test(.enabled(if: geteuid() == 0, "needs root to give a socket to another user"))
  func refusesAnotherUsersSocket() throws {
    close(try bareSocket(at: path))
    chown(path, 65_534, 65_534)
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(endpoint) }
    #expect(error?.kind == .occupied)
    #expect(error?.message.contains("user 65534") == true)
    #expect(permissions(of: path) != nil)
  }

  @Test
  func refusesAFolderWhereEverybodyMayReplaceFiles() throws {
    chmod(directory.path, 0o777)
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(endpoint) }
    #expect(error?.kind == .tooPermissive)
    #expect(error?.message.contains("chmod o-w") == true)
    chmod(directory.path, 0o1777)
    _ = try UnixListener.bind(endpoint)
  }

  @Test
  func saysWhenTheFolderIsMissing() throws {
    let missing = try UnixEndpoint(path: directory.file("none/kms.sock"))
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(missing) }
    #expect(error?.kind == .notFound)
    #expect(error?.message.contains("does not exist") == true)
  }

  @Test
  func removesTheFileOnlyWhileItIsItsOwn() throws {
    let listener = try UnixListener.bind(endpoint)
    unlink(path)
    let other = try bareSocket(at: path)
    defer { close(other) }
    listener.removeFile()
    #expect(permissions(of: path) != nil)
  }

  @Test
  func givesItsDescriptorOnce() throws {
    let listener = try UnixListener.bind(endpoint)
    let descriptor = try #require(listener.takeDescriptor())
    #expect(listener.takeDescriptor() == nil)
    close(descriptor)
  }

  @Test
  func servesAbstractNamesWithoutAFile() throws {
    let abstract = try UnixEndpoint(abstract: "keyward-test-\(UInt64.random(in: 0 ... .max))")
    let listener = try UnixListener.bind(abstract)
    close(try UnixSocket.connect(to: abstract))
    let error = #expect(throws: SystemError.self) { try UnixListener.bind(abstract) }
    #expect(error?.kind == .inUse)
    withExtendedLifetime(listener) {}
  }

  /// A listening socket as any program would make it.
  private func bareSocket(at path: String) throws -> CInt {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let code = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
        bind(descriptor, rebound, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(code == 0 && listen(descriptor, 8) == 0)
    return descriptor
  }
}
