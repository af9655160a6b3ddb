import ArgumentParser
import KeywardClient
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

/// The name of a record of the registry as an argument.
struct RegistryNameArgument: ExpressibleByArgument {
  let name: RegistryName

  init?(argument: String) {
    guard let name = RegistryName(argument) else { return nil }
    self.name = name
  }
}

/// An id as an argument.
struct IdentifierArgument<Kind: IdentifierKind>: ExpressibleByArgument {
  let id: Identifier<Kind>

  init?(argument: String) {
    guard let id = Identifier<Kind>(argument) else { return nil }
    self.id = id
  }
}

/// The accessor of a token or secret id as an argument.
struct AccessorArgument: ExpressibleByArgument {
  let accessor: PathSegment

  init?(argument: String) {
    guard argument.hasPrefix("acc-") || argument.hasPrefix("sid-"),
      let accessor = PathSegment(argument)
    else { return nil }
    self.accessor = accessor
  }
}

extension SealKind: ExpressibleByArgument {}
extension ImportRequest.Format: ExpressibleByArgument {}
