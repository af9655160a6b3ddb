import Foundation
import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardPipeline

@Suite
struct RenderingTests {
  private static let a = "kw://payments/db#password"
  private static let b = "kw://payments/api?version=3#key.pem"

  /// Manifests in every way to write a scalar; A and B stand for the references.
  static let manifests = [
    "value: A\nnext: 1\n",
    "value: A",
    "value: A # a comment\nother: x # kw://is/no#reference\n",
    "value: \"A\"\n", "value: 'A'\n", "value:   \"A\"   # c\n",
    "value: \"x ${A} y ${B}\"\n", "value: 'x ${A} y'\n", "value: x ${A} y ${B} z\n",
    "value: \"tab\\t ${A} \\u00e9 \\\"q\\\" ${A}\"\n",
    "value: \"folded\n  over ${A}\n  lines\"\n", "value: 'folded\n  over ${A}\n\n  lines'\n",
    "list:\n- A\n- \"${B}\"\n-   - A\n    - c\n",
    "flow: {a: A, b: [A, \"B\", '${A}'], c: x}\n",
    "flow: [A,\n  B]\n",
    "text: |\n  one\n  password=${A}\n  two ${B}\nnext: 1\n",
    "text: |-\n  ${A}\nnext: 1\n", "text: |-\n  A\nnext: 1\n",
    "text: |+\n  ${A}\n\n\nnext: 1\n", "text: |\n    ${A}\n\n  # a comment outside\nnext: 1\n",
    "text: |2\n    spaces ${A}\n  end\nnext: 1\n", "a:\n  text: | # comment\n    x=${A}\n  b: 1\n",
    "text: >\n  folded ${A}\n  more\n\n  end\nnext: 1\n", "text: >-\n  ${A}\nnext: 1\n",
    "text: |\n\n  first is empty ${A}\nnext: 1\n", "text: |\r\n  crlf ${A}\r\n  x\r\nnext: 1\r\n",
    "a: &anchor A\nb: *anchor\nc: !!str A\nd: &x \"${B}\"\n",
    "---\na: A\n---\nb: B\n...\n---\nc: plain\n",
    "# only a comment: A\n---\n# Source: chart/templates/a.yaml\na: A\n",
    "%YAML 1.1\n---\na: A\n", "\u{feff}a: A\n",
    "? a\n: A\n", "a:\n  A\nb: 1\n", "a: !!str\n  x\nb: A\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  p: A\n  q: \"x${B}y\"\n",
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  p: A\n  q: x${B}y\n  r: cGxhaW4=\n",
    // Base64 of "kw://payments/db#password" and of "x ${kw://payments/db#password} y".
    "kind: Secret\ndata:\n  p: a3c6Ly9wYXltZW50cy9kYiNwYXNzd29yZA==\n  q: \"eCAke2t3Oi8vcGF5bWVudHMvZGIjcGFzc3dvcmR9IHk=\"\n",
    "kind: Secret\ndata:\n  p: |\n    a3c6Ly9wYXltZW50cy9k\n    YiNwYXNzd29yZA==\n",
    "kind: List\nitems:\n- kind: Secret\n  data: {p: A}\n- kind: ConfigMap\n  data: {p: A}\n  binaryData: {q: A}\n",
    "data:\n  p: A\nkind: ConfigMap\n", "data:\n  p: A\nkind: Secret\n",
    "b: !!binary a3c6Ly9wYXltZW50cy9kYiNwYXNzd29yZA==\n",
    "url: https://user:${A | url}@host/\njson: '{\"p\": \"${A|json}\"}'\nb64: ${A | base64}\n",
    "escaped: $${A} and $A and ${A}\n", "escaped: \"$${A} ${A}\"\n",
    "escaped: |\n  $${A}\n  $A\n  ${A}\nnext: 1\n",
    // Other text that is spelled like the beginning of a reference (found by the fuzzer).
    "a: \"${HOME} $${A} ${A} ${x}\"\n", "a: |\n  ${HOME} ${k $${A} $A ${A}\nnext: 1\n",
    "\"quoted key\": A\n'k': A\n", "a: 'it''s ${A}'\n", "é: \"日本 ${A} 😀\"\n", "日本: A\n",
    "a: \"\\x6bw://payments/db#password\"\n", "a: \"\\x24{A}\"\n",
    "a: [\"${A}\",\"${A}\" ]\nb: {x: \"${A}\"}\n", "- - - A\n", "A\n", "\"${A}\"\n", "--- A\n",
    "--- |\n  ${A}\n", "text: |\n  ---\n  ${A}\n  --- x\nnext: A\n",
    "a: |\n  x\n  ${A}\n", "a: |\n  ${A}", "a: \"${A}\n  ${A}\"\n",
    "spec: {template: {spec: {containers: [{env: [{name: P, value: A}]}]}}}\n",
  ]

  private static func source(_ manifest: String) -> String {
    var text = ""
    var rest = manifest[...]
    while let index = rest.firstIndex(where: { $0 == "A" || $0 == "B" }) {
      text += rest[..<index]
      // Words such as API are no references.
      let next = rest.index(after: index)
      let isAlone = next == rest.endIndex || !rest[next].isASCII || !rest[next].isLetter
      let before = text.unicodeScalars.last
      let follows = before.map { $0.properties.isAlphabetic || $0 == "!" } ?? false
      text += isAlone && !follows ? (rest[index] == "A" ? a : b) : String(rest[index])
      rest = rest[next...]
    }
    return text + rest
  }

  @Test
  func rendersWhatAnotherReaderExpects() throws {
    let oracle = try PipelineOracle()
    let values = ValueFormTests.hostile.filter { $0.bytes.count < 5000 }
    var compared = 0
    for manifest in Self.manifests {
      let source = Self.source(manifest)
      try #require(["kw://", "a3c6Ly9", "6bw://"].contains { source.contains($0) }, "\(manifest)")
      for (label, value) in values {
        let fill = [Self.a: value, Self.b: Array("-----BEGIN-----\nx\n-----END-----".utf8)]
        let output: [UInt8]
        do {
          output = try rendered(source, fill)
        } catch let error as PipelineError where error.kind == .value {
          // Only what is no text is refused, and only where text must stand.
          #expect(!value.withUnsafeBytes { ValueEncoding.isText($0) }, "\(label): \(source)")
          #expect(error.place?.file == "m.yaml" && error.place?.line ?? 0 > 0)
          continue
        }
        compared += 1
        let answer = try oracle.ask(
          "render-check",
          [
            "source": Data(source.utf8).base64EncodedString(),
            "in": Data(output).base64EncodedString(),
            "values": fill.mapValues { Data($0).base64EncodedString() },
          ]
        )
        #expect(
          answer["same"] == "yes",
          "\(label) in \(source): \(String(decoding: output, as: UTF8.self)) \(answer)"
        )
      }
    }
    #expect(compared > 5000)
  }

  @Test
  func jsonIsRenderedAsJSON() throws {
    let oracle = try PipelineOracle()
    let source = Self.source(
      """
      {"kind": "List", "items": [
        {"kind": "Secret", "data": {"p": "A", "q": "x${B}"}, "stringData": {"r": "A"}},
        {"data": {"p": "A"}, "kind": "ConfigMap", "n": [1, -2.5e3, true, null, "é\\u00e9\\ud83d\\ude00"]},
        "${A} and \\"${B}\\" \\n $${A}", {}, []
      ]}

      """
    )
    for (label, value) in ValueFormTests.hostile where value.count < 5000 {
      let fill = [Self.a: value, Self.b: Array("two".utf8)]
      guard value.withUnsafeBytes({ ValueEncoding.isText($0) }) else {
        #expect(throws: PipelineError.self) { try rendered(source, fill) }
        continue
      }
      let answer = try oracle.ask(
        "render-check",
        [
          "source": Data(source.utf8).base64EncodedString(), "form": "json",
          "in": Data(try rendered(source, fill)).base64EncodedString(),
          "values": fill.mapValues { Data($0).base64EncodedString() },
        ]
      )
      #expect(answer["same"] == "yes", "\(label): \(answer)")
    }
  }

  @Test
  func whatIsNoReferenceStaysAsItIs() throws {
    let source = """
      # comment kw://no/reference#at all
      ---
      a:   'odd   spacing'   # kept
      b:    kw://payments/db#password   # this comment too
      "c": "\\u00e9 ${kw://payments/db#password} \\x41"   \t
      list: [ x,y ,  kw://payments/db#password ]
      text: |+
          keep ${kw://payments/db#password}
            this indent

      z: *nothing_here
      """
    let expected = """
      # comment kw://no/reference#at all
      ---
      a:   'odd   spacing'   # kept
      b:    "v1\\n2"   # this comment too
      "c": "\\u00e9 v1\\n2 \\x41"   \t
      list: [ x,y ,  "v1\\n2" ]
      text: |+
          keep v1
          2
            this indent


      """
    let output = try rendered(
      String(source.dropLast("z: *nothing_here".count)),
      [Self.a: Array("v1\n2".utf8)]
    )
    #expect(String(decoding: output, as: UTF8.self) == expected)
  }

  /// Documents without references are not even read: whatever they are, they pass.
  @Test
  func otherDocumentsAreCopied() throws {
    let source = "{{ not: yaml\n---\na: kw://payments/db#password\n---\na: 1\na: 1\n"
    let output = try rendered(source, [Self.a: Array("v".utf8)])
    #expect(
      String(decoding: output, as: UTF8.self) == "{{ not: yaml\n---\na: \"v\"\n---\na: 1\na: 1\n"
    )
    #expect(try rendered("no: [reference\n", [:]) == Array("no: [reference\n".utf8))
    #expect(try rendered("", [:]) == [])
  }

  @Test(arguments: [
    ("a: kw://payments\n", 1, 17), ("a: kw://payments/db\n", 1, 20),
    ("x: 1\na: \"kw://payments/\"\n", 2, 19),
    ("a: see kw://payments/db#x\n", 1, 8), ("a: ${kw://payments/db#x\n", 1, 4),
    ("a: ${kw://payments/db#x|rot13}\n", 1, 25), ("kw://payments/db#x: 1\n", 1, 1),
    ("a: 1\nb: [kw://Payments/db#x]\n", 2, 10), ("a: |\n  one\n  two ${kw://payments/db}\n", 3, 1),
    ("a: kw://payments/db#x\na: 1\n", 1, 1), ("a: kw://payments/db#x\n b: [\n", 2, 3),
    ("metadata:\n  annotations:\n    a: kw://payments/db#x\n", 3, 8),
    ("spec:\n  metadata:\n    labels: {a: \"x ${kw://payments/db#x}\"}\n", 3, 17),
    ("a: &x kw://payments/db#x\nmetadata:\n  annotations:\n    b: *x\n", 1, 4),
    ("a: one\n  ${kw://payments/db#x}\n", 1, 4), ("a: kw://payments/db?version=0#x\n", 1, 29),
  ])
  func mistakesArePointedAt(_ source: String, _ line: Int, _ column: Int) throws {
    let error = try #require(throws: PipelineError.self) {
      try rendered(source, ["kw://payments/db#x": [0x76]])
    }
    #expect(error.place?.line == line && error.place?.column == column, "\(error)")
  }

  @Test
  func aMissingValueIsAnErrorWithItsLine() throws {
    let error = try #require(throws: PipelineError.self) {
      try rendered("a: 1\nb: kw://payments/db#password\n", [:])
    }
    #expect(error.place == .init(file: "m.yaml", line: 2, column: 4))
  }

  @Test
  func referencesAreToldWithTheirPlaces() throws {
    let source = "a: kw://x/y#z\nb: \"${kw://x/y#z} ${kw://x/y?version=2#w}\"\n"
    let rendering = try Rendering(Array(source.utf8), file: "f")
    #expect(
      rendering.wanted.map { "\($0.reference) \($0.place)" } == [
        "kw://x/y#z f:1:4", "kw://x/y#z f:2:4", "kw://x/y?version=2#w f:2:4",
      ]
    )
  }

  @Test(arguments: [
    ("metadata:\n  name: x\n", "metadata:\n  annotations:\n    N\n  name: x\n"),
    ("metadata:\n    name: x\n", "metadata:\n    annotations:\n      N\n    name: x\n"),
    (
      "metadata:\n  name: x\n  annotations:\n    a: b\n",
      "metadata:\n  name: x\n  annotations:\n    N\n    a: b\n"
    ),
    (
      "metadata:\n  name: x\n  annotations: {}\n",
      "metadata:\n  name: x\n  annotations: {N}\n"
    ),
    (
      "metadata:\n  name: x\n  annotations: {a: b}\n",
      "metadata:\n  name: x\n  annotations: {N, a: b}\n"
    ),
    ("metadata:\n  name: x\n  annotations:\n", "metadata:\n  name: x\n  annotations: {N}\n"),
    (
      "metadata:\n  annotations: null\n  name: x\n",
      "metadata:\n  annotations: {N}\n  name: x\n"
    ),
    ("metadata: {name: x}\n", "metadata: {annotations: {N}, name: x}\n"),
    ("metadata: {}\n", "metadata: {annotations: {N}}\n"),
    (
      "metadata:\n  annotations:\n    \"keyward.dev/versions\": old\n",
      "metadata:\n  annotations:\n    \"keyward.dev/versions\": \"V\"\n"
    ),
  ])
  func objectsAreAnnotated(_ metadata: String, _ expected: String) throws {
    let head = "apiVersion: v1\nkind: Secret\n"
    let body = "stringData:\n  b: kw://x/y#b\n  a: kw://x/y#a\n  p: kw://x/y?version=2#c\n"
    let other = "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: y\n"
    let values = [
      "kw://x/y#a": [UInt8(0x31)], "kw://x/y#b": [0x32], "kw://x/y?version=2#c": [0x33],
    ]
    let output = try rendered(head + metadata + body + other, values, annotating: true)
    let versions = "kw://x/y?version=7#a kw://x/y?version=7#b"
    let wanted = expected.replacing("N", with: "\"keyward.dev/versions\": \"V\"")
      .replacing("V", with: versions)
    let filled = "stringData:\n  b: \"2\"\n  a: \"1\"\n  p: \"3\"\n"
    #expect(String(decoding: output, as: UTF8.self) == head + wanted + filled + other)
    // Once more over the result of an earlier one changes nothing but the versions.
    let again = head + wanted + body + other
    #expect(try rendered(again, values, annotating: true) == output)
  }

  @Test
  func aliasesCannotMultiply() {
    var bomb = "v: kw://x/y#z\na0: &a0 [x]\n"
    for level in 1..<40 { bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    #expect(throws: Never.self) { try rendered(bomb, ["kw://x/y#z": [0x76]]) }
    for key in ["? *a39\n: x\n", "? [*a39]\n: x\n", "{*a39 : x}\n", "z: {[*a39, *a38]: x}\n"] {
      #expect(throws: PipelineError.self) { try rendered(bomb + key, ["kw://x/y#z": [0x76]]) }
    }
  }
}
