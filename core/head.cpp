#include "core/head.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

struct KnownName {
  std::string_view name;
  FieldId id;
};

// In order of length, so that the length alone leaves at most four candidates.
constexpr std::array known_names = {
    KnownName{"te", FieldId::te},
    KnownName{"via", FieldId::via},
    KnownName{"date", FieldId::date},
    KnownName{"host", FieldId::host},
    KnownName{"accept", FieldId::accept},
    KnownName{"cookie", FieldId::cookie},
    KnownName{"expect", FieldId::expect},
    KnownName{"server", FieldId::server},
    KnownName{"alt-svc", FieldId::alt_svc},
    KnownName{"trailer", FieldId::trailer},
    KnownName{"upgrade", FieldId::upgrade},
    KnownName{"location", FieldId::location},
    KnownName{"forwarded", FieldId::forwarded},
    KnownName{"connection", FieldId::connection},
    KnownName{"keep-alive", FieldId::keep_alive},
    KnownName{"set-cookie", FieldId::set_cookie},
    KnownName{"traceparent", FieldId::traceparent},
    KnownName{"content-type", FieldId::content_type},
    KnownName{"max-forwards", FieldId::max_forwards},
    KnownName{"proxy-status", FieldId::proxy_status},
    KnownName{"x-request-id", FieldId::x_request_id},
    KnownName{"authorization", FieldId::authorization},
    KnownName{"content-length", FieldId::content_length},
    KnownName{"http2-settings", FieldId::http2_settings},
    KnownName{"x-forwarded-for", FieldId::x_forwarded_for},
    KnownName{"proxy-connection", FieldId::proxy_connection},
    KnownName{"x-forwarded-host", FieldId::x_forwarded_host},
    KnownName{"transfer-encoding", FieldId::transfer_encoding},
    KnownName{"x-forwarded-proto", FieldId::x_forwarded_proto},
    KnownName{"proxy-authenticate", FieldId::proxy_authenticate},
    KnownName{"proxy-authorization", FieldId::proxy_authorization},
};

constexpr std::size_t longest_name = known_names.back().name.size();

/// first_of_length[n] is the place of the first known name with n or more letters.
constexpr auto first_of_length = [] {
  std::array<std::uint8_t, longest_name + 2> first{};
  std::size_t at = 0;
  for (std::size_t length = 0; length < first.size(); ++length) {
    while (at < known_names.size() && known_names[at].name.size() < length) ++at;
    first[length] = static_cast<std::uint8_t>(at);
  }
  return first;
}();

static_assert(std::is_sorted(known_names.begin(), known_names.end(),
                             [](const KnownName& a, const KnownName& b) {
                               return a.name.size() < b.name.size();
                             }));
static_assert(known_names.size() == static_cast<std::size_t>(FieldId::x_request_id));

bool same_letters(const char* a, const char* b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty() || name.size() > longest_name) return FieldId::other;
  const std::size_t end = first_of_length[name.size() + 1];
  for (std::size_t at = first_of_length[name.size()]; at < end; ++at) {
    const KnownName& known = known_names[at];
    if (same_letters(name.data(), known.name.data(), name.size())) return known.id;
  }
  return FieldId::other;
}

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_letters(a.data(), b.data(), a.size());
}

const Field* find(const Fields& fields, FieldId id) {
  for (const Field& field : fields) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

}  // namespace sluice::core
