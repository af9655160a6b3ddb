import COpenSSL

/// The library as a whole: start-up, and its error queue.
enum OpenSSL {
  /// Loads no configuration file and registers no exit handler.
  ///
  /// A file named by OPENSSL_CONF could load an engine into the process, and the exit handler frees
  /// what other threads still use.
  private static let ready: Bool = {
    let options = UInt64(OPENSSL_INIT_NO_LOAD_CONFIG) | UInt64(OPENSSL_INIT_NO_ATEXIT)
    return OPENSSL_init_crypto(options, nil) == 1
  }()

  /// Starts the library once; call before anything that may be the first use.
  static func prepare() {
    precondition(ready, "OPENSSL_init_crypto")
  }

  /// Empties the error queue of this thread, so that no later call reads an old cause.
  static func clearErrors() {
    ERR_clear_error()
  }

  /// The error for an OpenSSL call that failed, no memory or a defect.
  ///
  /// Empties the queue.
  static func failure(_ call: String) -> CryptoError {
    var error = CryptoError.internalFailure(call)
    while true {
      let code = ERR_get_error()
      guard code != 0 else { return error }
      if ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE { error = .outOfSecureMemory }
    }
  }
}
