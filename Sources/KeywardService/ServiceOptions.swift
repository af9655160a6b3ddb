import KeywardModel

/// The settings of the service that a configuration file can change.
package struct ServiceOptions: Sendable {
  /// Versions whose clear material is kept ready in locked memory.
  package var materialCacheCapacity = 4096
  /// Seconds between the order to destroy and the destruction, unless the order says otherwise.
  package var destructionDelay: Int64 = 7 * 86_400
  /// Seconds that a key version rotated out may still protect for the connection that was told of
  /// it by Status and has not asked again.
  package var rotationGrace: Int64 = 60
  /// Seconds between signed checkpoints while entries arrive.
  package var checkpointInterval: Int64 = 10
  /// The longest input of encrypt, sign, mac and wrap, in bytes.
  package var maximumInput = 1 << 20
  /// The server's version, for status.
  package var version = ProductVersion.current
  /// The name of this log in checkpoints.
  package var auditOrigin = "keyward"
  /// Throw-away data.
  package var isDevelopment = false
  /// Whether destinations of AWS, Azure and Google may name addresses and authorities of their own:
  /// for emulators alone.
  package var takesForeignEndpoints = false

  package init() {}
}
