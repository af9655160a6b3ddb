import ArgumentParser

/// A length of time on the command line: `90d`, `12h`, `30m`, `45s` or plain seconds.
struct Seconds: ExpressibleByArgument {
  let value: Int64

  init?(argument: String) {
    let factor: Int64
    let digits: Substring
    switch argument.last {
    case "d": (factor, digits) = (86_400, argument.dropLast())
    case "h": (factor, digits) = (3600, argument.dropLast())
    case "m": (factor, digits) = (60, argument.dropLast())
    case "s": (factor, digits) = (1, argument.dropLast())
    default: (factor, digits) = (1, argument[...])
    }
    guard (1...12).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let number = Int64(digits)
    else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    value = product
  }

  /// The same in the largest unit without a remainder.
  static func text(_ seconds: Int64) -> String {
    for (factor, unit) in [(Int64(86_400), "d"), (3600, "h"), (60, "m")]
    where seconds != 0 && seconds.isMultiple(of: factor) {
      return "\(seconds / factor)\(unit)"
    }
    return "\(seconds)s"
  }
}
