import ArgumentParser
import KeywardKMSPlugin
import KeywardSystem
import NIOCore
import NIOPosix

/// The socket of a plugin.
struct KMSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The plugin's socket; unix:///@NAME is abstract.", valueName: "unix:///PATH")
  )
  var socket: String

  @Option(help: ArgumentHelp("Give up a call after so many seconds.", valueName: "seconds"))
  var timeout = 3

  /// One connection, on an event loop of the process's own group.
  func connect() async throws -> KMSClient {
    let endpoint: UnixEndpoint
    do {
      endpoint = try UnixEndpoint(parsing: socket)
    } catch {
      throw CommandFailure(.usage, "\(error.message).")
    }
    guard (1...3600).contains(timeout) else {
      throw CommandFailure(.usage, "--timeout must be within 1 and 3600.")
    }
    do {
      return try await KMSClient(
        endpoint,
        on: MultiThreadedEventLoopGroup.singleton.next(),
        timeout: .seconds(Int64(timeout))
      )
    } catch {
      let words = (error as? SystemError)?.message ?? "the connection failed"
      throw CommandFailure(
        .unreachable,
        "No plugin answers: \(words)",
        remedy: "Is it running, and may this user open its socket?"
      )
    }
  }
}
