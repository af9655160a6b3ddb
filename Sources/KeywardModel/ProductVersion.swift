/// The version of the product: what the commands print, and servers tell their clients.
package enum ProductVersion {
  package static let current = "0.2.0"
}
