import Glibc
import KeywardSystem
import Testing

@Suite
struct DirectoryTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  @Test
  func oneProcessHasTheFolder() throws {
    let lock = try DirectoryLock(directory.path)
    let error = #expect(throws: SystemError.self) { _ = try DirectoryLock(directory.path) }
    #expect(error?.kind == .inUse)
    #expect(error?.message.contains("another keyward uses the folder") == true)
    _ = consume lock
    _ = try DirectoryLock(directory.path)
  }

  @Test
  func aLockNeedsAFolder() throws {
    try directory.write([1], to: "file", mode: 0o600)
    #expect(throws: SystemError.self) { _ = try DirectoryLock(directory.file("file")) }
    #expect(throws: SystemError.self) { _ = try DirectoryLock(directory.file("none")) }
  }

  @Test
  func preparesAFolderForItsOwnerOnly() throws {
    let path = directory.file("data")
    try PrivateDirectory.prepare(path)
    #expect(permissions(of: path) == 0o700)
    try PrivateDirectory.prepare(path)
    chmod(path, 0o750)
    let error = #expect(throws: SystemError.self) { try PrivateDirectory.prepare(path) }
    #expect(error?.kind == .tooPermissive)
    #expect(error?.message.contains("chmod 700 \(path)") == true)
  }

  @Test
  func aFolderMayNotBeALink() throws {
    symlink("/tmp", directory.file("data"))
    let error = #expect(throws: SystemError.self) {
      try PrivateDirectory.prepare(directory.file("data"))
    }
    #expect(error?.kind == .occupied)
  }
}
