import Foundation
import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardPipeline

@Suite
struct BundleTests {
  private static let made = Timestamp(milliseconds: 1_800_000_000_000)
  private let now = made
  private let later = made.adding(seconds: 3600)
  private let end = made.adding(seconds: 86_400)
  private let signer: PrivateKey

  init() throws {
    signer = try PrivateKey.generate(.ed25519)
  }

  private func draft(
    _ values: [String: [UInt8]],
    to recipients: [BundleRecipient],
    environment: String = "prod-eu",
    created: Timestamp? = nil
  ) throws -> BundleDraft {
    try BundleDraft(
      environment: EnvironmentName(environment),
      created: created ?? now,
      expires: end,
      recipients: recipients,
      values: values.map {
        (try SecretReference($0.key), SecretBox(try SecretBytes.fixture($0.value)))
      }
    )
  }

  private func written(
    _ draft: BundleDraft,
    after previous: OpenBundle? = nil,
    by key: PrivateKey? = nil
  ) throws -> [UInt8] {
    let key = key ?? signer
    return try draft.write(
      after: previous,
      signer: .init(publicKey: try key.publicKey().raw(), name: nil),
      wrap: { name, key in Array("\(name):".utf8) + key.bytes.revealed() },
      sign: { try key.sign(.ed25519, $0) }
    )
  }

  private func opened(_ file: [UInt8], _ identity: AgeIdentity) throws -> OpenBundle? {
    let bundle = try Bundle(parsing: file, named: "b")
    try bundle.verify(trusting: [try signer.publicKey().raw()], now: later)
    return try bundle.unlock(with: [identity])
  }

  private static let values: [String: [UInt8]] = [
    "kw://payments/db?version=3#password": Array("pa'ss\nword\0".utf8),
    "kw://payments/db?version=3#user": Array("app".utf8),
    "kw://payments/api?version=1#empty": [],
    "kw://web/tls?version=12#key.pem": [UInt8](repeating: 0xff, count: 100_000),
  ]

  @Test
  func itsRecipientsOpenItAndNobodyElse() throws {
    let (first, second) = (try AgeIdentity.generate(), try AgeIdentity.generate())
    let recipients: [BundleRecipient] = [
      .age(first.recipient), .age(second.recipient), .keyward(try KeyName("keys/site-a")),
    ]
    let file = try written(draft(Self.values, to: recipients))
    for identity in [first, second] {
      let open = try #require(try opened(file, identity))
      #expect(open.bundle.entries.count == Self.values.count)
      for entry in open.bundle.entries {
        #expect(try open.value(of: entry).bytes.revealed() == Self.values["\(entry.reference)"])
      }
      let pinned = try SecretReference("kw://payments/db?version=2#user")
      #expect(open.entry(for: pinned) == nil)
      #expect(open.entry(for: try SecretReference("kw://payments/db#user"))?.reference.version == 3)
    }
    #expect(try opened(file, try AgeIdentity.generate()) == nil)
    let bundle = try Bundle(parsing: file, named: "b")
    let wrapped = try #require(bundle.serverKeys.first)
    #expect(wrapped.name.description == "keys/site-a")
    let key = SecretBox(try SecretBytes.fixture(Array(wrapped.ciphertext.dropFirst(12))))
    #expect(try bundle.unlock(key: key).bundle.entries.count == Self.values.count)
    #expect(throws: PipelineError.self) {
      try bundle.unlock(key: SecretBox(SecretBytes.random(count: 32)))
    }
  }

  @Test
  func anyChangedByteIsRefused() throws {
    let identity = try AgeIdentity.generate()
    let small = Self.values.filter { $0.value.count < 100 }
    let file = try written(draft(small, to: [.age(identity.recipient)]))
    for index in file.indices {
      for damaged in [file[index] ^ 1, file[index] ^ 0x20, file[index] &+ 1, 0x0a, 0x41]
      where damaged != file[index] {
        var copy = file
        copy[index] = damaged
        #expect(throws: PipelineError.self, "byte \(index)") { try opened(copy, identity) }
      }
      #expect(throws: PipelineError.self) { try opened(Array(file[..<index]), identity) }
    }
    #expect(throws: PipelineError.self) { try opened(file + [0x0a], identity) }
  }

  /// Whoever has the key of a bundle, such as a recipient, can make MACs but no signatures.
  @Test
  func aRecipientCannotMakeOneForOthers() throws {
    let identity = try AgeIdentity.generate()
    let other = try PrivateKey.generate(.ed25519)
    let file = try written(draft(Self.values, to: [.age(identity.recipient)]), by: other)
    #expect(throws: PipelineError.self) { try opened(file, identity) }
    let bundle = try Bundle(parsing: file, named: "b")
    #expect(throws: PipelineError.self) { try bundle.verify(trusting: [], now: later) }
  }

  /// Whoever signs without the key, as a machine that only signs, cannot change what is in it.
  @Test
  func aSignatureAloneIsNotEnough() throws {
    let identity = try AgeIdentity.generate()
    let file = try written(draft(Self.values, to: [.age(identity.recipient)]))
    var lines = String(decoding: file, as: UTF8.self).split(separator: "\n").map(String.init)
    let values = lines.indices.filter { lines[$0].hasPrefix("value: kw://payments/db") }
    let words = values.map { lines[$0].split(separator: " ") }
    // The ciphertext of one under the name of the other.
    lines[values[0]] = "value: \(words[0][1]) \(words[1][2])"
    lines[values[1]] = "value: \(words[1][1]) \(words[0][2])"
    let text = lines.dropLast().map { $0 + "\n" }.joined()
    let signature = try signer.sign(.ed25519, Bundle.message(Array(text.utf8)))
    let moved = Array((text + "signature: \(Base64.encode(signature))\n").utf8)
    #expect(try opened(moved, identity) == nil)
  }

  @Test
  func itHasItsTime() throws {
    let identity = try AgeIdentity.generate()
    let bundle = try Bundle(
      parsing: written(draft(Self.values, to: [.age(identity.recipient)])),
      named: "b"
    )
    let trusted = [try signer.publicKey().raw()]
    for (time, isGood) in [
      (now, true), (end.adding(seconds: -1), true), (end, false), (end.adding(seconds: 1), false),
      (now.adding(seconds: -300), true), (now.adding(seconds: -301), false),
    ] {
      #expect(
        ((try? bundle.verify(trusting: trusted, now: time)) != nil) == isGood,
        "\(time.rfc3339)"
      )
    }
    #expect(throws: PipelineError.self) {
      try BundleDraft(
        environment: EnvironmentName("prod"),
        created: now,
        expires: now,
        recipients: [.age(identity.recipient)],
        values: []
      )
    }
  }

  @Test
  func unchangedValuesKeepTheirLines() throws {
    let identity = try AgeIdentity.generate()
    let recipients: [BundleRecipient] = [.age(identity.recipient)]
    let first = try written(draft(Self.values, to: recipients))
    let previous = try #require(try opened(first, identity))
    var changed = Self.values
    changed["kw://payments/db?version=3#user"] = nil
    changed["kw://payments/db?version=4#user"] = Array("new".utf8)
    changed["kw://payments/new?version=1#x"] = Array("x".utf8)
    let second = try written(
      draft(changed, to: recipients, created: now.adding(seconds: 60)),
      after: previous
    )
    let (old, new) = (lines(first), lines(second))
    let different = Set(new).subtracting(old).map {
      $0.split(separator: " ")[0...1].joined(separator: " ")
    }
    #expect(
      Set(different.map { $0.hasPrefix("value") ? $0 : String($0.prefix { $0 != ":" }) }) == [
        "created", "mac", "signature", "value: kw://payments/db?version=4#user",
        "value: kw://payments/new?version=1#x",
      ]
    )
    #expect(try opened(second, identity)?.bundle.entries.count == 5)
  }

  @Test
  func otherRecipientsMeanANewKey() throws {
    let (stays, goes, comes) = (
      try AgeIdentity.generate(), try AgeIdentity.generate(), try AgeIdentity.generate()
    )
    let first = try written(
      draft(Self.values, to: [.age(stays.recipient), .age(goes.recipient)])
    )
    let previous = try #require(try opened(first, stays))
    let second = try written(
      draft(Self.values, to: [.age(stays.recipient), .age(comes.recipient)]),
      after: previous
    )
    #expect(try opened(second, goes) == nil)
    #expect(try opened(second, comes) != nil)
    let kept = Set(lines(first)).intersection(lines(second)).filter { $0.hasPrefix("value") }
    #expect(kept.isEmpty)
    // The key of the first opens nothing of the second.
    let bundle = try Bundle(parsing: second, named: "b")
    #expect(throws: PipelineError.self) { try bundle.unlock(key: previous.key) }
    // Another environment is another bundle too.
    let third = try written(
      draft(Self.values, to: previous.bundle.recipients, environment: "staging"),
      after: previous
    )
    #expect(Set(lines(first)).intersection(lines(third)).allSatisfy { !$0.hasPrefix("value") })
  }

  private func lines(_ file: [UInt8]) -> [String] {
    String(decoding: file, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test
  func anotherImplementationOpensIt() throws {
    let oracle = try PipelineOracle()
    let pair = try oracle.ask("age-keygen", [:])
    let recipient = try #require(AgeRecipient(pair["recipient"] ?? ""))
    let file = try written(draft(Self.values, to: [.age(recipient)]))
    for (reference, value) in Self.values {
      let more = ["identity": pair["identity"] ?? "", "reference": reference]
      #expect(try oracle.ask("bundle-value", file, more) == value)
    }
  }

  @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 200_000])
  func filesOfAgeGoBothWays(_ length: Int) throws {
    let oracle = try PipelineOracle()
    let pair = try oracle.ask("age-keygen", [:])
    let text = try #require(pair["identity"])
    let identity = try #require(
      try AgeIdentity.parse(
        file: SecretBytes.fixture(Array("# comment\n\n\(text)\n".utf8)),
        named: "key"
      ).first
    )
    #expect(identity.recipient.description == pair["recipient"])
    let plaintext = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let ours = try AgeFile.encrypt(SecretBytes.fixture(plaintext), to: [identity.recipient])
    #expect(try oracle.ask("age-decrypt", ours, ["identity": text]) == plaintext)
    let theirs = try oracle.ask(
      "age-encrypt",
      plaintext,
      ["recipient": identity.recipient.description]
    )
    #expect(try AgeFile.decrypt(theirs, with: [identity]).revealed() == plaintext)
  }
}
