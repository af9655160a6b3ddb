import Foundation
import KeywardCrypto
import Testing

@testable import KeywardPipeline

@Suite
struct ValueFormTests {
  /// Values that break what writes text carelessly.
  static let hostile: [(label: String, bytes: [UInt8])] =
    texts.map { ($0, Array($0.utf8)) } + binaries

  private static let texts: [String] =
    [
      "", "x", "plain", "it's", "say \"hi\"", "both ' and \"", "back\\slash", "two\\\\slashes",
      "ends with\\", "\\'", "a\nb", "a\n", "\na", "\n", "\r\n", "a\r\nb", "a\rb", "tab\there",
      "$(touch /tmp/owned)", "`id`", "$HOME", "${HOME}", "${HOME:-x}", "$$", "%0A%0D%25%AZP25",
      "::add-mask::x", "##vso[task.complete]", "a]b;c=d", "---", "--- a\n--- b", "...", "- item",
      "-leading", "--help", "{{ .Values.x }}", "{% raw %}", "<%= 1 %>", "null", "~", "true", "no",
      "0123", "1e3", "0x1f", "12:30", "2026-01-01", "=", "<<", "a: b", "a #b", "#comment", "[a, b]",
      "{a: b}", "*alias", "&anchor", "!tag", "!!binary aGk=", "| literal", "> folded", "@at",
      "%dir",
      " leading", "trailing ", "\ttab", "  ", "NAME=value", "EOF", "ghadelimiter", "a=b=c",
      "kw://payments/db#password", "${kw://payments/db#password}", "é", "日本語", "😀", "e\u{301}",
      "\u{85}", "\u{2028}", "\u{2029}", "\u{feff}bom", "\u{200b}", "\u{a0}", "\u{fffe}", "\u{ffff}",
      "\u{10ffff}", "\u{7f}", "\u{1}\u{2}\u{1b}[31m", "\u{0}", "a\u{0}b", "\u{b}\u{c}",
      "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
      "{\n  \"a\": \"b\"\n}\n", "'; DROP TABLE x; --", "\\n", "\\u0041", "\\x41", "'\\''", "\"\"\"",
      "'''", "''", "\"", "'", "\\", "a\\", "a\\'b", "\u{1F1E9}\u{1F1EA}",
    ]

  private static let binaries: [(label: String, bytes: [UInt8])] =
    [
      ("invalid UTF-8", [0xff, 0xfe]), ("a lone continuation", [0x61, 0x80, 0x62]),
      ("an overlong form", [0xc0, 0xaf]), ("a surrogate", [0xed, 0xa0, 0x80]),
      ("every byte", (0...255).map { UInt8($0) }),
      ("1 MiB of text", [UInt8](repeating: 0x61, count: (1 << 20) - 64)),
      ("64 KiB of quotes", repeated([0x22, 0x27, 0x5c, 0x24, 0x0a], to: 1 << 16)),
      ("1 MiB of bytes", repeated((0...255).map { UInt8($0) }, to: 1 << 20)),
      ("65,536 of text", [UInt8](repeating: 0x62, count: 65_536)),
      ("128 KiB of text", [UInt8](repeating: 0x63, count: 131_072)),
    ]

  private static func repeated(_ part: [UInt8], to count: Int) -> [UInt8] {
    (0..<count).map { part[$0 % part.count] }
  }

  private func written(
    _ format: ValueForm,
    _ items: [OutputItem]
  ) throws -> (standard: [UInt8], variables: [UInt8]?) {
    let text = try format.write(
      items,
      head: KubernetesSecretHead(name: "db"),
      delimiter: "keyward_0f1e2d3c4b5a"
    )
    return (text.standard.bytes.revealed(), text.variables?.bytes.revealed())
  }

  private func item(_ name: String, _ bytes: [UInt8]) throws -> OutputItem {
    OutputItem(name: name, value: SecretBox(try SecretBytes.fixture(bytes)))
  }

  @Test(arguments: ValueForm.allCases.filter { $0 != .raw })
  func hostileValuesReachTheirReaderOrAreRefused(_ format: ValueForm) throws {
    let oracle = try PipelineOracle()
    var carried = 0
    for (label, value) in Self.hostile {
      // Neighbours, so that a value which spills over changes something that is looked at.
      let items = [
        try item("BEFORE", Array("one".utf8)), try item("NAME", value),
        try item("AFTER", Array("two".utf8)),
      ]
      let text: (standard: [UInt8], variables: [UInt8]?)
      do {
        text = try written(format, items)
      } catch let error as PipelineError where error.kind == .value {
        continue
      }
      carried += 1
      let expected = ["BEFORE": Array("one".utf8), "NAME": value, "AFTER": Array("two".utf8)]
      let output = text.variables ?? text.standard
      #expect(try oracle.read(output, format.rawValue) == expected, "\(format.rawValue): \(label)")
      if format == .dotenv {
        #expect(try oracle.read(output, "sourced") == expected, "sourced: \(label)")
      }
      if format == .github, value.count > 3, !value.contains(10), !value.contains(13) {
        let log = Array("log: ".utf8) + value + Array(" end".utf8)
        let more = ["log": Data(log).base64EncodedString()]
        let hidden = try oracle.ask("github-masks", text.standard, more)
        #expect(hidden == Array("log: *** end".utf8), "mask: \(label)")
      }
    }
    // Refusing everything would pass what is above.
    #expect(carried >= Self.leastCarried[format] ?? 0, "\(format.rawValue) carried \(carried)")
  }

  private static let leastCarried: [ValueForm: Int] = [
    .dotenv: 70, .shell: 105, .json: 105, .yaml: 110, .properties: 105, .kubernetesSecret: 110,
    .github: 95, .gitlab: 60, .azure: 85, .docker: 85,
  ]

  /// Where there is no kubectl, the schema of core/v1 alone judges the same Secrets.
  @Test
  func kubectlTakesSecretsWithHostileValues() throws {
    let oracle = try PipelineOracle()
    for part in [0..<50, 50..<Self.hostile.count] {
      let values = Self.hostile[part].filter { $0.bytes.count < 65_537 }.map(\.bytes)
      let items = try values.enumerated().map { try item("V\($0.offset)", $0.element) }
      let answer = try oracle.ask(
        "kubectl-dry-run",
        ["in": Data(try written(.kubernetesSecret, items).standard).base64EncodedString()]
      )
      #expect(["kubectl", "schema"].contains(answer["by"]))
      let output = try #require(answer["out"].flatMap { Data(base64Encoded: $0) })
      let document = try JSONSerialization.jsonObject(with: output) as? [String: Any]
      let data = try #require(document?["data"] as? [String: String])
      for (index, value) in values.enumerated() {
        #expect(data["V\(index)"].flatMap { Data(base64Encoded: $0) } == Data(value))
      }
    }
  }

  @Test
  func rawIsTheBytesAlone() throws {
    for (label, value) in Self.hostile {
      #expect(try written(.raw, [item("x", value)]).standard == value, "\(label)")
    }
    #expect(throws: PipelineError.self) { try written(.raw, []) }
    #expect(throws: PipelineError.self) {
      try written(.raw, [item("a", [1]), item("b", [2])])
    }
  }

  @Test(arguments: [
    ("1A", false), ("", false), ("A-B", false), ("A B", false), ("A=B", false), ("A\n", false),
    ("Ä", false), ("_a", true), ("A1", true),
  ])
  func variablesHaveNamesOfVariables(_ name: String, _ isGood: Bool) throws {
    for format in ValueForm.allCases where format.namesVariables {
      #expect(((try? format.check(name: name)) != nil) == isGood, "\(format.rawValue)")
    }
  }

  @Test(arguments: [
    (ValueForm.github, "GITHUB_TOKEN"), (.github, "NODE_OPTIONS"), (.github, "runner_x"),
    (.gitlab, "CI_JOB_TOKEN"), (.azure, "SYSTEM_ACCESSTOKEN"), (.azure, "agent_x"),
    (.kubernetesSecret, ".."), (.kubernetesSecret, "..x"), (.kubernetesSecret, "a/b"),
  ])
  func reservedNamesAreRefused(_ format: ValueForm, _ name: String) {
    #expect(throws: PipelineError.self) { try format.check(name: name) }
  }

  @Test
  func aNameTwiceIsRefused() throws {
    for format in ValueForm.allCases where format != .raw {
      #expect(throws: PipelineError.self) {
        try written(format, [item("A", [0x31]), item("A", [0x32])])
      }
    }
  }

  @Test
  func errorsHaveNoValues() throws {
    let secret = "correct horse 'battery' \"staple\" \\ $\n\0"
    for format in ValueForm.allCases {
      do {
        _ = try written(format, [item("NAME", Array(secret.utf8))])
      } catch let error as PipelineError {
        let words = "\(error) \(error.remedy ?? "")"
        for part in ["correct", "horse", "battery", "staple"] { #expect(!words.contains(part)) }
      }
    }
  }
}
