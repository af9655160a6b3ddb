/// Lines in columns, for people.
struct Table {
  private var rows: [[String]]

  init(_ headings: [String]) {
    rows = [headings]
  }

  mutating func add(_ cells: [String]) {
    rows.append(cells.map(Self.printable))
  }

  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column < row.count - 1 {
          line += String(repeating: " ", count: widths[column] - cell.count + 2)
        }
      }
      return line
    }.joined(separator: "\n")
  }

  /// Names and values, one pair a line; pairs without a value are left out.
  static func pairs(_ pairs: [(String, String?)]) -> String {
    let known = pairs.compactMap { name, value in value.map { (name, printable($0)) } }
    let width = known.map(\.0.count).max() ?? 0
    return known.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + value
    }.joined(separator: "\n")
  }

  /// The text without what could drive a terminal.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) ? "\u{fffd}" : scalar
        }
      )
    )
  }
}
