import Foundation
import Glibc
import KeywardSystem
import Testing

@Suite
struct AtomicFileTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("config")
  }

  @Test
  func writesWholeFilesOfMode0600() throws {
    let old = umask(0)
    defer { umask(old) }
    try AtomicFile.write([1, 2, 3], to: path)
    #expect(try contents() == [1, 2, 3])
    #expect(permissions(of: path) == 0o600)
    try AtomicFile.write([4], to: path)
    #expect(try contents() == [4])
    #expect(try names() == ["config"])
  }

  @Test
  func canRefuseToReplace() throws {
    try AtomicFile.write([1], to: path, replacing: false)
    let error = #expect(throws: SystemError.self) {
      try AtomicFile.write([2], to: path, replacing: false)
    }
    #expect(error?.kind == .inUse)
    #expect(try contents() == [1])
    #expect(try names() == ["config"])
  }

  @Test
  func replacesALinkAndNotItsTarget() throws {
    try directory.write([9], to: "target", mode: 0o600)
    symlink(directory.file("target"), path)
    try AtomicFile.write([1], to: path)
    #expect(try contents() == [1])
    #expect(try Array(Data(contentsOf: URL(filePath: directory.file("target")))) == [9])
  }

  @Test
  func aFailureLeavesNothingBehind() throws {
    mkdir(path, 0o700)
    mkdir(path + "/full", 0o700)
    #expect(throws: SystemError.self) { try AtomicFile.write([1], to: path) }
    #expect(try names() == ["config"])
    #expect(throws: SystemError.self) {
      try AtomicFile.write([1], to: directory.file("none/config"))
    }
  }

  private func contents() throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: path)))
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
  }
}
