import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// Vault CVE-2024-5798, OpenBao 2.0: `aud` optional, or looked at in one of its two forms alone.
@Suite
struct V01Tests {
  @Test
  func anIssuerWithoutAudienceCannotBeSaved() throws {
    for preset in Preset.allCases {
      let genuine = try #require(GenuineToken.all.first { $0.preset == preset })
      var document = genuine.document(name: "issuer", keySet: "")
      document.keySet = nil
      document.discovery = true
      _ = try IssuerRecord(document)
      for audiences in [[], [""], ["a", "a"], ["a\0"], ["a\n"]] {
        document.audiences = audiences
        #expect(throws: AuthnError.self) { try IssuerRecord(document) }
      }
      document.audiences = (0..<17).map { "a\($0)" }
      #expect(throws: AuthnError.self) { try IssuerRecord(document) }
    }
  }

  /// The table: of each form exactly the bound one passes.
  @Test(arguments: ["one", "two"])
  func onlyTheBoundAudiencePasses(_ bound: String) throws {
    let forge = try TokenForge(.jenkins)
    var document = forge.genuine.document(name: "issuer", keySet: forge.keySetText)
    document.audiences = bound == "one" ? ["a"] : ["a", "b"]
    let registry = try registry(.putIssuer(IssuerRecord(document)))
    let both = bound == "two"
    let table: [(Any?, Bool)] = [
      (nil, false), ("", false), ("a", true), ("b", both), ("c", false), ("A", false),
      ("a ", false), ("a,b", false), ([String](), false), (["a"], true), (["a", "a"], true),
      (["b"], both), (["c"], false), (["a", "b"], both), (["a", "c"], false),
      (["c", "a"], false), (["a", ""], false), (["a", 1] as [Any], false), ([["a"]], false),
      (["a": "a"], false), (1, false), (true, false), (NSNull(), false),
    ]
    let tokens = try forge.make(table.map { row in forge.order { $0.claims["aud"] = row.0 } })
    for ((audience, passes), token) in zip(table, tokens) {
      let outcome = registry.verify(jwt: token, now: now)
      #expect((outcome.verified != nil) == passes, "\(String(describing: audience))")
      if !passes {
        #expect(outcome.refusal == .audience || outcome.refusal == .missing("aud"))
      }
    }
  }
}
