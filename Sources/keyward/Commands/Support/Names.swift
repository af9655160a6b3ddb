import ArgumentParser
import KeywardModel

/// The name of a key as an argument.
struct KeyNameArgument: ExpressibleByArgument {
  private let text: String

  init?(argument: String) {
    text = argument
  }

  /// The name, or what is wrong with it and at which byte.
  var name: KeyName {
    get throws { try WireText.keyName(text) }
  }
}

extension SealKind: ExpressibleByArgument {}
extension ImportRequest.Format: ExpressibleByArgument {}

/// The version of this program.
enum Version {
  static let current = "0.1.0"
}
