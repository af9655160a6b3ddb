import FoundationEssentials
import KeywardModel

/// Reads and writes the API's JSON bodies.
enum JSONBody {
  /// Decodes an object after the strict scan; a field that is not known refuses it.
  ///
  /// The error names the place by its offset or by a field's known name and never repeats what was
  /// sent, since that may be a secret in the wrong place (OpenBao CVE-2025-52893).
  static func decode<Value: WireRequest>(
    _ type: Value.Type,
    _ bytes: [UInt8]
  ) throws(ServiceError) -> Value {
    let fields: [StrictJSON.Field]
    do {
      fields = try StrictJSON.fields(of: bytes)
    } catch {
      throw ServiceError(.invalidRequest, "The JSON body \(error.reason) at byte \(error.offset).")
    }
    let known = Value.fieldNames
    for field in fields where !known.contains(where: { $0.utf8.elementsEqual(field.name.utf8) }) {
      throw ServiceError(
        .invalidRequest,
        "The JSON body has an unknown field at byte \(field.offset).",
        remedy: "Known fields: \(known.joined(separator: ", "))."
      )
    }
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw ServiceError(.invalidRequest, "The JSON body \(words(for: error)).")
    } catch {
      throw ServiceError(.invalidRequest, "The JSON body cannot be read.")
    }
  }

  /// The question of `can-i`; whatever has not its plain form goes the general way, with its errors.
  static func question(_ bytes: [UInt8]) throws(ServiceError) -> DecisionRequest {
    if let object = try? StrictJSON.object(bytes), let plain = DecisionRequest(plain: object) {
      return plain
    }
    return try decode(DecisionRequest.self, bytes)
  }

  static func encode(_ value: some Encodable) throws(ServiceError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(value))
    } catch {
      throw ServiceError(.internalError, "The answer could not be written as JSON.")
    }
  }

  private static func words(for error: DecodingError) -> String {
    switch error {
    case .typeMismatch(_, let context), .dataCorrupted(let context):
      "has a value of the wrong type or size in \(place(context.codingPath))"
    case .valueNotFound(_, let context):
      "has null in \(place(context.codingPath))"
    case .keyNotFound(let key, _):
      "lacks the field '\(key.stringValue)'"
    @unknown default:
      "cannot be read"
    }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    guard !path.isEmpty else { return "the whole" }
    var text = ""
    for key in path {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
    return "'\(text)'"
  }
}
