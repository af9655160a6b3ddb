import Foundation
import KeywardModel
import Testing

@testable import KeywardPipeline

@Suite
struct ProjectFileTests {
  private func project(_ text: String) throws -> ProjectFile {
    try ProjectFile(parsing: Array(text.utf8), named: "keyward.yaml")
  }

  @Test
  func readsWhatAProjectNeeds() throws {
    let file = try project(
      """
      apiVersion: keyward.dev/v1
      kind: Project
      run:
        env:
          DB_PASSWORD: kw://payments/db#password  # comment
          PINNED: "kw://payments/db?version=3#password"
        files: {KUBECONFIG: kw://clusters/main#kubeconfig}
      get:
        db.password: kw://payments/db#password

      """
    )
    #expect(file.environment.map(\.name) == ["DB_PASSWORD", "PINNED"])
    #expect(file.environment[1].reference.version == 3)
    #expect(file.environment[0].place == .init(file: "keyward.yaml", line: 5, column: 18))
    #expect(file.files.map(\.reference.description) == ["kw://clusters/main#kubeconfig"])
    #expect(file.values.map(\.name) == ["db.password"])
  }

  @Test(arguments: ["", "# nothing\n", "---\n", "run: {}\n", "run: {env: {}}\n", "get: {}\n"])
  func mayNeedNothing(_ text: String) throws {
    #expect(try project(text).environment.isEmpty)
  }

  @Test(arguments: [
    ("environment: prod\n", 1, 1), ("run:\n  environment: prod\n", 2, 3),
    ("env: prod\n", 1, 1), ("runs: {}\n", 1, 1), ("run: []\n", 1, 6), ("run: {envs: {}}\n", 1, 7),
    ("kind: Role\n", 1, 7), ("apiVersion: v2\n", 1, 13), ("- a\n", 1, 1), ("a\n", 1, 1),
    ("run:\n  env:\n    A: kw://payments/DB#x\n", 3, 22),
    ("run:\n  env:\n    A: \"kw://payments/db\"\n", 3, 25),
    ("run:\n  env:\n    A: plain\n", 3, 8), ("run:\n  env:\n    1A: kw://a/b#c\n", 3, 5),
    ("run:\n  env:\n    A: [kw://a/b#c]\n", 3, 8),
    ("run:\n  env: {A: kw://a/b#c, A: kw://a/b#c}\n", 2, 9),
    ("run:\n  env: {A: kw://a/b#c, \"A\": kw://a/b#c}\n", 2, 9),
    ("run:\n  env: {A: kw://a/b#c}\n  files: {A: kw://a/b#c}\n", 3, 14),
    ("run: {}\n---\nrun: {}\n", 3, 1), ("render: x\n", 1, 1),
    ("run: {env: {A: kw://a/b#c}\n", 2, 1),
  ])
  func mistakesArePointedAt(_ text: String, _ line: Int, _ column: Int) throws {
    let error = try #require(throws: PipelineError.self) { try project(text) }
    #expect(error.place?.line == line && error.place?.column == column, "\(error)")
  }

  @Test
  func tooManyReferencesAreRefused() {
    let lines = (0...SecretLimits.references).map { "    V\($0): kw://a/b#c\n" }
    #expect(throws: PipelineError.self) { try project("run:\n  env:\n" + lines.joined()) }
  }

  @Test("above the folder only what is of the same repository is looked at")
  func searchEndsWithTheRepository() throws {
    let root = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: root) }
    let (outer, inner) = (root + "/a", root + "/a/b")
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
    func write(_ path: String) throws { try Data("run: {}\n".utf8).write(to: URL(filePath: path)) }
    try write(outer + "/keyward.yaml")
    #expect(ProjectFile.path(from: inner) == nil)
    #expect(ProjectFile.path(from: outer) == outer + "/keyward.yaml")
    try FileManager.default.createDirectory(
      atPath: outer + "/.git",
      withIntermediateDirectories: false
    )
    #expect(ProjectFile.path(from: inner) == outer + "/keyward.yaml")
    try write(inner + "/keyward.yaml")
    #expect(ProjectFile.path(from: inner) == inner + "/keyward.yaml")
  }

  @Test("what is no file, or a stranger's in another's folder, is refused")
  func strangersFiles() throws {
    let root = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: root) }
    let path = root + "/keyward.yaml"
    #expect(mkfifo(path, 0o666) == 0)
    #expect(throws: PipelineError.self) { try ProjectFile.read(path) }
    #expect(unlink(path) == 0)
    try Data("run: {}\n".utf8).write(to: URL(filePath: path))
    _ = try ProjectFile.read(path)
    guard geteuid() == 0 else { return }
    #expect(chown(path, 65_534, 65_534) == 0)
    #expect(throws: PipelineError.self) { try ProjectFile.read(path) }
    #expect(chown(root, 65_534, 65_534) == 0)
    _ = try ProjectFile.read(path)
  }

  private static func folder() throws -> String {
    var template = Array("/tmp/kw-project-XXXXXX".utf8CString)
    return String(cString: try #require(mkdtemp(&template)))
  }
}
