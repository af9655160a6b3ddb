import Foundation
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Barbican: who edits the access table in the database is granted everything.
///
/// `Acceptance/test_tampering.py` edits rows of keys; these are the rows of policy, identities, tokens
/// and approvals.
@Suite
struct V48Tests {
  /// Each record changed, moved, doubled, removed or taken from an older copy is found at the start.
  @Test(arguments: [
    "UPDATE records SET body = zeroblob(length(body)) WHERE kind = 'policy'",
    "UPDATE records SET body = substr(body, 2) WHERE kind = 'token'",
    "UPDATE records SET id = id || 'x' WHERE kind = 'role'",
    "DELETE FROM records WHERE kind = 'policy'", "DELETE FROM records WHERE kind = 'token'",
    "DELETE FROM records",
    "INSERT INTO records SELECT kind, id || 'x', body, mac FROM records WHERE kind = 'role'",
    "UPDATE records SET mac = zeroblob(32) WHERE kind = 'role'",
  ])
  func editsAreFoundWhenItIsUnsealed(_ statement: String) async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(PolicyTests.role("a"))
    _ = try await server.service.createToken(.officer, TokenRequest(name: "ci"))
    _ = try await server.service.writeRole(.officer, "backup", MachineRoleDocument())
    await server.stop()
    try Self.edit(server.folder("data") + "/keyward.db", statement)
    try? await server.restart()
    #expect(try server.service.sealStatus().sealed)
  }

  private static func edit(_ path: String, _ statement: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c",
      "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n"
        + "c.executescript(sys.argv[2])\nc.commit()\nc.close()", path, statement,
    ]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }
}
