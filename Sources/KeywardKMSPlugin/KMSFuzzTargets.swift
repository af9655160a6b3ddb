import KeywardCrypto
import KeywardGRPC
import NIOCore

/// Entry points for a fuzzer: bytes in, nothing out, never a trap.
package enum KMSFuzzTargets {
  /// Every reader of a message; what a reader accepts must survive being written again.
  package static func messages(_ bytes: [UInt8]) -> Int {
    let message = ByteBuffer(bytes: bytes)
    var sum = 0
    do throws(KMSFailure) {
      try KMSMessages.readStatusRequest(message)
      sum += 1
      sum += try KMSMessages.readStatusResponse(message).keyID.utf8.count
    } catch {
      sum += error.message.utf8.count
    }
    do throws(KMSFailure) {
      let request = try KMSMessages.readEncryptRequest(message)
      sum += request.plaintext.count + request.uid.utf8.count
    } catch {
      sum += error.message.utf8.count
    }
    do throws(KMSFailure) {
      let request = try KMSMessages.readDecryptRequest(message)
      let again = try KMSMessages.readDecryptRequest(
        KMSMessages.writeDecryptRequest(request).payload
      )
      precondition(again == request, "a request survives being written")
      sum += request.ciphertext.count
    } catch {
      sum += error.message.utf8.count
    }
    do throws(KMSFailure) {
      sum += try KMSMessages.readEncryptResponse(message).ciphertext.count
      sum += try KMSMessages.readDecryptResponse(message).count
    } catch {
      sum += error.message.utf8.count
    }
    return sum
  }
}
