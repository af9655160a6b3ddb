import KeywardCloud
import KeywardExport
import KeywardModel
import KeywardService

/// The server's way to the destinations of exports: libcurl with verified TLS, and the credentials of
/// this process.
///
/// A destination says which credentials by a name only, and not where they may go: that is the
/// administrator's to say (``CloudTrust``).
struct CloudGateway: ExportGateway {
  let trust: CloudTrust

  func open(
    _ destination: Destination,
    now: @escaping @Sendable () -> Timestamp
  ) throws(CloudFailure) -> (any CloudDestination, CloudSession) {
    try Self.place(destination).open(trust, now: now)
  }

  private static func place(_ destination: Destination) -> CloudPlace {
    var place = CloudPlace(destination.provider)
    place.credentials =
      switch destination.credentials {
      case .environment: .environment
      case .file(let name): .file(name)
      case .profile(let name): .profile(name)
      }
    place.region = destination[.region]
    place.vault = destination[.vault]
    place.tenant = destination[.tenant]
    if let kek = destination[.kek] { place.wrappingKey = kek }
    if let project = destination[.project], let location = destination[.location],
      let ring = destination[.keyRing]
    {
      place.ring = "projects/\(project)/locations/\(location)/keyRings/\(ring)"
    }
    if destination[.protection] == "software" { place.protection = "SOFTWARE" }
    place.endpoint = destination[.endpoint]
    if let mount = destination[.mount] { place.mount = mount }
    place.namespace = destination[.namespace]
    place.authorities = destination[.authorities]
    return place
  }
}
