import Glibc
import KeywardCrypto
import KeywardSystem
import Testing

@Suite
struct SecretFileTests {
  private let directory: TemporaryDirectory
  private let secret = Array("correct horse battery staple".utf8)

  init() throws {
    directory = try TemporaryDirectory()
  }

  @Test(arguments: [mode_t(0o600), 0o400])
  func readsAFileOfItsOwner(mode: mode_t) throws {
    try directory.write(secret, to: "key", mode: mode)
    let bytes = try SecretFile.read(directory.file("key"), limit: 1024)
    #expect(bytes.revealed() == secret)
  }

  @Test(arguments: [mode_t(0o640), 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
  func refusesAFileThatOthersMayUse(mode: mode_t) throws {
    try directory.write(secret, to: "key", mode: mode)
    let error = failure { _ = try SecretFile.read(directory.file("key"), limit: 1024) }
    #expect(error?.kind == .tooPermissive)
    #expect(error?.message.contains("chmod 600 \(directory.file("key"))") == true)
  }

  @Test
  func theLimitIsInclusive() throws {
    try directory.write(secret, to: "key", mode: 0o600)
    _ = try SecretFile.read(directory.file("key"), limit: secret.count)
    let error = failure { _ = try SecretFile.read(directory.file("key"), limit: secret.count - 1) }
    #expect(error?.kind == .tooLarge)
  }

  @Test
  func refusesLinksFIFOsFoldersAndNothing() throws {
    try directory.write(secret, to: "key", mode: 0o600)
    symlink(directory.file("key"), directory.file("link"))
    mkfifo(directory.file("fifo"), 0o600)
    #expect(
      failure { _ = try SecretFile.read(directory.file("link"), limit: 9) }?.kind == .occupied
    )
    #expect(
      failure { _ = try SecretFile.read(directory.file("fifo"), limit: 9) }?.kind == .occupied
    )
    #expect(failure { _ = try SecretFile.read(directory.path, limit: 9) }?.kind == .occupied)
    #expect(failure { _ = try SecretFile.read(directory.file("no"), limit: 9) }?.kind == .notFound)
  }

  @Test(.enabled(if: geteuid() == 0, "needs root to give a file to another user"))
  func refusesAnotherUsersFile() throws {
    try directory.write(secret, to: "key", mode: 0o600)
    chown(directory.file("key"), 65_534, 65_534)
    #expect(
      failure { _ = try SecretFile.read(directory.file("key"), limit: 99) }?.kind == .occupied
    )
  }

  @Test(arguments: [0, 1, 4094, 4095, 4096, 4097, 10_000, 20_000])
  func readsADescriptorToItsEnd(count: Int) throws {
    let pipe = try openPipe()
    let sent = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    #expect(write(pipe.input, sent, sent.count) == sent.count)
    close(pipe.input)
    defer { close(pipe.output) }
    let bytes = try SecretFile.read(descriptor: pipe.output, limit: 20_000)
    #expect(bytes.revealed() == sent)
    // The descriptor stays the caller's.
    #expect(fcntl(pipe.output, F_GETFD) >= 0)
  }

  @Test(arguments: [(10, 9), (4096, 4095), (20_001, 20_000)])
  func aDescriptorHasALimitToo(count: Int, limit: Int) throws {
    let pipe = try openPipe()
    #expect(write(pipe.input, [UInt8](repeating: 7, count: count), count) == count)
    close(pipe.input)
    defer { close(pipe.output) }
    #expect(
      failure { _ = try SecretFile.read(descriptor: pipe.output, limit: limit) }?.kind == .tooLarge
    )
  }

  @Test
  func aFailureCallsADescriptorByItsName() throws {
    let pipe = try openPipe()
    #expect(write(pipe.input, [7, 7], 2) == 2)
    close(pipe.input)
    defer { close(pipe.output) }
    let error = failure {
      _ = try SecretFile.read(descriptor: pipe.output, name: "blob.bin", limit: 1)
    }
    #expect(error?.message == "blob.bin has more than 1 bytes")
  }

  private func openPipe() throws -> (output: CInt, input: CInt) {
    var ends: [CInt] = [-1, -1]
    try #require(pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  private func failure(_ body: () throws -> Void) -> SystemError? {
    #expect(throws: SystemError.self, performing: body)
  }
}
