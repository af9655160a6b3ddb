import Glibc
import KeywardSystem
import Testing

@Suite
struct FixedSizeFileTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("anchor")
  }

  @Test
  func readsWhatWasWrittenLast() throws {
    let file = try FixedSizeFile(path, size: 4, creating: true)
    #expect(try file.read() == nil)
    try file.write([1, 2, 3, 4], durably: true)
    try file.write([5, 6, 7, 8], durably: false)
    #expect(try file.read() == [5, 6, 7, 8])
    #expect(permissions(of: path) == 0o600)
    let again = try FixedSizeFile(path, size: 4, creating: false)
    #expect(try again.read() == [5, 6, 7, 8])
  }

  @Test
  func refusesAnotherSize() throws {
    try directory.write([1, 2, 3], to: "anchor", mode: 0o600)
    #expect(failure { _ = try FixedSizeFile(path, size: 4, creating: true) }?.kind == .invalid)
    let file = try FixedSizeFile(path, size: 3, creating: false)
    #expect(failure { try file.write([1], durably: false) }?.kind == .invalid)
    #expect(try file.read() == [1, 2, 3])
  }

  @Test(arguments: [-1, 0, 513, Int.max])
  func aSizeFitsASector(size: Int) {
    #expect(failure { _ = try FixedSizeFile(path, size: size, creating: true) }?.kind == .invalid)
  }

  @Test
  func refusesOtherPlaces() throws {
    #expect(failure { _ = try FixedSizeFile(path, size: 4, creating: false) }?.kind == .notFound)
    symlink("/etc/hostname", path)
    #expect(failure { _ = try FixedSizeFile(path, size: 4, creating: true) }?.kind == .occupied)
    try directory.write([1, 2, 3, 4], to: "open", mode: 0o644)
    #expect(
      failure { _ = try FixedSizeFile(directory.file("open"), size: 4, creating: true) }?.kind
        == .tooPermissive
    )
  }

  private func failure(_ body: () throws -> Void) -> SystemError? {
    #expect(throws: SystemError.self, performing: body)
  }
}
