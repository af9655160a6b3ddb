/// Why an export is refused before anything is wrapped, or what is wrong with a file of one.
package struct ExportRefusal: Error, Hashable, Sendable {
  /// Stable codes; a code never changes its meaning.
  package enum Code: String, CaseIterable, Sendable, Codable {
    // The rules table.
    case keySpecUnknown = "key_spec_unknown"
    case keySpecNotImportable = "key_spec_not_importable"
    case keyTypeNotImportable = "key_type_not_importable"
    case keySpecMismatch = "key_spec_mismatch"
    case materialLength = "material_length"
    case needsManagedHSM = "needs_managed_hsm"
    case wrappingNotOffered = "wrapping_not_offered"
    case wrappingNotForKey = "wrapping_not_for_key"
    case wrappingKeySize = "wrapping_key_size"
    case directOverflow = "direct_overflow"
    case importMethodUnsupported = "import_method_unsupported"
    case formatNotForKey = "format_not_for_key"

    // What a blob shows to the key that opens it.
    case oaepHashMismatch = "oaep_hash_mismatch"
    case mgf1HashMismatch = "mgf1_hash_mismatch"
    case keyWrapWithoutPadding = "kw_instead_of_kwp"
    case ephemeralKeyLength = "ephemeral_key_length"
    case ephemeralKeyReused = "ephemeral_key_reused"
    case blobLength = "blob_length"
    case blobUnopened = "blob_unopened"

    // What is wrong with a file of an export.
    case blobIsText = "blob_is_text"
    case blobIsBinary = "blob_is_binary"
    case materialNotWrapped = "material_not_wrapped"
    case byokField = "byok_field"
    case jweForm = "jwe_form"
    case jweAlgorithm = "jwe_algorithm"

    // Material.
    case keyIsPKCS1 = "key_is_pkcs1"
    case keyIsSEC1 = "key_is_sec1"
    case keyIsPEM = "key_is_pem"
    case keyIsEncrypted = "key_is_encrypted"
    case keyHasPSSIdentifier = "key_has_pss_identifier"
    case keyHasExplicitParameters = "key_has_explicit_parameters"
    case keyIsMultiPrime = "key_is_multi_prime"
    case keyInvalid = "key_invalid"
    case materialIsText = "material_is_text"
    case materialStillWrapped = "material_still_wrapped"

    // Parameters and import bodies.
    case base64Variant = "base64_variant"
    case parametersExpired = "parameters_expired"
    case parametersMixed = "parameters_mixed"
    case parametersUnreadable = "parameters_unreadable"
    case wrappingAlgorithmMissing = "wrapping_algorithm_missing"
    case jobNotActive = "import_job_not_active"
    case expirationModelMissing = "expiration_model_missing"
    case validUntilTooFar = "valid_until_too_far"
    case validUntilPast = "valid_until_past"
    case firstImportPermanent = "first_import_permanent"
    case replicasForgotten = "replicas_forgotten"
    case wrappingKeyUnpinned = "wrapping_key_unpinned"
    case sha1Avoidable = "sha1_avoidable"
    case kekOperations = "kek_operations"
    case kekUnversioned = "kek_unversioned"
    case protectionLevelMismatch = "protection_level_mismatch"

    // The doing.
    case fileUnrecognized = "file_unrecognized"
    case selfTestFailed = "export_self_test_failed"
    case outOfMemory = "export_out_of_memory"
  }

  package let code: Code
  /// One sentence without any secret.
  package let words: String
  package let remedy: String?
  /// The field of a file that it is about; nil where there is none.
  package let place: String?

  package init(_ code: Code, _ words: String, remedy: String? = nil, place: String? = nil) {
    self.code = code
    self.words = words
    self.remedy = remedy
    self.place = place
  }
}
