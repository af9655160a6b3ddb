package import KeywardModel

/// A provider that takes keys over the network.
///
/// Its calls stand in the order in which they are made; `arrival` only after a `deliver` that broke
/// off. None of them sees key bytes: `deliver` has the wrapped blob, `prove` asks the service for
/// what a proof needs.
package protocol CloudDestination: Sendable {
  var provider: ExportProvider { get }

  /// Makes or finds the provider's key, and fetches what to wrap for it.
  func prepare(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> WrappingParameters

  /// Hands over the blob, once: a failure is never followed by another try with the same token.
  func deliver(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt

  /// What the provider says about the key.
  func status(
    of receipt: ImportReceipt,
    _ session: CloudSession
  ) async throws(CloudFailure) -> CloudKeyStatus

  /// Whether an import arrived whose exchange broke off; nothing is changed.
  func arrival(
    of sent: SentImport,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportArrival

  /// Why a copy cannot be compared, where that is known without asking the provider; nil for one that
  /// `prove` has to look at.
  func reasonNotProvable(_ receipt: ImportReceipt, _ plan: CloudPlan) -> String?

  /// Compares what the provider does with the key with what Keyward does.
  func prove(
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult
}

extension CloudDestination {
  package func reasonNotProvable(_ receipt: ImportReceipt, _ plan: CloudPlan) -> String? { nil }
}

/// What is to stand at the provider, in the provider's own names.
package struct CloudPlan: Sendable, Equatable {
  /// What the material is to the provider that has had material for this key before.
  package enum ImportType: String, Sendable, Codable {
    /// The first import, or material to rotate to.
    case new
    /// The same material again: after an expiry, after a deletion, or in a replica.
    case existing
  }

  /// AWS `KeySpec`; Azure `kty`, for curves with `/crv`; Google `algorithm`; transit `type`.
  package var keySpec: String
  package var wrapping: WrappingAlgorithm
  /// The size of the RSA wrapping key in bits.
  package var wrappingKeyBits: Int
  /// AWS `KeyUsage`; Azure `key_ops` with commas; Google `purpose`; nil for the usual one.
  package var usage: String?
  /// The name of a key to make; not for AWS, which gives identifiers.
  package var name: String?
  /// The key to import into; nil to make one.
  package var providerKeyID: String?
  /// When the material or key ends at the provider; nil for never.
  package var validUntil: Timestamp?
  package var importType: ImportType?
  /// The id that the provider gave the material before, for importing it again (AWS).
  package var materialID: String?
  /// Whether replicas in other Regions are wanted (AWS).
  package var isMultiRegion: Bool
  /// At most 256 characters, for people who look at the provider's console.
  package var description: String
  /// What tells this import from every other, kept beside the material where the provider has a
  /// place for it: letters, digits and `-`.
  package var marker: String?

  package init(
    keySpec: String,
    wrapping: WrappingAlgorithm,
    wrappingKeyBits: Int,
    usage: String? = nil,
    name: String? = nil,
    providerKeyID: String? = nil,
    validUntil: Timestamp? = nil,
    importType: ImportType? = nil,
    materialID: String? = nil,
    isMultiRegion: Bool = false,
    description: String = "",
    marker: String? = nil
  ) {
    self.keySpec = keySpec
    self.wrapping = wrapping
    self.wrappingKeyBits = wrappingKeyBits
    self.usage = usage
    self.name = name
    self.providerKeyID = providerKeyID
    self.validUntil = validUntil
    self.importType = importType
    self.materialID = materialID
    self.isMultiRegion = isMultiRegion
    self.description = description
    self.marker = marker
  }
}

/// What a finished import left behind.
package struct ImportReceipt: Sendable, Equatable {
  /// The provider's identifier: an ARN, a versioned key identifier, a resource name, `NAME/VERSION`.
  package var providerKeyID: String
  /// AWS `KeyMaterialId`.
  package var materialID: String?
  package var state: CloudKeyStatus.State
  package var validUntil: Timestamp?

  package init(
    providerKeyID: String,
    materialID: String? = nil,
    state: CloudKeyStatus.State,
    validUntil: Timestamp? = nil
  ) {
    self.providerKeyID = providerKeyID
    self.materialID = materialID
    self.state = state
    self.validUntil = validUntil
  }
}

/// What a provider says about a key.
package struct CloudKeyStatus: Sendable, Equatable {
  package enum State: String, Sendable, Codable, CaseIterable {
    case enabled
    /// It waits for material, or for the rest of it.
    case pendingImport = "pending-import"
    /// Material is there that has not been rotated to.
    case pendingRotation = "pending-rotation"
    case disabled
    case failed
    /// It is not there, or will soon not be.
    case gone
  }

  package let state: State
  package let validUntil: Timestamp?
  /// The material that is current, where the provider names it.
  package let materialID: String?
  /// In the provider's own words.
  package let detail: String

  package init(
    _ state: State,
    validUntil: Timestamp? = nil,
    materialID: String? = nil,
    detail: String
  ) {
    self.state = state
    self.validUntil = validUntil
    self.materialID = materialID
    self.detail = detail
  }
}

/// What a destination needs beside its own description.
package struct CloudSession: Sendable {
  package let transport: any CloudTransport
  /// The authorities that the transport trusts instead of the system's, in PEM.
  let authorities: String?
  package let now: @Sendable () -> Timestamp
  /// Waits so many milliseconds, between two looks at what takes its time.
  package let pause: @Sendable (Int) async -> Void
  let tokens = AccessTokens()

  package init(
    transport: any CloudTransport,
    authorities: String? = nil,
    now: @escaping @Sendable () -> Timestamp,
    pause: @escaping @Sendable (Int) async -> Void
  ) {
    self.transport = transport
    self.authorities = authorities
    self.now = now
    self.pause = pause
  }
}
