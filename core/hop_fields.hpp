#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/field_set.hpp"
#include "core/framing.hpp"
#include "core/head.hpp"
#include "core/hop.hpp"
#include "core/octet_writer.hpp"

/// What the two writers of heads (hop_request.cpp, hop_response.cpp) share.
namespace sluice::core {

/// The Connection fields of a head: its options and the fields that have to go with them. Views
/// into the head.
class Nominations {
 public:
  explicit Nominations(const Fields& fields) : fields_(fields) {
    for (const Field& field : fields) {
      if (field.id == FieldId::connection) take_all(field.value);
    }
  }

  const ConnectionOptions& options() const { return options_; }
  /// Known fields that are named and may be removed.
  FieldSet known() const { return known_; }
  /// True when a field without an id, called `name`, is named.
  bool names(std::string_view name) const { return has_others_ && lists(name); }

 private:
  void take_all(std::string_view value);
  void take(std::string_view option);
  bool lists(std::string_view name) const;

  const Fields& fields_;
  ConnectionOptions options_;
  FieldSet known_;
  bool has_others_ = false;  ///< without an id
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
template <class Name, class Value>
void append_field(OctetWriter& out, const Name& name, const Value& value) {
  out.put(name);
  out.put(": ");
  out.put(value);
  out.put("\r\n");
}

/// Appends fields as append_field() does. Those that stand in one buffer, one line behind the other
/// and written just so, go out in one piece: most of a head is passed on unchanged. The last piece
/// is appended by the destructor.
class FieldWriter {
 public:
  explicit FieldWriter(OctetWriter& out) : out_(out) {}
  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;
  ~FieldWriter() { flush(); }

  void add(const Field& field) {
    const char* colon = field.name.data() + field.name.size();
    if (field.value.data() != colon + 2 || !is_pair(colon, ": ")) {
      flush();
      append_field(out_, field.name, field.value);
      return;
    }
    const bool follows =
        begin_ != nullptr && field.name.data() == end_ + 2 && is_pair(end_, "\r\n");
    if (!follows) {
      flush();
      begin_ = field.name.data();
    }
    end_ = field.value.data() + field.value.size();
  }

 private:
  static bool is_pair(const char* octets, const char* pair) {
    return octets[0] == pair[0] && octets[1] == pair[1];
  }
  void flush() {
    if (begin_ == nullptr) return;
    out_.put(std::string_view(begin_, static_cast<std::size_t>(end_ - begin_)));
    out_.put("\r\n");
    begin_ = nullptr;
  }

  OctetWriter& out_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

/// Appends "Content-Length: <length>\r\n".
void append_content_length(OctetWriter& out, std::uint64_t length);

/// Appends "Transfer-Encoding: chunked\r\n".
inline void append_chunked(OctetWriter& out) {
  out.put("Transfer-Encoding: chunked\r\n");
}

}  // namespace sluice::core
