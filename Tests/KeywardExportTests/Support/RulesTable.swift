import KeywardModel

@testable import KeywardExport

/// The rules of one provider as a table: what the rules answer to each question, put together.
struct RulesTable {
  /// Key types, lengths and specs that get the same answers.
  struct Row {
    var specs: [String]
    var subjects: [Subjects]
    let answers: [WrappingAlgorithm: [Int: String]]
  }

  /// A type of key, for raw material with the lengths in bytes.
  struct Subjects: Hashable {
    let type: KeyType
    let lengths: ClosedRange<Int>?
  }

  static let allowed = "yes"

  let provider: ExportProvider
  let rows: [Row]
  let wrappings: [ProviderRules.Wrapping]
  let refusedTypes: [KeyType: String]
  let refusedSpecs: [(name: String, code: String)]

  init(_ provider: ExportProvider) {
    let rules = ProviderRules.of(provider)
    self.provider = provider
    wrappings = rules.wrappings
    refusedSpecs = rules.barredSpecs.map { ($0.name, $0.code.rawValue) }
    var refused: [KeyType: String] = [:]
    for type in KeyType.allCases {
      do throws(ExportRefusal) {
        _ = try ExportRules.keySpecs(provider, ExportSubject(type))
      } catch {
        refused[type] = error.code.rawValue
      }
    }
    refusedTypes = refused
    rows = Self.rows(provider, rules)
  }

  /// What the rules say: `yes`, or the code of the refusal.
  static func answer(
    _ provider: ExportProvider,
    _ subject: ExportSubject,
    _ spec: String,
    _ wrapping: WrappingAlgorithm,
    _ bits: Int
  ) -> String {
    do throws(ExportRefusal) {
      _ = try ExportRules.cell(
        provider,
        subject,
        keySpec: spec,
        wrapping: wrapping,
        wrappingKeyBits: bits
      )
      return allowed
    } catch {
      return error.code.rawValue
    }
  }

  /// What a reader of the table takes it to say, by the order of the page's first list.
  func answer(
    _ subject: ExportSubject,
    _ spec: String,
    _ wrapping: WrappingAlgorithm,
    _ bits: Int
  ) -> String {
    if let refused = refusedSpecs.first(where: { $0.name == spec }) { return refused.code }
    let named = rows.filter { $0.specs.contains(spec) }
    if named.isEmpty { return "key_spec_unknown" }
    if let code = refusedTypes[subject.type] { return code }
    let typed = named.filter { $0.subjects.contains { $0.type == subject.type } }
    if typed.isEmpty { return "key_spec_mismatch" }
    let row = typed.first {
      $0.subjects.contains {
        $0.type == subject.type && ($0.lengths?.contains(subject.byteCount ?? 0) ?? true)
      }
    }
    guard let row else { return "material_length" }
    guard let sizes = row.answers[wrapping] else { return "wrapping_not_offered" }
    return sizes[bits] ?? "wrapping_key_size"
  }

  private static func rows(_ provider: ExportProvider, _ rules: ProviderRules) -> [Row] {
    var rows: [Row] = []
    for spec in rules.specs {
      var own: [Row] = []
      for type in KeyType.allCases where spec.types.contains(type) {
        for count in lengths(type, spec) {
          let subject = ExportSubject(type, byteCount: count)
          var answers: [WrappingAlgorithm: [Int: String]] = [:]
          for way in rules.wrappings {
            for bits in way.bits {
              answers[way.algorithm, default: [:]][bits] = answer(
                provider,
                subject,
                spec.name,
                way.algorithm,
                bits
              )
            }
          }
          let range = count.map { $0...$0 }
          add(
            Row(
              specs: [spec.name],
              subjects: [Subjects(type: type, lengths: range)],
              answers: answers
            ),
            to: &own
          )
        }
      }
      for row in own {
        if let same = rows.firstIndex(where: {
          $0.subjects == row.subjects && $0.answers == row.answers
        }) {
          rows[same].specs += row.specs
        } else {
          rows.append(row)
        }
      }
    }
    return rows
  }

  /// Joins lengths that follow on each other, and types with the same answers.
  private static func add(_ row: Row, to rows: inout [Row]) {
    guard let same = rows.firstIndex(where: { $0.answers == row.answers }) else {
      rows.append(row)
      return
    }
    if let last = rows[same].subjects.last, let new = row.subjects.first, last.type == new.type,
      let before = last.lengths, let next = new.lengths, before.upperBound + 1 == next.lowerBound
    {
      rows[same].subjects.removeLast()
      rows[same].subjects.append(
        Subjects(type: last.type, lengths: before.lowerBound...next.upperBound)
      )
    } else {
      rows[same].subjects += row.subjects
    }
  }

  /// The lengths that both the key type and the spec allow; one nil for pairs.
  private static func lengths(_ type: KeyType, _ spec: ProviderRules.KeySpec) -> [Int?] {
    guard let own = type.importedByteCounts else { return [nil] }
    return spec.lengths.flatMap { range in range.filter { own.contains($0) } }
  }
}
