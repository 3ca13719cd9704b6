#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/field_set.hpp"
#include "core/framing.hpp"
#include "core/head.hpp"
#include "core/hop.hpp"

/// What the two writers of heads (hop_request.cpp, hop_response.cpp) share.
namespace sluice::core {

/// The Connection fields of a head: its options and the fields that have to go with them. Views
/// into the head.
class Nominations {
 public:
  explicit Nominations(const Fields& fields);

  const ConnectionOptions& options() const { return options_; }
  /// Known fields that are named and may be removed.
  FieldSet known() const { return known_; }
  /// True when a field without an id, called `name`, is named.
  bool names(std::string_view name) const { return count_ != 0 && lists(name); }

 private:
  void take(std::string_view option);
  bool lists(std::string_view name) const;

  ConnectionOptions options_;
  FieldSet known_;
  std::array<std::string_view, max_connection_options> others_;
  std::size_t count_ = 0;  // of others_
};

/// The ids that stand in `fields`.
FieldSet ids_in(const Fields& fields);

/// Fields that never go to the next hop as they came, in either direction.
inline constexpr FieldSet hop_fields = {
    FieldId::connection,
    FieldId::content_length,
    FieldId::http2_settings,
    FieldId::keep_alive,
    FieldId::te,
    FieldId::upgrade,
    FieldId::transfer_encoding,
    FieldId::proxy_connection,
};

/// Appends "name: value\r\n".
inline void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

/// Appends "Content-Length: <length>\r\n".
void append_content_length(std::string& out, std::uint64_t length);

/// Appends "Transfer-Encoding: chunked\r\n".
inline void append_chunked(std::string& out) {
  out.append("Transfer-Encoding: chunked\r\n");
}

}  // namespace sluice::core
