/// The command line as a person can type it again.
enum CommandLineText {
  /// This command line with an approval in place of what it had.
  static func repeated(withApproval approval: String) -> String {
    var words = Array(CommandLine.arguments.dropFirst())
    // An older approval would be in the way of the new one.
    if let index = words.firstIndex(of: "--approval") {
      words.removeSubrange(index..<min(index + 2, words.endIndex))
    }
    words.removeAll { $0.hasPrefix("--approval=") }
    return (["keyward"] + words + ["--approval", approval]).map(quoted).joined(separator: " ")
  }

  /// The word as a POSIX shell takes it, without what could drive a terminal.
  static func quoted(_ word: String) -> String {
    let word = Table.printable(word)
    let isPlain =
      !word.isEmpty
      && word.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (97...122).contains(byte | 0x20)
          || "-_./:=,@+%".utf8.contains(byte)
      }
    if isPlain { return word }
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }
}
