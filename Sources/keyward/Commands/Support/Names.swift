import ArgumentParser
import KeywardModel

/// The name of a key as an argument.
struct KeyNameArgument: ExpressibleByArgument {
  let name: KeyName

  init?(argument: String) {
    guard let name = try? KeyName(argument) else { return nil }
    self.name = name
  }
}

extension SealKind: ExpressibleByArgument {}
extension ImportRequest.Format: ExpressibleByArgument {}

/// The version of this program.
enum Version {
  static let current = "0.1.0"
}
