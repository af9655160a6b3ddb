import KeywardModel

@testable import KeywardExport

/// The page docs/key-export/matrix.md.
enum RulesPage {
  static var text: String {
    let tables = ExportProvider.allCases.map { RulesTable($0).text }
    return ([head] + tables + [files]).joined(separator: "\n\n") + "\n"
  }

  private static let head = """
    # What may go where, and how

    Written by `ExportMatrixPageTests` from the rules (`Sources/KeywardExport/Rules`), which fails when this page is not what they say. `KEYWARD_WRITE=1 swift test --filter
    ExportMatrixPageTests` writes it again.

    Rows are keys and what they become at the provider, columns the wrapping algorithms that it offers, with the sizes of the wrapping key in bits. `yes` is for all sizes of the column.
    Numbers after a type of key are lengths in bytes. What no table has is refused before anything is wrapped, by the first of these that holds:

    1. a spec below the table: the code that stands there; any other spec: `key_spec_unknown`
    2. a key type below the table: the code that stands there
    3. a type that is in no row of the spec: `key_spec_mismatch`
    4. a length that is in no row of the spec and type: `material_length`
    5. an algorithm without a column: `wrapping_not_offered`
    6. a size that the column does not have: `wrapping_key_size`
    7. a code in the table

    † SHA-1 where the provider takes SHA-256 too: `sha1_avoidable`, unless the destination names the algorithm.

    ## How it is verified

    | what | by | test |
    |---|---|---|
    | every allowed cell, variable lengths at their smallest | PyCryptodome and Python `cryptography` open the blob to the same bytes | `CellTests` |
    | cells with SHA-1, without Ed25519: Azure's all, of the others each form of blob once | SoftHSM2 opens it inside a token | `CellTests` |
    | every forbidden cell | this page predicts the code that the rules give for each type, spec, algorithm, size and edge of a length | `ExportMatrixPageTests` |
    | key pairs | PKCS#8 is byte for byte Python `cryptography`'s | `CanonicalFormTests` |
    | what AWS, Azure and Google are sent; IBM's nonce | botocore, `azure-keyvault-keys`, `google-cloud-kms`, PyCryptodome | `ImportBodyTests` |
    | pushes to AWS, Azure, Google and OpenBao | strict fakes that unwrap what arrives; AWS also LocalStack (`KEYWARD_LONG=1`) | `AWSPushTests`, `AzurePushTests`, `GooglePushTests`, `TransitPushTests`, `LocalStackTests` |
    | files | jwcrypto, Python `cryptography`, Tink, PyCryptodome | `FileFormatTests` |

    No cell was tried at a provider's own service.
    """

  /// Which types of key have which form as a file.
  private static var files: String {
    let rows = FileFormat.allCases.map { format in
      let groups = Dictionary(grouping: KeyType.allCases) { type in
        do throws(ExportRefusal) {
          try format.check(ExportSubject(type, byteCount: type == .opaque ? 32 : nil))
          return true
        } catch {
          return false
        }
      }
      return "| `\(format.rawValue)` | \(words(groups[true])) | \(words(groups[false])) |"
    }
    return """
      ## Files

      `pkcs11-kw` takes raw material of 16 bytes or more in steps of 8, and no pairs: their PKCS#8 forms have other lengths. `keyward export pkcs11-kw` writes it, and `keyward export pkcs11` writes `pkcs11-kwp`.

      | format | key types | `format_not_for_key` |
      |---|---|---|
      \(rows.joined(separator: "\n"))
      """
  }

  private static func words(_ types: [KeyType]?) -> String {
    guard let types, !types.isEmpty else { return "–" }
    if types.count == KeyType.allCases.count { return "all" }
    return types.map { "`\($0.rawValue)`" }.joined(separator: ", ")
  }
}

extension RulesTable {
  var text: String {
    let columns = wrappings.map { way in
      let mark = isAvoidable(way.algorithm) ? " †" : ""
      return "`\(way.algorithm.rawValue)`\(mark) \(Self.list(way.bits))"
    }
    var lines = [
      "## \(provider.title) (`\(provider.rawValue)`)", "",
      "| key | becomes | \(columns.joined(separator: " | ")) |",
      "|---|---|\(String(repeating: "---|", count: columns.count))",
    ]
    for row in rows {
      let cells = wrappings.map { Self.cell(row.answers[$0.algorithm] ?? [:]) }
      let subjects = row.subjects.map(\.text).joined(separator: ", ")
      let specs = row.specs.map { "`\($0)`" }.joined(separator: ", ")
      lines.append("| \(subjects) | \(specs) | \(cells.joined(separator: " | ")) |")
    }
    lines.append("")
    let types = KeyType.allCases.compactMap { type in
      refusedTypes[type].map { (name: type.rawValue, code: $0) }
    }
    lines.append("- Key types: \(Self.refusals(types)).")
    if !refusedSpecs.isEmpty { lines.append("- Specs: \(Self.refusals(refusedSpecs)).") }
    return lines.joined(separator: "\n")
  }

  private func isAvoidable(_ algorithm: WrappingAlgorithm) -> Bool {
    ExportRules.allCells.contains {
      $0.provider == provider && $0.wrapping == algorithm && $0.usesAvoidableSHA1
    }
  }

  /// One answer for all sizes, or each with its sizes.
  private static func cell(_ answers: [Int: String]) -> String {
    let groups = Dictionary(grouping: answers.keys.sorted()) { answers[$0] ?? "" }
    if groups.count == 1, let only = groups.keys.first { return word(only) }
    return groups.sorted { $0.value[0] < $1.value[0] }
      .map { "\(list($0.value)) \(word($0.key))" }.joined(separator: "; ")
  }

  private static func word(_ answer: String) -> String {
    answer == allowed ? answer : "`\(answer)`"
  }

  private static func list(_ bits: [Int]) -> String {
    bits.map(String.init).joined(separator: ", ")
  }

  private static func refusals(_ named: [(name: String, code: String)]) -> String {
    guard !named.isEmpty else { return "none is refused" }
    let groups = Dictionary(grouping: named, by: \.code)
    return groups.keys.sorted().map { code in
      let names = (groups[code] ?? []).map { "`\($0.name)`" }
      return "\(names.joined(separator: ", ")) with `\(code)`"
    }.joined(separator: "; ")
  }
}

extension RulesTable.Subjects {
  fileprivate var text: String {
    let name = "`\(type.rawValue)`"
    guard let lengths, (type.importedByteCounts?.count ?? 0) > 1 else { return name }
    return lengths.count == 1
      ? "\(name) \(lengths.lowerBound)" : "\(name) \(lengths.lowerBound)–\(lengths.upperBound)"
  }
}
