import ArgumentParser
import KeywardClient

/// Where the server is.
struct ServerOptions: ParsableArguments {
  static let standardAddress = ServerAddress.standard

  static let hint = """
    Is it running? Point at its admin socket with --addr unix:///PATH or KEYWARD_ADDR;
      'keyward server --dev' prints the address of its own.
    """

  @Option(
    name: .customLong("addr"),
    help: ArgumentHelp(
      "The server's admin socket. (default: $KEYWARD_ADDR, else \(standardAddress))",
      valueName: "unix:///PATH"
    )
  )
  var address: String?

  func client() throws -> KeywardClient {
    let given = address ?? ProcessEnvironment.all["KEYWARD_ADDR"].flatMap { $0.isEmpty ? nil : $0 }
    let text = given ?? Self.standardAddress
    guard let server = ServerAddress(text) else {
      throw CommandFailure(
        .usage,
        "'\(text)' is no address of a server.",
        remedy: "Write unix:///absolute/path or unix:///@abstract-name."
      )
    }
    return try KeywardClient(server)
  }
}
