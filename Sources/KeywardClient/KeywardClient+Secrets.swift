import FoundationEssentials
package import KeywardCrypto
package import KeywardModel

extension KeywardClient {
  /// Fetches all references of a run in one round trip.
  ///
  /// The values are in the order of ``FetchSecretsHead/lengths``: for each result in turn, each of
  /// its values that has a length. There are none if something was refused, unless the request is
  /// partial, and none for a plan. They come straight from the connection into the arena.
  package func fetchSecrets(
    _ request: FetchSecretsRequest
  ) throws(ClientError) -> (head: FetchSecretsHead, values: [SecretBox]) {
    let frame = try postForSecret(Query("/api/v1/secrets:fetch"), json: request)
    do throws(CryptoError) {
      let bytes = try SecretFrame.head(of: frame.bytes, limit: SecretLimits.headBytes)
      guard let head = try? JSONDecoder().decode(FetchSecretsHead.self, from: Data(bytes)) else {
        throw .invalidInput("head")
      }
      let values = try SecretFrame.values(
        of: frame.bytes,
        headCount: bytes.count,
        lengths: head.lengths
      )
      return (head, values)
    } catch .outOfSecureMemory {
      throw Self.outOfSecureMemory
    } catch {
      throw .unintelligible(reason: "the answer is no frame of values")
    }
  }
}
